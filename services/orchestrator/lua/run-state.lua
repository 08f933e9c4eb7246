-- What the functions of the orchestrator have in common: keys of a shard, clock, fence, events, and the moves of runs and steps.
-- KEYS[1] of every function is the shard's prefix with its hash tag, `orchestrator:{s00}:`; all other keys are derived from it, so
-- that each call touches one slot. `library` is set by the loader; every function name begins with it.
-- A run:  queued -> running -> succeeded | failed | cancelled;  failed | cancelled -> queued (retry)
-- A step: waiting -> ready -> running -> succeeded | failed | retrying -> ready;  waiting -> sleeping -> succeeded;
--         waiting -> skipped;  anything unfinished -> cancelled;  failed | skipped | cancelled -> waiting (retry of the run)

-- Numbers beyond 1e14 would print with an exponent; fences have 16 digits.
local function digits(number)
  return string.format('%.0f', number)
end

-- A call's context: the shard's prefix, Redis's clock (the only one there is), the release that moves, a random share.
local function open(keys, release, random)
  local time = redis.call('TIME')
  local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local ctx = { base = keys[1], now_us = now_us, now = math.floor(now_us / 1000) }
  ctx.release = release or ''
  ctx.random = tonumber(random or '0')
  return ctx
end

local function key(ctx, name, id)
  if id == nil then return ctx.base .. name end
  return ctx.base .. name .. ':' .. id
end

-- Only grows, also where a failover has lost the last writes: microseconds of the clock, or one more than the last.
local function next_fence(ctx)
  local last = tonumber(redis.call('GET', key(ctx, 'fence')) or '0')
  local fence = digits(math.max(last + 1, ctx.now_us))
  redis.call('SET', key(ctx, 'fence'), fence)
  return fence
end

local run_fields = { 'tenant', 'actor', 'workflow', 'definition', 'state', 'created', 'runs_max', 'timeout', 'left', 'failed' }

-- The run, or nil.
local function read_run(ctx, id)
  local values = redis.call('HMGET', key(ctx, 'run', id), unpack(run_fields))
  if not values[1] then return nil end
  local run = { id = id }
  for i, field in ipairs(run_fields) do run[field] = values[i] end
  run.left, run.failed = tonumber(run.left), tonumber(run.failed)
  run.lane = run.tenant .. '/' .. run.workflow
  return run
end

local function read_step(ctx, run, name)
  local text = redis.call('HGET', key(ctx, 'steps', run.id), name)
  if not text then return nil end
  local step = cjson.decode(text)
  step.name = name
  return step
end

local function write_step(ctx, run, step)
  local record = {
    state = step.state, waits = step.waits, attempt = step.attempt, failures = step.failures, lapses = step.lapses,
    fence = step.fence, started = step.started, ended = step.ended,
  }
  redis.call('HSET', key(ctx, 'steps', run.id), step.name, cjson.encode(record))
end

-- How the definition says that a step runs.
local function plan_of(ctx, run, name)
  return cjson.decode(redis.call('HGET', key(ctx, 'def', run.definition), name))
end

local function step_names(ctx, run)
  return cjson.decode(redis.call('HGET', key(ctx, 'def', run.definition), '$steps'))
end

-- Appends the event of a transition in the same atomic step as the transition: state and history can't differ.
local function emit(ctx, run, event)
  local sequence = redis.call('HINCRBY', key(ctx, 'run', run.id), 'sequence', 1)
  redis.call('XADD', key(ctx, 'out'), '*', 'tenant', run.tenant, 'actor', event.actor or run.actor,
    'workflow', run.workflow, 'definition', run.definition, 'run', run.id, 'sequence', sequence,
    'step', event.step or '', 'attempt', event.attempt or 0, 'fence', event.fence or '0',
    'from', event.from, 'to', event.to, 'reason', event.reason or '', 'at', digits(ctx.now), 'release', ctx.release)
end

local function move_run(ctx, run, to, change)
  emit(ctx, run, { from = run.state, to = to, reason = change.reason, actor = change.actor })
  run.state = to
  redis.call('HSET', key(ctx, 'run', run.id), 'state', to)
end

local function move_step(ctx, run, step, to, change)
  change = change or {}
  emit(ctx, run, { step = step.name, attempt = step.attempt, fence = step.fence, from = step.state, to = to,
    reason = change.reason, actor = change.actor })
  step.state = to
  write_step(ctx, run, step)
end

local function timer(kind, run, name, attempt)
  return kind .. '|' .. run.id .. '|' .. name .. '|' .. attempt
end

local function lease(run, step)
  return run.id .. '|' .. step.name .. '|' .. step.fence
