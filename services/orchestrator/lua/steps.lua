-- The moves of steps.
local succeed_step, fail_step, end_run

-- A run ends when no step is left, or, where it is being ended, when nobody works for it; and never before the work that it left behind.
local function end_if_over(ctx, run)
  if run.pending > 0 then return end
  if run.state == 'cancelling' and run.active == 0 then
    end_run(ctx, run, run.ending, { reason = 'nothing runs any more' })
  elseif run.state == 'running' and run.left <= 0 then
    end_run(ctx, run, run.failed > 0 and 'failed' or 'succeeded', { reason = run.failed > 0 and run.failed .. ' failed' or '' })
  end
end

local function wait_in_line(ctx, run, ref, step)
  local profile = step.profile
  line_up(ctx, run, ref, profile)
  if profile.queue > 0 then set_timer(ctx, ctx.now + profile.queue, timer('queue', run, ref, step.attempt)) end
end

-- Into the hands of whoever claims next.
local function make_ready(ctx, run, ref, change)
  move_step(ctx, run, ref, 'ready', change)
  wait_in_line(ctx, run, ref, run.steps[ref])
end

-- A step whose needs have ended well.
local function release_step(ctx, run, ref)
  local step = step_of(ctx, run, ref)
  if step.state ~= 'waiting' or run.state ~= 'running' then return end
  ctx.work = ctx.work + 1
  local profile = step.profile
  if profile.total > 0 then set_timer(ctx, ctx.now + profile.total, timer('total', run, ref)) end
  make_ready(ctx, run, ref, no_change)
end

