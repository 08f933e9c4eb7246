-- Takes back leases that ran out: the worker is dead, frozen or cut off. Any orchestrator may call it at any time.
-- Input:  KEYS[1] prefix of the shard; ARGV[1] release, ARGV[2] random share (0..1), ARGV[3] most leases (up to 256),
--         ARGV[4] most lost leases of a step
-- Output: {now (us), how many}
local function reap(keys, argv)
  local ctx = open(keys, argv[1], argv[2])
  local expired = redis.call('ZRANGE', key(ctx, 'leases'), '-inf', digits(ctx.now), 'BYSCORE', 'LIMIT', 0, argv[3])
  for index, member in ipairs(expired) do
    local parts = split(member)
    local run = read_run(ctx, parts[1])
    local step = read_step(ctx, run, parts[2])
    revoke(ctx, run, step)
    lapse_step(ctx, run, step, { most = tonumber(argv[4]), reason = 'lease lost', index = index })
  end
  return { digits(ctx.now_us), #expired }
end

redis.register_function({ function_name = library .. '_reap', callback = reap, flags = { 'allow-oom' } })
