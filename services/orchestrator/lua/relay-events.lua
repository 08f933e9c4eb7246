-- Hands the outbox to one relay at a time: drops what the relay has published, and gives the next events in order.
-- Input:  KEYS[1] prefix of the shard; ARGV[1] relay, ARGV[2] lease (ms), ARGV[3] id of the last event published or '',
--         ARGV[4] most events
-- Output: {1, {id, {field, value, ...}}...} the next events; {0, milliseconds until the other relay's lease ends}
local function relay(keys, argv)
  local ctx = open(keys)
  local held = redis.call('HMGET', key(ctx, 'relay'), 'holder', 'until')
  if held[1] and held[1] ~= argv[1] and tonumber(held[2]) > ctx.now then return { 0, tonumber(held[2]) - ctx.now } end
  redis.call('HSET', key(ctx, 'relay'), 'holder', argv[1], 'until', digits(ctx.now + tonumber(argv[2])))
  -- One that took over in between may not have published it: then only its own word counts.
  if argv[3] ~= '' and held[1] == argv[1] then
    local milliseconds, number = string.match(argv[3], '^(%d+)-(%d+)$')
    redis.call('XTRIM', key(ctx, 'out'), 'MINID', milliseconds .. '-' .. (tonumber(number) + 1))
  end
  local answer = redis.call('XRANGE', key(ctx, 'out'), '-', '+', 'COUNT', argv[4])
  table.insert(answer, 1, 1)
  return answer
end

redis.register_function({ function_name = library .. '_relay', callback = relay, flags = { 'allow-oom' } })
