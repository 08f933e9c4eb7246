-- Steps that wait without a slot: for a time, an event, people, a child or items. `how` is what the orchestrator made of `with`:
-- { on = timer | event | approval | child | items, due (ms, 0: never), key, result }

local function wake_on_event(ctx, run, ref, step)
  local kept = redis.call('HMGET', key(ctx, 'signal', run.tenant .. ':' .. step.key), 'payload', 'until')
  if kept[1] and tonumber(kept[2]) > ctx.now then return succeed_step(ctx, run, ref, kept[1], {}) end
  redis.call('ZADD', key(ctx, 'waits', run.tenant .. ':' .. step.key), ctx.now, run.id .. '|' .. ref)
end

local function conclude_child(ctx, run, ref, child)
  if child.state == 'succeeded' then
    return succeed_step(ctx, run, ref, cjson.encode({ run = child.id, state = child.state }), {})
  end
  local message = 'the run ' .. child.id .. ' ' .. child.state
  local error = { code = 'CHILD_FAILED', message = message, hint = 'npx orrery show ' .. child.id }
  fail_step(ctx, run, ref, { error = cjson.encode(error), class = 'failure', retryable = true, reason = message })
end

local function begin_items(ctx, run, ref, items)
  local where = key(ctx, 'wt', run.id)
  if items == 0 then return succeed_step(ctx, run, ref, '{"items":0,"failed":0}', {}) end
  local first = math.min(items, profile_of(ctx, run, ref).at_once)
  redis.call('HSET', where, ref, 0, ref .. 'f', 0, ref .. 'n', items, ref .. 'r', first)
  later_of(ctx, run, 'release-items', ref, 0, first)
end

local function suspend_step(ctx, run, ref, how)
  local step = step_of(ctx, run, ref)
  step.key, step.due = how.key or '', how.due or 0
  move_step(ctx, run, ref, 'suspended', { on = how.on, reason = how.reason })
  if step.due > 0 then set_timer(ctx, step.due, timer('wake', run, ref, step.attempt)) end
  if how.on == 'event' then return wake_on_event(ctx, run, ref, step) end
  if how.on == 'approval' then
    return put(ctx, run, 'a:' .. ref, '{"who":' .. cjson.encode(how.who) .. ',"quorum":' .. digits(how.quorum) .. ',"said":[]}')
  end
  if how.on == 'items' then return begin_items(ctx, run, ref, how.items) end
  if how.on == 'child' then
    local child = run_of(ctx, how.key)
    if child ~= nil and has_ended(child) then conclude_child(ctx, run, ref, child) end
  end
end

-- The time of a suspended step has come: what was waited for, or too late for it.
local function wake_step(ctx, run, ref, step)
  if step.on == 'timer' then return succeed_step(ctx, run, ref, 'null', {}) end
  local what = step.on == 'approval' and 'no decision' or step.on == 'event' and 'no event' or 'no end'
  withdraw(ctx, run, ref, step)
  time_out(ctx, run, ref, 'WAIT_EXPIRED', what .. ' came in time', { final = true })
end

local function deliver(ctx, tenant, place, payload)
  local waiting = redis.call('ZPOPMIN', key(ctx, 'waits', tenant .. ':' .. place), work_max)
  for i = 1, #waiting, 2 do
    local id, ref = split(waiting[i])
    local run = run_of(ctx, id)
    local step = run and step_of(ctx, run, ref)
    if step and step.state == 'suspended' and step.on == 'event' then succeed_step(ctx, run, ref, payload, {}) end
    ctx.work = ctx.work + 1
  end
  if #waiting == work_max * 2 then later(ctx, 'deliver', tenant, place, payload) end
  return #waiting / 2
end

-- One word of one person: '' when it counts, else why not.
local function decide(ctx, run, ref, word)
  local step = step_of(ctx, run, ref)
  if step.state ~= 'suspended' or step.on ~= 'approval' then return 'not-waiting' end
  local asked = cjson.decode(redis.call('HGET', key(ctx, 'data', run.id), 'a:' .. ref))
  local may, approvals = false, 0
  for _, name in ipairs(asked.who) do may = may or name == word.actor end
  if not may then return 'not-asked' end
  for _, said in ipairs(asked.said) do
    if said.actor == word.actor then return 'said-already' end
    approvals = approvals + 1
  end
  table.insert(asked.said, { actor = word.actor, word = word.word, comment = word.comment, atMs = ctx.now })
  put(ctx, run, 'a:' .. ref, cjson.encode(asked))
  if word.word == 'reject' then
    local message = 'rejected by ' .. word.actor .. (word.comment ~= '' and ': ' .. word.comment or '')
    local error = { code = 'APPROVAL_REJECTED', message = message, hint = 'mend what was asked about, and retry the step' }
    fail_step(ctx, run, ref, { error = cjson.encode(error), class = 'failure', retryable = false, reason = message, actor = word.actor })
  elseif approvals + 1 >= asked.quorum then
    succeed_step(ctx, run, ref, cjson.encode({ approvals = asked.said }), { actor = word.actor, reason = 'approved' })
  else
    emit_step(ctx, run, ref, 'suspended', { reason = 'approved by ' .. word.actor, actor = word.actor })
  end
  return ''
end
