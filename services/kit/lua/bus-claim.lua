-- Takes a partition for one consumer of a group until a deadline, when nobody else has it.
-- Input:  KEYS[1] hash: the group at this partition; KEYS[2] hash: group -> position it goes on at
--         KEYS[3] stream: the partition's events; KEYS[4] hash: position of the last event, number ever added
--         ARGV[1] group, ARGV[2] owner, ARGV[3] lease (ms), ARGV[4] most groups, ARGV[5] earliest | latest
-- Output: {1, fence, position, from, to, count} claimed; from = 0 when no intent is pending;
--         {0, milliseconds until the other's lease ends}; {-1, groups} too many groups
local function begin_group(keys, start)
  local tail = redis.call('HMGET', keys[4], 'position', 'added')
  local position = tonumber(tail[1] or '0') + 1
  local handled = tonumber(tail[2] or '0')
  if start == 'earliest' then
    local first = redis.call('XRANGE', keys[3], '-', '+', 'COUNT', 1)[1]
    if first ~= nil then position = tonumber(string.match(first[1], '^%d+')) end
    handled = handled - redis.call('XLEN', keys[3])
  end
  redis.call('HSET', keys[1], 'position', digits(position), 'handled', digits(handled))
end

local function claim(keys, argv)
  local group, owner = argv[1], argv[2]
  local now = now_us()
  local held = redis.call('HMGET', keys[1], 'owner', 'until_us', 'fence', 'position')
  local live = held[1] and tonumber(held[2]) > now
  if live and held[1] ~= owner then return { 0, math.ceil((tonumber(held[2]) - now) / 1000) } end

  if not held[4] then
    local groups = redis.call('HLEN', keys[2])
    if groups >= tonumber(argv[4]) then return { -1, groups } end
    begin_group(keys, argv[5])
  end
  local fence = tonumber(held[3] or '0')
  if not live then fence = fence + 1 end
  redis.call('HSET', keys[1], 'owner', owner, 'fence', fence, 'until_us', digits(now + tonumber(argv[3]) * 1000))

  local state = redis.call('HMGET', keys[1], 'position', 'from', 'to', 'count')
  redis.call('HSET', keys[2], group, state[1])
  return { 1, fence, tonumber(state[1]), tonumber(state[2] or '0'), tonumber(state[3] or '0'), tonumber(state[4] or '0') }
end

redis.register_function({ function_name = library .. '_claim', callback = claim, flags = { 'allow-oom' } })
