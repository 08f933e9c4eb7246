-- The moves of runs, and the work that goes on over several calls.

-- Starts the run in its slot: at most as many runs of a workflow hold one as its definition allows.
local function start_run(ctx, run, change)
  local again = run.started > 0
  redis.call('ZADD', key(ctx, 'slots', run.lane), ctx.now, run.id)
  set_timer(ctx, ctx.now + tonumber(field_of_run(ctx, run, 'timeout')), timer('deadline', run, ''))
  run.started, run.changed = ctx.now, true
  move_run(ctx, run, 'running', change)
  later_of(ctx, run, again and 'release-reset' or 'release-roots', again and 0 or 1)
  if again then later(ctx, 'unpark', 'run|' .. run.id, 1e6) end
end

-- Starts what waits in line, by priority and age, while the workflow allows one more. Bounded: the rest goes on from the list.
local function start_queued(ctx, lane)
  for started = 0, 8 do
    local head = redis.call('ZRANGE', key(ctx, 'queue', lane), 0, 0)[1]
    if head == nil or is_paused(ctx, 'w|' .. lane) then return end
    local tenant = string.match(lane, '^[^/]*')
    if is_paused(ctx, 't|' .. tenant) then return redis.call('SADD', key(ctx, 'halted', tenant), lane) end
    local run = run_of(ctx, head)
    if redis.call('ZCARD', key(ctx, 'slots', lane)) >= tonumber(field_of_run(ctx, run, 'runs_max')) then return end
    if started == 8 then return later(ctx, 'start', lane) end
    redis.call('ZREM', key(ctx, 'queue', lane), head)
    start_run(ctx, run, { reason = 'a slot is free' })
  end
end

-- The lanes that stood still because their tenant was paused.
local function start_halted(ctx, tenant)
  local lanes = redis.call('SMEMBERS', key(ctx, 'halted', tenant))
  redis.call('DEL', key(ctx, 'halted', tenant))
  table.sort(lanes)
  for _, lane in ipairs(lanes) do later(ctx, 'start', lane) end
end

local function queue_run(ctx, run, change)
  move_run(ctx, run, 'queued', change)
  redis.call('ZADD', key(ctx, 'queue', run.lane), rank_of(run), run.id)
  start_queued(ctx, run.lane)
end

-- Ends the run, gives its slot to the next in line, and tells the step that waits for it.
end_run = function(ctx, run, state, change)
  redis.call('ZREM', key(ctx, 'slots', run.lane), run.id)
  redis.call('ZREM', key(ctx, 'queue', run.lane), run.id)
  drop_timer(ctx, timer('deadline', run, ''))
  drop_timer(ctx, timer('grace', run, ''))
  redis.call('ZADD', key(ctx, 'ended'), digits(ctx.now), run.id)
  run.ended, run.ending, run.paused = ctx.now, '', ''
  move_run(ctx, run, state, change)
  start_queued(ctx, run.lane)
  if field_of_run(ctx, run, 'parent') ~= '' then later(ctx, 'child-ended', run.id) end
end

-- Ends a run before its steps have. `kill` takes what runs from its workers at once; else they are asked to stop, and have grace.
local function abort_run(ctx, run, state, change)
  -- One that was put back has steps that wait already.
  if run.state == 'queued' and run.started == 0 then return end_run(ctx, run, state, change) end
  redis.call('ZREM', key(ctx, 'queue', run.lane), run.id)
  run.ending, run.changed = state, true
  if run.state ~= 'cancelling' then move_run(ctx, run, 'cancelling', change) end
  if change.grace > 0 then set_timer(ctx, ctx.now + change.grace, timer('grace', run, '')) end
  later_of(ctx, run, 'sweep', 0, change.grace > 0 and 0 or 1, change.actor or run.actor, change.reason or '')
end

local carry = {}

-- The list goes on behind `cursor`; says where, or nil at its end.
local function each_of(ctx, count, cursor, act)
  local last = math.min(count, cursor + math.max(0, work_max - ctx.work) - 1)
  for i = cursor, last do act(i) end
  return last < count and last + 1 or nil
end

