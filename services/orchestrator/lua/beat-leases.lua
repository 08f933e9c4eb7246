-- Prolongs leases and notes progress. A lease that has run out but that nobody has reaped still holds.
-- Input:  KEYS[1] prefix of the shard; then for each lease: run, step, fence, lease (ms), progress (JSON) or ''
-- Output: {now (us), 1 | 0 ...} in the order given: 1 prolonged, 0 lost
local function beat(keys, argv)
  local ctx = open(keys)
  local answer = { digits(ctx.now_us) }
  for i = 1, #argv, 5 do
    local member = argv[i] .. '|' .. argv[i + 1] .. '|' .. argv[i + 2]
    local held = redis.call('ZSCORE', key(ctx, 'leases'), member)
    if held then
      redis.call('ZADD', key(ctx, 'leases'), digits(ctx.now + tonumber(argv[i + 3])), member)
      if argv[i + 4] ~= '' then redis.call('HSET', key(ctx, 'data', argv[i]), 'p:' .. argv[i + 1], argv[i + 4]) end
    end
    answer[#answer + 1] = held and 1 or 0
  end
  return answer
end

redis.register_function({ function_name = library .. '_beat', callback = beat, flags = { 'allow-oom' } })
