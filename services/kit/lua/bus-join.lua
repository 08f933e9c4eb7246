-- Counts a consumer among the members of its group for a while, and tells who is there.
-- Input:  KEYS[1] sorted set: member -> deadline; ARGV[1] member, ARGV[2] how long it counts (ms), ARGV[3] most members,
--         ARGV[4] channel that wakes consumers
-- Output: the members, this one included; an empty list when there are too many
local function join(keys, argv)
  local now = now_us()
  redis.call('ZREMRANGEBYSCORE', keys[1], '-inf', digits(now))
  local known = redis.call('ZSCORE', keys[1], argv[1])
  if not known then
    if redis.call('ZCARD', keys[1]) >= tonumber(argv[3]) then return {} end
    redis.call('PUBLISH', argv[4], 'joined')
  end
  redis.call('ZADD', keys[1], digits(now + tonumber(argv[2]) * 1000), argv[1])
  return redis.call('ZRANGE', keys[1], 0, -1)
end

redis.register_function({ function_name = library .. '_join', callback = join, flags = { 'allow-oom' } })