end

local function ready_key(ctx, run, plan)
  return key(ctx, 'ready', plan.kind .. ':' .. run.tenant)
end

-- Puts a step into the hands of whoever claims next. A tenant that had nothing waiting joins where the least served one stands.
local function make_ready(ctx, run, step, change)
  local plan = plan_of(ctx, run, step.name)
  move_step(ctx, run, step, 'ready', change)
  redis.call('ZADD', ready_key(ctx, run, plan), run.created, run.id .. '|' .. step.name)
  local turn = key(ctx, 'turn', plan.kind)
  local least = redis.call('ZRANGE', turn, 0, 0, 'WITHSCORES')
  redis.call('ZADD', turn, 'NX', least[2] or '0', run.tenant)
end

-- A step whose needs have ended: it sleeps by a timer, without a lease, or waits to be claimed.
local function release_step(ctx, run, step, change)
  local plan = plan_of(ctx, run, step.name)
  if plan.kind ~= 'sleep' then return make_ready(ctx, run, step, change) end
  step.attempt = step.attempt + 1
  step.started = ctx.now
  move_step(ctx, run, step, 'sleeping', change)
  redis.call('ZADD', key(ctx, 'timers'), digits(ctx.now + plan.sleep), timer('sleep', run, step.name, step.attempt))
end

-- Starts the run in its slot: at most as many runs of a workflow hold one as its definition allows.
local function start_run(ctx, run, change)
  local deadline = digits(ctx.now + tonumber(run.timeout))
  redis.call('ZADD', key(ctx, 'slots', run.lane), deadline, run.id)
  redis.call('ZADD', key(ctx, 'timers'), deadline, timer('deadline', run, '', 0))
  redis.call('HSET', key(ctx, 'run', run.id), 'started', digits(ctx.now))
  move_run(ctx, run, 'running', change)
  for _, name in ipairs(step_names(ctx, run)) do
    local step = read_step(ctx, run, name)
    if step.state == 'waiting' and step.waits == 0 then release_step(ctx, run, step) end
  end
end

-- Starts what waits in line, oldest first, while the head's definition allows one more. Bounded: the next end goes on.
local function start_queued(ctx, lane)
  for _ = 1, 8 do
    local head = redis.call('ZRANGE', key(ctx, 'queue', lane), 0, 0)[1]
    if head == nil then return end
    local run = read_run(ctx, head)
    if redis.call('ZCARD', key(ctx, 'slots', lane)) >= tonumber(run.runs_max) then return end
    redis.call('ZREM', key(ctx, 'queue', lane), head)
    start_run(ctx, run, { reason = 'a slot is free' })
  end
end

-- Ends the run and gives its slot to the next in the queue.
local function end_run(ctx, run, state, change)
  redis.call('ZREM', key(ctx, 'slots', run.lane), run.id)
  redis.call('ZREM', key(ctx, 'queue', run.lane), run.id)
  redis.call('ZREM', key(ctx, 'timers'), timer('deadline', run, '', 0))
  redis.call('ZADD', key(ctx, 'ended'), digits(ctx.now), run.id)
  redis.call('HSET', key(ctx, 'run', run.id), 'ended', digits(ctx.now))
  move_run(ctx, run, state, change)
  start_queued(ctx, run.lane)
end

-- Books the end of steps, and the end of the run when none is left.
local function settle(ctx, run, ended)
  run.left = run.left - ended
  redis.call('HSET', key(ctx, 'run', run.id), 'left', run.left, 'failed', run.failed)
  if run.left > 0 then return end
  if run.failed > 0 then return end_run(ctx, run, 'failed', { reason = run.failed .. ' failed' }) end
  end_run(ctx, run, 'succeeded', {})
end

local function succeed_step(ctx, run, step, result)
  local plan = plan_of(ctx, run, step.name)
  step.ended = ctx.now
  if result ~= '' then redis.call('HSET', key(ctx, 'data', run.id), 'r:' .. step.name, result) end
  redis.call('HDEL', key(ctx, 'data', run.id), 'e:' .. step.name)
  move_step(ctx, run, step, 'succeeded')
  for _, name in ipairs(plan.children) do
    local child = read_step(ctx, run, name)
    child.waits = child.waits - 1
    if child.state == 'waiting' and child.waits == 0 then release_step(ctx, run, child)
    else write_step(ctx, run, child) end
  end
  settle(ctx, run, 1)
end