carry['release-roots'] = function(ctx, run, cursor)
  local roots = head_of(ctx, run.definition).roots
  local refs = {}
  for i = cursor, math.min(#roots, cursor + work_max) do refs[#refs + 1] = digits(roots[i]) end
  load_steps(ctx, run, refs)
  local on = each_of(ctx, #roots, cursor, function(i) release_step(ctx, run, digits(roots[i])) end)
  if on then later_of(ctx, run, 'release-roots', on) end
end

-- After a reset: whatever waits and has all it needs; a map that goes on has its whole time again.
carry['release-reset'] = function(ctx, run, cursor)
  local steps, refs = head_of(ctx, run.definition).steps, {}
  local last = math.min(steps, cursor + work_max) - 1
  for i = cursor, last do refs[#refs + 1] = digits(i) end
  if #refs == 0 then return end
  load_steps(ctx, run, refs)
  ctx.work = ctx.work + math.ceil(#refs / 4)
  local arrived = redis.call('HMGET', key(ctx, 'wt', run.id), unpack(refs))
  for i, ref in ipairs(refs) do
    local plan = plan_of(ctx, run, ref)
    local needs, total = plan.needs, plan.profile.total
    if total > 0 and run.steps[ref].state == 'suspended' then set_timer(ctx, ctx.now + total, timer('total', run, ref)) end
    if needs == 0 or tonumber(arrived[i] or '0') >= needs then release_step(ctx, run, ref) end
  end
  if last + 1 < steps then later_of(ctx, run, 'release-reset', last + 1) end
end

carry['arrive'] = function(ctx, run, ref, cursor)
  local children = plan_of(ctx, run, ref).children
  local on = each_of(ctx, #children, cursor, function(i) arrive(ctx, run, children[i]) end)
  flush_arrivals(ctx)
  if on then later_of(ctx, run, 'arrive', ref, on) end
end

-- Everything downstream of a step that failed.
carry['skip'] = function(ctx, run, ref, cursor)
  local children, failed = plan_of(ctx, run, ref).children, plan_of(ctx, run, ref).name
  local on = each_of(ctx, #children, cursor, function(i)
    local child = digits(children[i])
    ctx.work = ctx.work + 1
    if step_of(ctx, run, child).state ~= 'waiting' then return end
    stop_step(ctx, run, child, 'skipped', { reason = failed .. ' failed' })
    later_of(ctx, run, 'skip', child, 1)
    settle(ctx, run)
  end)
  if on then later_of(ctx, run, 'skip', ref, on) end
end

carry['release-items'] = function(ctx, run, ref, cursor, count)
  if step_of(ctx, run, ref).state ~= 'suspended' then return end
  local on = each_of(ctx, count - 1, cursor, function(i) release_step(ctx, run, ref .. '.' .. digits(i)) end)
  if on then later_of(ctx, run, 'release-items', ref, on, count) end
end

-- The items of a map that was withdrawn; with `kill` also those at work.
carry['end-items'] = function(ctx, run, ref, cursor, kill)
  local released = tonumber(redis.call('HGET', key(ctx, 'wt', run.id), ref .. 'r') or '0')
  local on = each_of(ctx, released - 1, cursor, function(i)
    ctx.work = ctx.work + 1
    local item = ref .. '.' .. digits(i)
    if kill == 1 or step_of(ctx, run, item).state ~= 'running' then stop_step(ctx, run, item, 'cancelled', { reason = 'its map has ended' }) end
  end)
  if on then later_of(ctx, run, 'end-items', ref, on, kill) end
end

carry['sweep'] = function(ctx, run, cursor, kill, actor, reason)
  if run.state ~= 'cancelling' then return end
  local steps, refs = head_of(ctx, run.definition).steps, {}
  local last = math.min(steps, cursor + work_max) - 1
  for i = cursor, last do refs[#refs + 1] = digits(i) end
  load_steps(ctx, run, refs)
  ctx.work = ctx.work + math.ceil(#refs / 4)
  for _, ref in ipairs(refs) do
    local state = run.steps[ref].state
    -- What never left waiting has nothing to withdraw: the end of the run says it.
    if state ~= 'waiting' and (kill == 1 or state ~= 'running') then
      if stop_step(ctx, run, ref, 'cancelled', { actor = actor, reason = reason }) then ctx.work = ctx.work + 1 end
    end
    if kill == 1 and run.steps[ref].state == 'cancelled' and profile_of(ctx, run, ref).kind == 'map' then
      later_of(ctx, run, 'end-items', ref, 0, 1)
    end
  end
  if last + 1 < steps then later_of(ctx, run, 'sweep', last + 1, kill, actor, reason) end
end

local told = {}

told['end-child'] = function(ctx, run)
  if run.state == 'queued' or run.state == 'running' then
    abort_run(ctx, run, 'cancelled', { reason = 'its parent was ended', grace = 0 })
  end
end

told['child-ended'] = function(ctx, run)
  local id, ref = split(field_of_run(ctx, run, 'parent'))
  local parent = run_of(ctx, id)
  local step = parent and step_of(ctx, parent, ref)
  if step and step.state == 'suspended' and step.on == 'child' and step.key == run.id then
    conclude_child(ctx, parent, ref, run)
  end
end

-- Does the work that calls left behind, this one's first, as far as this call has room.
local function carry_on(ctx)
  while ctx.work < work_max do
    local entry = table.remove(ctx.todo, 1)
    if entry == nil then
      local text = ctx.left_behind and redis.call('LPOP', key(ctx, 'todo'))
      if not text then
        ctx.left_behind = false
        return
      end
      entry = cjson.decode(text)
      ctx.carried = true
    end
    ctx.work = ctx.work + 1
    if entry[1] == 'unpark' then
      unpark(ctx, entry[2], entry[3])
    elseif entry[1] == 'start' then
      start_queued(ctx, entry[2])
    elseif entry[1] == 'deliver' then
      deliver(ctx, entry[2], entry[3], entry[4])
    else
      local run, act = run_of(ctx, entry[2]), told[entry[1]]
      if act and run ~= nil then act(ctx, run) end
      if not act then
        carry[entry[1]](ctx, run, unpack(entry, 3))
        flush_arrivals(ctx)
        run.pending, run.changed = run.pending - 1, true
        touch(ctx, run)
        end_if_over(ctx, run)
      end
    end
    flush_arrivals(ctx)
  end
end

-- Writes what the call decided. A call that changed nothing leaves no trace.
local function commit(ctx, verb, argv)
  flush_lines(ctx)
  for _, run in ipairs(ctx.touched) do write_run(ctx, run) end
  write_all('ZREM', key(ctx, 'leases'), ctx.unleased)
  write_all('ZADD', key(ctx, 'leases'), ctx.leases)
  for scope, count in pairs(ctx.held) do
    if count ~= ctx.was_held[scope] then
      if count == 0 then redis.call('HDEL', key(ctx, 'held'), scope) else redis.call('HSET', key(ctx, 'held'), scope, count) end
    end
  end
  for _, entry in ipairs(ctx.todo) do
    redis.call('RPUSH', key(ctx, 'todo'), cjson.encode(entry))
    ctx.left_behind = true
  end
  if #ctx.events == 0 and #ctx.touched == 0 and not ctx.carried and not ctx.changed then return end
  append_log(ctx, verb, argv)
  if #ctx.todo > 0 then ctx.woken.todo = true end
  for pool in pairs(ctx.woken) do
    if pool == 'todo' or redis.call('EXISTS', key(ctx, 'turn', pool)) == 1 then redis.call('PUBLISH', key(ctx, 'wake'), pool) end
  end
end

-- What an entry of the log names, and so can do again.
local verbs = {}

-- Registers a function. One that is not logged writes by itself, and nothing that the state of a run depends on.
local function serve(verb, act, options)
  options = options or {}
  if not options.unlogged then verbs[verb] = act end
  redis.register_function({ function_name = library .. '_' .. verb, flags = { options.allow_oom and 'allow-oom' }, callback = function(keys, argv)
    local ctx = open(keys, argv[1])
    -- The outbox of a closed shard goes on to the bus; a lease that comes back with the log must not be told lost before.
    if ctx.closed and verb ~= 'relay' then return '{"closed":true}' end
    local answer = act(ctx, argv)
    if not options.unlogged then commit(ctx, verb, argv) end
    return answer
  end })
end

serve('define', define)
