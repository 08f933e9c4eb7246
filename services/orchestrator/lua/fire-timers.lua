-- Does what is due: sleeps end, retries begin, attempts and runs time out. Any orchestrator may call it at any time.
-- Input:  KEYS[1] prefix of the shard; ARGV[1] release, ARGV[2] random share (0..1), ARGV[3] most timers (up to 256)
-- Output: {now (us), how many}
local function fire(ctx, parts, index)
  local kind = parts[1]
  local run = read_run(ctx, parts[2])
  if kind == 'deadline' then
    local message = 'the run took longer than ' .. run.timeout .. ' ms'
    return abort_run(ctx, run, 'failed', { reason = message })
  end
  local step = read_step(ctx, run, parts[3])
  if kind == 'sleep' then return succeed_step(ctx, run, step, '') end
  if kind == 'retry' then return make_ready(ctx, run, step, { reason = 'backoff is over' }) end
  revoke(ctx, run, step)
  local message = 'attempt ' .. parts[4] .. ' took longer than ' .. plan_of(ctx, run, step.name).timeout .. ' ms'
  local error = { code = 'STEP_TIMEOUT', message = message, hint = 'raise timeoutSeconds, or see where the time goes' }
  fail_step(ctx, run, step, { error = cjson.encode(error), retryable = true, reason = message }, index)
end

local function tick(keys, argv)
  local ctx = open(keys, argv[1], argv[2])
  local due = redis.call('ZRANGE', key(ctx, 'timers'), '-inf', digits(ctx.now), 'BYSCORE', 'LIMIT', 0, argv[3])
  local fired = 0
  for index, member in ipairs(due) do
    -- An earlier timer of this call may have ended the run, and with it this timer.
    if redis.call('ZREM', key(ctx, 'timers'), member) == 1 then
      fire(ctx, split(member), index)
      fired = fired + 1
    end
  end
  return { digits(ctx.now_us), fired }
end

redis.register_function({ function_name = library .. '_tick', callback = tick, flags = { 'allow-oom' } })