-- Skips everything downstream of a failed step; returns how many steps that ended.
local function skip_downstream(ctx, run, failed, plan)
  local skipped, open_names = 0, plan.children
  while #open_names > 0 do
    local further = {}
    for _, name in ipairs(open_names) do
      local step = read_step(ctx, run, name)
      if step.state == 'waiting' then
        step.ended = ctx.now
        move_step(ctx, run, step, 'skipped', { reason = failed.name .. ' failed' })
        skipped = skipped + 1
        for _, child in ipairs(plan_of(ctx, run, name).children) do further[#further + 1] = child end
      end
    end
    open_names = further
  end
  return skipped
end

-- The wait before the next attempt; full jitter takes a random share of it. `index` spreads the steps of one call.
local function backoff(ctx, plan, failures, index)
  local ceiling = math.min(plan.backoff_max, plan.backoff * 2 ^ (failures - 1))
  if not plan.jitter then return ceiling end
  local share = (ctx.random + index * 0.6180339887) % 1
  return math.ceil(share * ceiling)
end

-- A failed attempt: another one after the backoff, or the end of the step. `index` is the step's place in this call.
local function fail_step(ctx, run, step, failure, index)
  local plan = plan_of(ctx, run, step.name)
  redis.call('HSET', key(ctx, 'data', run.id), 'e:' .. step.name, failure.error)
  step.failures = step.failures + 1
  if failure.retryable and step.failures < plan.attempts then
    local due = digits(ctx.now + backoff(ctx, plan, step.failures, index))
    redis.call('ZADD', key(ctx, 'timers'), due, timer('retry', run, step.name, step.attempt))
    return move_step(ctx, run, step, 'retrying', failure)
  end
  step.ended = ctx.now
  move_step(ctx, run, step, 'failed', failure)
  run.failed = run.failed + 1
  settle(ctx, run, 1 + skip_downstream(ctx, run, step, plan))
end

-- Takes the lease from whoever holds it: what comes under its fence later is refused.
local function revoke(ctx, run, step)
  redis.call('ZREM', key(ctx, 'leases'), lease(run, step))
  redis.call('ZREM', key(ctx, 'timers'), timer('timeout', run, step.name, step.attempt))
  redis.call('HDEL', key(ctx, 'data', run.id), 'p:' .. step.name)
end

-- A lease that ended without a result is nobody's failure, up to a bound: a step that takes down its workers must end too.
local function lapse_step(ctx, run, step, lapse)
  step.lapses = step.lapses + 1
  if step.lapses <= lapse.most then return make_ready(ctx, run, step, { reason = lapse.reason }) end
  local message = 'the lease was lost ' .. step.lapses .. ' times, the bound is ' .. lapse.most
  local error = { code = 'LEASE_LOST', message = message, hint = 'see the logs of the orchestrator for what ends it' }
  fail_step(ctx, run, step, { error = cjson.encode(error), retryable = false, reason = message }, lapse.index)
end

-- Withdraws whatever waits or works for a step that has not ended, and says whether there was anything to withdraw.
local function cancel_step(ctx, run, step, change)
  local state = step.state
  if state == 'succeeded' or state == 'failed' or state == 'skipped' or state == 'cancelled' then return false end
  if state == 'running' then revoke(ctx, run, step) end
  if state == 'sleeping' then redis.call('ZREM', key(ctx, 'timers'), timer('sleep', run, step.name, step.attempt)) end
  if state == 'retrying' then redis.call('ZREM', key(ctx, 'timers'), timer('retry', run, step.name, step.attempt)) end
  if state == 'ready' then
    local plan = plan_of(ctx, run, step.name)
    redis.call('ZREM', ready_key(ctx, run, plan), run.id .. '|' .. step.name)
    if redis.call('EXISTS', ready_key(ctx, run, plan)) == 0 then
      redis.call('ZREM', key(ctx, 'turn', plan.kind), run.tenant)
    end
  end
  step.ended = ctx.now
  move_step(ctx, run, step, 'cancelled', change)
  return true
end

-- Ends a run before its steps have ended.
local function abort_run(ctx, run, state, change)
  local ended = 0
  for _, name in ipairs(step_names(ctx, run)) do
    if cancel_step(ctx, run, read_step(ctx, run, name), change) then ended = ended + 1 end
  end
  redis.call('HSET', key(ctx, 'run', run.id), 'left', run.left - ended)
  end_run(ctx, run, state, change)
end

-- `run|step|number`, as leases and timers name it.
local function split(member)
  local parts = {}
  for part in string.gmatch(member .. '|', '([^|]*)|') do parts[#parts + 1] = part end
  return parts
end

local function outbox_full(ctx, most)
  return redis.call('XLEN', key(ctx, 'out')) >= tonumber(most)
end