-- Books that a need of `child` has ended well; flush_arrivals counts them together.
local function arrive(ctx, run, child)
  local found = run.arrivals[child]
  if found == nil then
    found = { run = run, ref = digits(child), child = child, count = 0 }
    run.arrivals[child] = found
    ctx.arrivals[#ctx.arrivals + 1] = found
  end
  found.count = found.count + 1
end

local function flush_arrivals(ctx)
  local found = ctx.arrivals
  if #found == 0 then return end
  ctx.arrivals = {}
  local refs = {}
  for _, each in ipairs(found) do
    local own = refs[each.run.id]
    if own then own[#own + 1] = each.ref else refs[each.run.id] = { each.ref } end
    each.run.arrivals[each.child] = nil
  end
  for id, list in pairs(refs) do load_steps(ctx, ctx.runs[id], list) end
  for _, each in ipairs(found) do
    local needs = plan_of(ctx, each.run, each.ref).needs
    local arrived = each.count
    if needs > 1 then arrived = redis.call('HINCRBY', key(ctx, 'wt', each.run.id), each.ref, each.count) end
    if arrived >= needs then release_step(ctx, each.run, each.ref) end
  end
end

local function drop_step_timers(ctx, run, ref, step)
  local profile = step.profile
  if profile.total > 0 then drop_timer(ctx, timer('total', run, ref)) end
  if step.state == 'running' then return end
  if step.state == 'retrying' then drop_timer(ctx, timer('retry', run, ref, step.attempt)) end
  if step.state == 'ready' and profile.queue > 0 then drop_timer(ctx, timer('queue', run, ref, step.attempt)) end
  if step.state == 'suspended' then drop_timer(ctx, timer('wake', run, ref, step.attempt)) end
end

-- Takes a step that has not ended out of whatever it waits in or works under.
local function withdraw(ctx, run, ref, step)
  drop_step_timers(ctx, run, ref, step)
  if step.state == 'running' then revoke(ctx, run, ref, step) end
  if step.state == 'suspended' and step.on == 'event' then
    redis.call('ZREM', key(ctx, 'waits', run.tenant .. ':' .. step.key), run.id .. '|' .. ref)
  end
  if step.state == 'suspended' and step.on == 'child' then later(ctx, 'end-child', step.key) end
  -- Items at work in a run that is asked to stop have their grace; those of a map that has ended by itself don't.
  if step.state == 'suspended' and step.on == 'items' then
    later_of(ctx, run, 'end-items', ref, 0, run.state == 'cancelling' and 0 or 1)
  end
  if step.state == 'ready' then
    local profile = profile_of(ctx, run, ref)
    local place = pool_of(run, profile) .. ':' .. run.tenant
    flush_lines(ctx)
    redis.call('ZREM', step.on == '' and key(ctx, 'ready', place) or key(ctx, 'park', step.on), run.id .. '|' .. ref)
    if redis.call('EXISTS', key(ctx, 'ready', place)) == 0 then
      redis.call('ZREM', key(ctx, 'turn', string.match(place, '^(.*):')), run.tenant)
    end
    if profile.limit > 0 then pass_on(ctx, run, ref, profile) end
  end
end

-- An attempt of a run that is being ended has stopped.
local function end_attempt(ctx, run, ref, step, reason)
  drop_step_timers(ctx, run, ref, step)
  step.ended = ctx.now
  move_step(ctx, run, ref, 'cancelled', { reason = reason })
end

-- One step fewer to end; the last one ends the run.
local function settle(ctx, run)
  run.left = run.left - 1
  end_if_over(ctx, run)
end

-- An item of a map has ended: the next one follows, or the map ends.
local function end_item(ctx, run, ref, ended_well)
  local map = string.match(ref, '^(%d+)%.')
  local profile, where = profile_of(ctx, run, map), key(ctx, 'wt', run.id)
  local step = step_of(ctx, run, map)
  local ended = redis.call('HINCRBY', where, map, 1)
  local failed = redis.call('HINCRBY', where, map .. 'f', ended_well and 0 or 1)
  local found = redis.call('HMGET', where, map .. 'n', map .. 'r')
  local items, released = tonumber(found[1]), tonumber(found[2])
  if step.state ~= 'suspended' then return end
  if failed > profile.failures_max then
    if ended < released then return end
    local message = failed .. ' of ' .. items .. ' items failed, failuresMax is ' .. profile.failures_max
    local error = { code = 'ITEMS_FAILED', message = message, hint = 'see the items: they are steps of their own' }
    return fail_step(ctx, run, map, { error = cjson.encode(error), class = 'failure', final = true, reason = message })
  end
  if released < items then
    redis.call('HINCRBY', where, map .. 'r', 1)
    return release_step(ctx, run, map .. '.' .. released)
  end
  if ended == items then succeed_step(ctx, run, map, '{"items":' .. items .. ',"failed":' .. failed .. '}', {}) end
end

local function ended_well(ctx, run, ref)
  if string.find(ref, '.', 1, true) then return end_item(ctx, run, ref, true) end
  local children = plan_of(ctx, run, ref).children
  if #children == 1 and plan_of(ctx, run, children[1]).needs == 1 then
    release_step(ctx, run, digits(children[1]))
  elseif #children <= 64 and ctx.work < work_max then
    -- Some of them have all they need by this, and are released in this call.
    ctx.work = ctx.work + math.ceil(#children / 2)
    for _, child in ipairs(children) do arrive(ctx, run, child) end
  else
    later_of(ctx, run, 'arrive', ref, 1)
  end
  settle(ctx, run)
end

-- `result` is JSON text, '' for none.
succeed_step = function(ctx, run, ref, result, change)
  local step = step_of(ctx, run, ref)
  drop_step_timers(ctx, run, ref, step)
  step.ended = ctx.now
  if result ~= '' then put(ctx, run, 'r:' .. ref, result) end
  if step.failures > 0 and not change.degraded then drop(ctx, run, 'e:' .. ref) end
  move_step(ctx, run, ref, 'succeeded', change)
  ended_well(ctx, run, ref)
end

-- Retries of a tenant are spread so that no more than its budget a minute begin (the generic cell rate algorithm): when is the next?
local function retry_time(ctx, run, due)
  local rate = limit_of(ctx, 'b|' .. run.tenant)
  if rate <= 0 then return due end
  local free = math.max(ctx.now, tonumber(redis.call('HGET', key(ctx, 'budget'), run.tenant) or '0'))
  redis.call('HSET', key(ctx, 'budget'), run.tenant, rounded(free + 60000 / rate))
  return math.max(due, free - 60000)
end

-- The wait before the next attempt; full jitter takes a random share of it. The attempts of one call are spread by the golden ratio.
local function backoff(ctx, policy, failures)
  local ceiling = math.min(policy[3], policy[2] * 2 ^ (failures - 1))
  if policy[4] == 0 then return ceiling end
  ctx.random = (ctx.random + 0.6180339887) % 1
  return math.ceil(ctx.random * ceiling)
end

local function may_degrade(profile, class)
  local fallback = profile.fallback
  if fallback == nil then return false end
  return #fallback.classes == 0 or string.find(table.concat(fallback.classes, ','), class, 1, true) ~= nil
end

-- A failed attempt: another one after the backoff, the declared fallback, or the end of the step.
-- failure: error (JSON text), class, retryable, reason, after (ms that the callee asked to wait)
fail_step = function(ctx, run, ref, failure)
  local step, profile = step_of(ctx, run, ref), profile_of(ctx, run, ref)
  put(ctx, run, 'e:' .. ref, failure.error)
  local own = profile.retry[failure.class]
  local policy = own or profile.retry.default
  step.failures = step.failures + 1
  if not failure.final and (own or failure.retryable) and step.failures < policy[1] and run.state == 'running' then
    if step.state == 'suspended' then drop_timer(ctx, timer('wake', run, ref, step.attempt)) end
    local wait = math.max(backoff(ctx, policy, step.failures), failure.after or 0)
    step.due = retry_time(ctx, run, ctx.now + wait)
    set_timer(ctx, step.due, timer('retry', run, ref, step.attempt))
    return move_step(ctx, run, ref, 'retrying', failure)
  end
  if may_degrade(profile, failure.class) then
    return succeed_step(ctx, run, ref, profile.fallback.result, { reason = 'degraded: ' .. failure.reason, degraded = true })
  end
  drop_step_timers(ctx, run, ref, step)
  step.ended = ctx.now
  move_step(ctx, run, ref, 'failed', failure)
  if string.find(ref, '.', 1, true) then return end_item(ctx, run, ref, false) end
  run.failed, run.changed = run.failed + 1, true
  later_of(ctx, run, 'skip', ref, 1)
  settle(ctx, run)
end

-- A lease that ended without a result is nobody's failure, up to a bound: a step that takes down its workers must end too.
local function lapse_step(ctx, run, ref, lapses_max)
  local step = step_of(ctx, run, ref)
  step.lapses = step.lapses + 1
  if step.lapses <= lapses_max then return make_ready(ctx, run, ref, { reason = 'lease lost' }) end
  local message = 'the lease was lost ' .. step.lapses .. ' times, the bound is ' .. lapses_max
  local error = { code = 'LEASE_LOST', message = message, hint = 'see the logs of what works for this pool' }
  fail_step(ctx, run, ref, { error = cjson.encode(error), class = 'unavailable', retryable = false, reason = message })
end

local function time_out(ctx, run, ref, code, message, failure)
  local error = { code = code, message = message, hint = 'raise the bound in timeouts, or see where the time goes' }
  fail_step(ctx, run, ref, { error = cjson.encode(error), class = 'timeout', retryable = not failure.final, final = failure.final, reason = message })
end

-- Ends a step from outside, well or not. `to` is cancelled or skipped; skipped by a person counts as ended well.
local function stop_step(ctx, run, ref, to, change)
  local step = step_of(ctx, run, ref)
  if ended_states[step.state] then return false end
  withdraw(ctx, run, ref, step)
  step.ended = ctx.now
  move_step(ctx, run, ref, to, change)
  return true
end
