-- What happens because time passes: leases run out, timers come due, and what calls left behind goes on. Anyone may call it at any time.
-- Input:  ARGV[2] random share (0..1), ARGV[3] most lost leases of a step, ARGV[4] '' (in the log: the leases that ran out, as JSON)
-- Output: {"now": us, "lapsed": n, "fired": n, "more": true when there is more to do at once}
local function fire(ctx, member)
  local kind, id, ref = split(member)
  local run = run_of(ctx, id)
  if run == nil then return end
  if kind == 'deadline' then
    local reason = 'the run took longer than ' .. field_of_run(ctx, run, 'timeout') .. ' ms'
    return abort_run(ctx, run, run.ending ~= '' and run.ending or 'failed', { reason = reason, grace = 0 })
  end
  if kind == 'grace' then return later_of(ctx, run, 'sweep', 0, 1, run.actor, 'the time to stop is over') end
  local step, profile = step_of(ctx, run, ref), profile_of(ctx, run, ref)
  if kind == 'retry' then return make_ready(ctx, run, ref, { reason = 'backoff is over' }) end
  if kind == 'wake' then return wake_step(ctx, run, ref, step) end
  if ended_states[step.state] or step.state == 'waiting' then return end
  withdraw(ctx, run, ref, step)
  if kind == 'queue' then
    return time_out(ctx, run, ref, 'QUEUE_TIMEOUT', 'nobody took it within ' .. digits(profile.queue) .. ' ms', { final = true })
  end
  time_out(ctx, run, ref, 'STEP_TIMEOUT', 'all attempts together took longer than ' .. digits(profile.total) .. ' ms', { final = true })
end

local function expire(ctx, member, lapses_max)
  local id, ref, fence = split(member)
  local run = run_of(ctx, id)
  local step = run and step_of(ctx, run, ref)
  if not step or step.state ~= 'running' or step.fence ~= fence then
    redis.call('ZREM', key(ctx, 'leases'), member)
    return
  end
  revoke(ctx, run, ref, step)
  if run.state == 'cancelling' then
    end_attempt(ctx, run, ref, step, 'lease lost')
  elseif ctx.now >= step.due then
    local message = 'attempt ' .. step.attempt .. ' took longer than ' .. digits(profile_of(ctx, run, ref).attempt) .. ' ms'
    time_out(ctx, run, ref, 'ATTEMPT_TIMEOUT', message, {})
  else
    lapse_step(ctx, run, ref, lapses_max)
  end
  end_if_over(ctx, run)
end

local function tick(ctx, argv)
  ctx.random = tonumber(argv[2])
  local expired
  if argv[4] == '' then
    expired = redis.call('ZRANGE', key(ctx, 'leases'), '-inf', digits(ctx.now), 'BYSCORE', 'LIMIT', 0, work_max)
    argv[4] = #expired == 0 and '[]' or cjson.encode(expired)
  else
    expired = cjson.decode(argv[4])
  end
  for _, member in ipairs(expired) do expire(ctx, member, tonumber(argv[3])) end
  local due = redis.call('ZRANGE', key(ctx, 'timers'), '-inf', digits(ctx.now), 'BYSCORE', 'LIMIT', 0, work_max)
  local fired = 0
  for _, member in ipairs(due) do
    -- An earlier timer of this call may have ended the run, and with it this timer.
    if redis.call('ZREM', key(ctx, 'timers'), member) == 1 then
      fire(ctx, member)
      fired = fired + 1
      ctx.work = ctx.work + 1
    end
  end
  flush_arrivals(ctx)
  carry_on(ctx)
  ctx.changed = ctx.changed or #expired + fired > 0
  local more = #ctx.todo > 0 or #expired == work_max or #due == work_max or redis.call('EXISTS', key(ctx, 'todo')) == 1
  return '{"now":' .. digits(ctx.now_us) .. ',"lapsed":' .. #expired .. ',"fired":' .. fired .. ',"more":' .. tostring(more) .. '}'
end

serve('tick', tick, { allow_oom = true })
