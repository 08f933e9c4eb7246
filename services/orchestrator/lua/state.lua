-- Runs and steps as tables: loaded once in a call, written once at its end.
-- What few calls need is read by name: runs_max, timeout, parent, and `line`, as it goes to whoever takes a step.
-- A step as it lies in Redis: [state, attempt, failures, lapses, fence, started, ended, due, on, key]
local ended_states = { succeeded = true, failed = true, skipped = true, cancelled = true }

-- The run, or nil.
local function run_of(ctx, id)
  local known = ctx.runs[id]
  if known ~= nil then return known end
  local v = redis.call('HMGET', key(ctx, 'run', id), 'tenant', 'actor', 'workflow', 'definition', 'state', 'created', 'priority', 'left',
    'failed', 'active', 'sequence', 'pins', 'paused', 'ending', 'pending', 'started', 'ended', 'named')
  if not v[1] then return nil end
  local run = { id = id, tenant = v[1], actor = v[2], workflow = v[3], definition = v[4], state = v[5], created = tonumber(v[6]),
    priority = tonumber(v[7]), left = tonumber(v[8]), failed = tonumber(v[9]), active = tonumber(v[10]), sequence = tonumber(v[11]), pins = v[12],
    paused = v[13], ending = v[14], pending = tonumber(v[15]), started = tonumber(v[16]), ended = tonumber(v[17]), named = v[18],
    lane = v[1] .. '/' .. v[3], json = '["' .. id .. '",', steps = {}, noted = {}, data = {}, dropped = {}, touched = false, changed = false,
    quoted_actor = false, scope = 't|' .. v[1], rank = false, places = {}, arrivals = {} }
  ctx.runs[id] = run
  return run
end

local function is_open(run)
  return run.state == 'queued' or run.state == 'running' or run.state == 'cancelling'
end

local function has_ended(run)
  return run.state == 'succeeded' or run.state == 'failed' or run.state == 'cancelled'
end

-- First by priority, then the oldest.
local function rank_of(run)
  run.rank = run.rank or digits((9 - run.priority) * 1e13 + run.created)
  return run.rank
end

