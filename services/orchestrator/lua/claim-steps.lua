-- Takes steps that are ready, under leases: tenants in turn, within a tenant the step of the oldest run first.
-- Input:  KEYS[1] prefix of the shard; ARGV[1] release, ARGV[2] kind of step, ARGV[3] most steps (up to 256), ARGV[4] lease (ms)
-- Output: {now (us), {run, step, fence, attempt, tenant, actor, workflow, definition, parameters, created, logical}...}
local function next_ready(ctx, kind)
  local turn = key(ctx, 'turn', kind)
  local tenant = redis.call('ZRANGE', turn, 0, 0)[1]
  if tenant == nil then return nil end
  local waiting = key(ctx, 'ready', kind .. ':' .. tenant)
  local member = redis.call('ZPOPMIN', waiting)[1]
  redis.call('ZINCRBY', turn, 1, tenant)
  if redis.call('EXISTS', waiting) == 0 then redis.call('ZREM', turn, tenant) end
  return split(member)
end

local function claim(keys, argv)
  local ctx = open(keys, argv[1])
  local claimed = { digits(ctx.now_us) }
  while #claimed <= tonumber(argv[3]) do
    local found = next_ready(ctx, argv[2])
    if found == nil then return claimed end
    local run = read_run(ctx, found[1])
    local step = read_step(ctx, run, found[2])
    local plan = plan_of(ctx, run, step.name)
    step.fence = next_fence(ctx)
    step.attempt = step.attempt + 1
    step.started = ctx.now
    move_step(ctx, run, step, 'running')
    redis.call('ZADD', key(ctx, 'leases'), digits(ctx.now + tonumber(argv[4])), lease(run, step))
    redis.call('ZADD', key(ctx, 'timers'), digits(ctx.now + plan.timeout), timer('timeout', run, step.name, step.attempt))
    local more = redis.call('HMGET', key(ctx, 'run', run.id), 'parameters', 'logical')
    claimed[#claimed + 1] = { run.id, step.name, step.fence, step.attempt, run.tenant, run.actor, run.workflow,
      run.definition, more[1], run.created, more[2] }
  end
  return claimed
end

redis.register_function({ function_name = library .. '_claim', callback = claim, flags = { 'allow-oom' } })
