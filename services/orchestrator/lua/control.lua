-- What people do to a run, a step, a workflow, a tenant or a pool.
-- Input:  ARGV[2] verb, ARGV[3] tenant, ARGV[4] actor, ARGV[5] reason, ARGV[6] run, or a scope, ARGV[7] how (JSON), by verb:
--         cancel {grace (ms)}; kill; pause, resume (a run, or a scope: t|tenant, w|tenant/workflow); skip {ref}; priority {priority}
--         reset {steps: up to 32 [ref, state, arrived, on], wts: {field: number}, left, last, definition or '', outbox_max, queued_max}
--         limit {most: number, -1 for none} (scope t|…, p|…, w|… weight, b|… retries a minute)
--         ARGV[8] only in the log: the bound of the outbox as a reset found it
-- Output: {"now": us, "outcome": done | nothing | missing | wrong-state | outbox-full | queue-full, "state": of the run or step}
local control_verbs = {}

control_verbs.cancel = function(ctx, run, how, change)
  if run.state == 'cancelled' or run.state == 'cancelling' then return 'nothing' end
  if not is_open(run) then return 'wrong-state' end
  change.grace = how.grace
  abort_run(ctx, run, 'cancelled', change)
  return 'done'
end

control_verbs.kill = function(ctx, run, _, change)
  if not is_open(run) then return run.state == 'cancelled' and 'nothing' or 'wrong-state' end
  change.grace = 0
  abort_run(ctx, run, run.ending ~= '' and run.ending or 'cancelled', change)
  return 'done'
end

control_verbs.pause = function(ctx, run, _, change)
  if not is_open(run) or run.state == 'cancelling' then return 'wrong-state' end
  if run.paused ~= '' then return 'nothing' end
  run.paused, run.changed = cjson.encode({ actor = change.actor, reason = change.reason, atMs = ctx.now }), true
  emit(ctx, run, no_step, run.state, 'paused', change)
  return 'done'
end

control_verbs.resume = function(ctx, run, _, change)
  if run.paused == '' then return 'nothing' end
  run.paused, run.changed = '', true
  emit(ctx, run, no_step, 'paused', run.state, change)
  later(ctx, 'unpark', 'run|' .. run.id, 1e6)
  return 'done'
end

control_verbs.skip = function(ctx, run, how, change)
  if run.state ~= 'running' then return 'wrong-state' end
  local state = step_of(ctx, run, how.ref).state
  -- An item that was never let go is not counted by its map.
  if state == 'running' or (state == 'waiting' and string.find(how.ref, '.', 1, true)) then return 'wrong-state' end
  change.on = 'person'
  if not stop_step(ctx, run, how.ref, 'skipped', change) then return 'wrong-state' end
  ended_well(ctx, run, how.ref)
  return 'done'
end

control_verbs.priority = function(ctx, run, how, change)
  if not is_open(run) then return 'wrong-state' end
  run.priority, run.rank, run.changed = how.priority, false, true
  if run.state == 'queued' then redis.call('ZADD', key(ctx, 'queue', run.lane), rank_of(run), run.id) end
  emit(ctx, run, no_step, run.state, run.state, change)
  return 'done'
end

-- Another definition for the rest of the run's life; it must be laid down.
local function change_definition(ctx, run, digest)
  redis.call('HINCRBY', key(ctx, 'def', digest), 'runs', 1)
  let_go(ctx, run.definition)
  run.definition, run.steps = digest, {}
  run.named = cjson.encode({ run.tenant, run.workflow, digest, run.actor })
  local line = cjson.decode(field_of_run(ctx, run, 'line'))
  line[4] = digest
  redis.call('HSET', key(ctx, 'run', run.id), 'definition', digest, 'named', run.named, 'line', cjson.encode(line))
end

