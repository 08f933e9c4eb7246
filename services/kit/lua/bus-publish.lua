-- Appends events to one partition, once for each (producer, sequence), or refuses all of them.
-- Positions are microseconds of Redis's clock and only grow: a position, and so a token, is never used for two events,
-- even where a crash of the machine has lost the last writes.
-- Trims only what every known group has committed: by age, and at the bound as far as it must.
-- Input:  KEYS[1] stream: the partition's events
--         KEYS[2] hash: position of the last event, number of events ever added
--         KEYS[3] hash: group -> position it goes on at
--         KEYS[4] string: last sequence of this producer
--         ARGV[1] sequence, ARGV[2] how long it is remembered (ms), ARGV[3] most events held,
--         ARGV[4] how long committed events are kept (ms), ARGV[5] share of maxmemory that may be used (0..1),
--         ARGV[6] channel that wakes readers, ARGV[7] partition; then key, value, headers of each event
-- Output: {1, position of the last event}; {0} this sequence was appended before;
--         {-1, events held} full of events that a group has yet to read; {-2, bytes used, maxmemory} Redis is full
local function lowest_position(groups_key)
  local lowest = nil
  for _, position in ipairs(redis.call('HVALS', groups_key)) do
    local number = tonumber(position)
    if lowest == nil or number < lowest then lowest = number end
  end
  return lowest
end

local function trim(keys, incoming, events_max, kept_from)
  local lowest = lowest_position(keys[3])
  local by_age = kept_from
  if lowest ~= nil and lowest < by_age then by_age = lowest end
  redis.call('XTRIM', keys[1], 'MINID', '~', digits(by_age) .. '-0')
  local held = redis.call('XLEN', keys[1])
  if held + incoming > events_max and lowest ~= nil then
    redis.call('XTRIM', keys[1], 'MINID', '=', digits(lowest) .. '-0')
    held = redis.call('XLEN', keys[1])
  end
  return held
end

local function memory_refusal(share_max)
  local info = redis.call('INFO', 'memory')
  local used = tonumber(string.match(info, 'used_memory:(%d+)'))
  local maximum = tonumber(string.match(info, 'maxmemory:(%d+)'))
  if maximum == 0 or used <= maximum * share_max then return nil end
  return { -2, used, maximum }
end

local function publish(keys, argv)
  if tonumber(argv[1]) <= tonumber(redis.call('GET', keys[4]) or '0') then return { 0 } end
  local refusal = memory_refusal(tonumber(argv[5]))
  if refusal ~= nil then return refusal end

  local now = now_us()
  local count = (#argv - 7) / 3
  local events_max = tonumber(argv[3])
  local held = trim(keys, count, events_max, now - tonumber(argv[4]) * 1000)
  if held + count > events_max then return { -1, held } end

  local position = math.max(now, tonumber(redis.call('HGET', keys[2], 'position') or '0') + 1)
  for i = 8, #argv, 3 do
    redis.call('XADD', keys[1], digits(position) .. '-0', 'k', argv[i], 'v', argv[i + 1], 'h', argv[i + 2])
    position = position + 1
  end
  redis.call('HSET', keys[2], 'position', digits(position - 1))
  redis.call('HINCRBY', keys[2], 'added', count)
  redis.call('SET', keys[4], argv[1], 'PX', argv[2])
  redis.call('PUBLISH', argv[6], argv[7])
  return { 1, position - 1 }
end

redis.register_function(library .. '_publish', publish)
