-- What a person does to a run: cancel it, or retry it from the steps that did not succeed.
-- Input:  KEYS[1] prefix of the shard; ARGV[1] release, ARGV[2] cancel | retry, ARGV[3] run, ARGV[4] tenant, ARGV[5] actor,
--         ARGV[6] reason, ARGV[7] most events in the outbox, ARGV[8] most runs queued
-- Output: {code, now (us), state of the run}: 1 done; 0 there is nothing to do; -1 this tenant has no such run;
--         -2 not in this state; -3 the outbox is full; -4 the queue is full
local function reset_steps(ctx, run, change)
  local succeeded, reset = {}, {}
  for _, name in ipairs(step_names(ctx, run)) do
    local step = read_step(ctx, run, name)
    if step.state == 'succeeded' then succeeded[#succeeded + 1] = name else reset[name] = step end
  end
  for name, step in pairs(reset) do step.waits = plan_of(ctx, run, name).needs end
  for _, name in ipairs(succeeded) do
    for _, child in ipairs(plan_of(ctx, run, name).children) do
      if reset[child] ~= nil then reset[child].waits = reset[child].waits - 1 end
    end
  end
  local left = 0
  for _, name in ipairs(step_names(ctx, run)) do
    local step = reset[name]
    if step ~= nil then
      step.failures, step.lapses, step.ended = 0, 0, 0
      redis.call('HDEL', key(ctx, 'data', run.id), 'e:' .. name)
      move_step(ctx, run, step, 'waiting', change)
      left = left + 1
    end
  end
  return left
end

local function retry_run(ctx, run, change)
  run.left, run.failed = reset_steps(ctx, run, change), 0
  redis.call('HSET', key(ctx, 'run', run.id), 'left', run.left, 'failed', 0)
  redis.call('HDEL', key(ctx, 'run', run.id), 'ended')
  redis.call('ZREM', key(ctx, 'ended'), run.id)
  move_run(ctx, run, 'queued', change)
  redis.call('ZADD', key(ctx, 'queue', run.lane), run.created, run.id)
  start_queued(ctx, run.lane)
end

local function control(keys, argv)
  local ctx = open(keys, argv[1])
  local run = read_run(ctx, argv[3])
  if run == nil or run.tenant ~= argv[4] then return { -1, digits(ctx.now_us), '' } end
  local change = { actor = argv[5], reason = argv[6] }
  local open_run = run.state == 'queued' or run.state == 'running'
  if argv[2] == 'cancel' then
    if run.state == 'cancelled' then return { 0, digits(ctx.now_us), run.state } end
    if not open_run then return { -2, digits(ctx.now_us), run.state } end
    abort_run(ctx, run, 'cancelled', change)
    return { 1, digits(ctx.now_us), run.state }
  end
  if open_run then return { 0, digits(ctx.now_us), run.state } end
  if run.state == 'succeeded' then return { -2, digits(ctx.now_us), run.state } end
  if outbox_full(ctx, argv[7]) then return { -3, digits(ctx.now_us), run.state } end
  if redis.call('ZCARD', key(ctx, 'queue', run.lane)) >= tonumber(argv[8]) then return { -4, digits(ctx.now_us), run.state } end
  retry_run(ctx, run, change)
  return { 1, digits(ctx.now_us), redis.call('HGET', key(ctx, 'run', run.id), 'state') }
end

redis.register_function({ function_name = library .. '_control', callback = control, flags = { 'allow-oom' } })