-- Puts steps of an ended run back, a part a call; the last part queues the run again.
control_verbs.reset = function(ctx, run, how, change)
  if run.state ~= 'resetting' then
    if is_open(run) then return 'wrong-state' end
    if how.definition ~= '' and head_of(ctx, how.definition) == nil then return 'missing' end
    if how.outbox_max == '0' then return 'outbox-full' end
    if redis.call('ZCARD', key(ctx, 'queue', run.lane)) >= how.queued_max then return 'queue-full' end
    redis.call('ZREM', key(ctx, 'ended'), run.id)
    move_run(ctx, run, 'resetting', change)
    if how.definition ~= '' and how.definition ~= run.definition then change_definition(ctx, run, how.definition) end
  end
  for _, each in ipairs(how.steps) do
    local ref, to, arrived = each[1], each[2], each[3]
    local step = step_of(ctx, run, ref)
    step.failures, step.lapses, step.started, step.ended, step.due, step.key = 0, 0, 0, 0, 0, ''
    if step.state ~= to or to == 'ready' then move_step(ctx, run, ref, to, { actor = change.actor, reason = change.reason, on = each[4] }) end
    drop(ctx, run, 'e:' .. ref)
    if to ~= 'succeeded' and to ~= 'suspended' then drop(ctx, run, 'r:' .. ref) end
    if to == 'ready' then wait_in_line(ctx, run, ref, step) end
    redis.call('HSET', key(ctx, 'wt', run.id), ref, arrived)
  end
  for field, number in pairs(how.wts) do redis.call('HSET', key(ctx, 'wt', run.id), field, number) end
  if not how.last then return 'done' end
  run.left, run.failed, run.ended, run.changed = how.left, 0, 0, true
  queue_run(ctx, run, change)
  return 'done'
end

-- Pauses, and limits that are changed, are of a scope: what waits for it looks again.
local function control_scope(ctx, argv, how)
  local verb, scope = argv[2], argv[6]
  local kind, name = string.match(scope, '^(%a)|(.*)$')
  local field = verb == 'limit' and 'limits' or 'paused'
  local was = redis.call('HGET', key(ctx, field), scope)
  if verb == 'pause' then
    if was then return 'nothing' end
    redis.call('HSET', key(ctx, field), scope, cjson.encode({ actor = argv[4], reason = argv[5], atMs = ctx.now }))
  elseif verb == 'limit' and how.most >= 0 then
    if was and tonumber(was) == how.most then return 'nothing' end
    redis.call('HSET', key(ctx, field), scope, how.most)
  else
    if not was then return 'nothing' end
    redis.call('HDEL', key(ctx, field), scope)
  end
  ctx.changed, ctx.pauses, ctx.limits, ctx.by = true, nil, {}, { argv[3], argv[4] }
  ctx.ruled = redis.call('EXISTS', key(ctx, 'limits'), key(ctx, 'paused')) > 0
  if kind == 't' then call_back(ctx, name) end
  if kind == 't' and verb == 'resume' then start_halted(ctx, name) end
  if kind == 'p' then ctx.woken[name] = true end
  if kind == 'w' and verb == 'resume' then
    later(ctx, 'unpark', scope, 1e6)
    start_queued(ctx, name)
  end
  return 'done'
end

local function control(ctx, argv)
  local how = cjson.decode(argv[7])
  local outcome, state = 'missing', ''
  if string.find(argv[6], '|', 1, true) then
    outcome = control_scope(ctx, argv, how)
  else
    local run = run_of(ctx, argv[6])
    if run ~= nil and run.tenant == argv[3] then
      if argv[2] == 'reset' then
        argv[8] = outbox_bound(ctx, argv[8] or how.outbox_max)
        how.outbox_max = argv[8]
      end
      outcome = control_verbs[argv[2]](ctx, run, how, { actor = argv[4], reason = argv[5] })
      flush_arrivals(ctx)
      carry_on(ctx)
      state = run.state
    end
  end
  return '{"now":' .. digits(ctx.now_us) .. ',"outcome":"' .. outcome .. '","state":"' .. state .. '"}'
end

serve('control', control, { allow_oom = true })
