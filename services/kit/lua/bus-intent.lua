-- Records the range that is about to be written. Repeating the same intent is no error.
-- Input:  KEYS[1] hash: the group at this partition
--         ARGV[1] owner, ARGV[2] fence, ARGV[3] lease (ms), ARGV[4] from, ARGV[5] to, ARGV[6] count
-- Output: {1} recorded; {0} another consumer has taken the partition, nothing may be written;
--         {-1, position, from, to} the range begins before the position, or another range is pending
local function intent(keys, argv)
  if not holds(keys[1], argv[1], argv[2], argv[3]) then return { 0 } end
  local state = redis.call('HMGET', keys[1], 'position', 'from', 'to')
  local pending = state[2] and (state[2] ~= argv[4] or state[3] ~= argv[5])
  if pending or tonumber(argv[4]) < tonumber(state[1]) then
    return { -1, tonumber(state[1]), tonumber(state[2] or '0'), tonumber(state[3] or '0') }
  end
  redis.call('HSET', keys[1], 'from', argv[4], 'to', argv[5], 'count', argv[6])
  return { 1 }
end

redis.register_function({ function_name = library .. '_intent', callback = intent, flags = { 'allow-oom' } })