-- Written at the end of the call.
local function touch(ctx, run)
  if run.touched then return end
  run.touched = true
  ctx.touched[#ctx.touched + 1] = run
end

-- Work of a run that this call may have no room for; the run doesn't end before it is done.
local function later_of(ctx, run, kind, ...)
  run.pending, run.changed = run.pending + 1, true
  touch(ctx, run)
  later(ctx, kind, run.id, ...)
end

-- Steps under a lease as the call that gave it left them, by their text: a fence names one attempt, so the text stands for one step.
local leased, leased_count, leased_max = {}, 0, 2048
local never_tried = '["ready",0,0,0,"0",0,0,0,"",""]'

-- A step as it lies there, or fresh, with its plan and how it runs.
local function decode_step(ctx, run, ref, text)
  local known = leased[text]
  if known and known.ref == ref and known.definition == run.definition then
    leased[text], leased_count = nil, leased_count - 1
    return known
  end
  local plan = plan_of(ctx, run, ref)
  local profile = plan.profile
  if profile.body and string.find(ref, '.', 1, true) then profile = profile.body end
  if not text or text == never_tried then
    return { state = text and 'ready' or 'waiting', attempt = 0, failures = 0, lapses = 0, fence = '0', started = 0, ended = 0, due = 0,
      on = '', key = '', plan = plan, profile = profile }
  end
  local v = cjson.decode(text)
  return { state = v[1], attempt = v[2], failures = v[3], lapses = v[4], fence = v[5], started = v[6], ended = v[7], due = v[8], on = v[9],
    key = v[10], plan = plan, profile = profile }
end

-- Reads many steps of a run at once; step_of finds them then.
local function load_steps(ctx, run, refs)
  local missing = {}
  for _, ref in ipairs(refs) do if run.steps[ref] == nil then missing[#missing + 1] = ref end end
  if #missing == 0 then return end
  local texts = redis.call('HMGET', key(ctx, 'st', run.id), unpack(missing))
  for i, ref in ipairs(missing) do run.steps[ref] = decode_step(ctx, run, ref, texts[i]) end
end

local function step_of(ctx, run, ref)
  local known = run.steps[ref]
  if known ~= nil then return known end
  local step = decode_step(ctx, run, ref, redis.call('HGET', key(ctx, 'st', run.id), ref))
  run.steps[ref] = step
  return step
end

local function put(ctx, run, field, text)
  touch(ctx, run)
  run.data[field] = text
  run.dropped[field] = nil
end

local function drop(ctx, run, field)
  touch(ctx, run)
  run.data[field] = nil
  run.dropped[field] = true
end

local function field_of_run(ctx, run, field)
  return redis.call('HGET', key(ctx, 'run', run.id), field)
end

-- `what`: ref, name, attempt and fence of a step as JSON; the run itself has none. An event to running names the pool.
local no_step = ',"","",0,"0","'
local function emit(ctx, run, what, from, to, change)
  if not run.quoted_actor then
    touch(ctx, run)
    run.quoted_actor = quoted(run.actor)
    ctx.named[run.id] = run.named
  end
  local sequence, actor, events = run.sequence + 1, change.actor, ctx.events
  run.sequence = sequence
  events[#events + 1] = run.json .. digits(sequence) .. what .. from .. '","' .. to .. '",' .. quoted(change.reason) .. ','
    .. (actor and quoted(actor) or run.quoted_actor) .. (change.pool_json or ']')
end

local function move_run(ctx, run, to, change)
  emit(ctx, run, no_step, run.state, to, change)
  run.state, run.changed = to, true
end

local no_change = {}

local function emit_step(ctx, run, ref, to, change)
  local step = run.steps[ref]
  local what = ',"' .. ref .. '",' .. step.plan.json .. ',' .. digits(step.attempt) .. ',"' .. step.fence .. '","'
  emit(ctx, run, what, step.state, to, change)
end

-- Written at the end of the call.
local function note(ctx, run, ref, step)
  if step.noted then return end
  step.noted = true
  touch(ctx, run)
  run.noted[#run.noted + 1] = ref
end

local function move_step(ctx, run, ref, to, change)
  local step = run.steps[ref]
  emit_step(ctx, run, ref, to, change)
  step.state, step.on = to, change.on or ''
  note(ctx, run, ref, step)
end

local function timer(kind, run, ref, number)
  return kind .. '|' .. run.id .. '|' .. ref .. '|' .. digits(number or 0)
end

local function set_timer(ctx, due, member)
  redis.call('ZADD', key(ctx, 'timers'), digits(due), member)
end

local function drop_timer(ctx, member)
  redis.call('ZREM', key(ctx, 'timers'), member)
end

local function keep_leased(run, ref, step, text)
  if leased_count == leased_max then leased, leased_count = {}, 0 end
  step.ref, step.definition = ref, run.definition
  leased[text], leased_count = step, leased_count + 1
end

local function write_run(ctx, run)
  redis.call('HSET', key(ctx, 'run', run.id), 'left', digits(run.left), 'active', digits(run.active), 'sequence',
    digits(run.sequence))
  -- What the moves of the run itself change; those of its steps don't.
  if run.changed then
    redis.call('HSET', key(ctx, 'run', run.id), 'state', run.state, 'failed', run.failed, 'started', digits(run.started), 'ended',
      digits(run.ended), 'priority', run.priority, 'paused', run.paused, 'ending', run.ending, 'pending', run.pending)
  end
  local steps, data, dropped = {}, {}, {}
  for i, ref in ipairs(run.noted) do
    local s = run.steps[ref]
    s.noted = false
    local text = '["' .. s.state .. '",' .. digits(s.attempt) .. ',' .. digits(s.failures) .. ',' .. digits(s.lapses) .. ',"' .. s.fence
      .. '",' .. digits(s.started) .. ',' .. digits(s.ended) .. ',' .. digits(s.due) .. ',' .. quoted(s.on) .. ',' .. quoted(s.key) .. ']'
    steps[2 * i - 1], steps[2 * i] = ref, text
    if s.state == 'running' then keep_leased(run, ref, s, text) end
  end
  for field, text in pairs(run.data) do
    data[#data + 1] = field
    data[#data + 1] = text
  end
  for field in pairs(run.dropped) do dropped[#dropped + 1] = field end
  write_all('HSET', key(ctx, 'st', run.id), steps)
  write_all('HSET', key(ctx, 'data', run.id), data)
  write_all('HDEL', key(ctx, 'data', run.id), dropped)
end
