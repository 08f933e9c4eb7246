-- Forgets runs that ended long ago; their history is in the event store. A definition goes with its last run.
-- Input:  KEYS[1] prefix of the shard; ARGV[1] how long an ended run is kept (ms), ARGV[2] most ended runs kept,
--         ARGV[3] most runs a call (up to 256)
-- Output: {now (us), how many}
local function purge(keys, argv)
  local ctx = open(keys)
  local most = tonumber(argv[3])
  local over = math.min(most, math.max(0, redis.call('ZCARD', key(ctx, 'ended')) - tonumber(argv[2])))
  local old = redis.call('ZCOUNT', key(ctx, 'ended'), '-inf', digits(ctx.now - tonumber(argv[1])))
  local count = math.min(most, math.max(over, old))
  for _, id in ipairs(count > 0 and redis.call('ZRANGE', key(ctx, 'ended'), 0, count - 1) or {}) do
    local run = read_run(ctx, id)
    redis.call('DEL', key(ctx, 'run', id), key(ctx, 'steps', id), key(ctx, 'data', id))
    redis.call('ZREM', key(ctx, 'runs', run.tenant), id)
    redis.call('ZREM', key(ctx, 'ended'), id)
    if redis.call('HINCRBY', key(ctx, 'def', run.definition), '$runs', -1) == 0 then
      redis.call('DEL', key(ctx, 'def', run.definition))
    end
  end
  return { digits(ctx.now_us), count }
end

redis.register_function({ function_name = library .. '_purge', callback = purge, flags = { 'allow-oom' } })
