-- Who may work: ready steps wait in a line for each pool and tenant, tenants take turns by weight, and a lease is the slot: it counts
-- in its tenant, its pool and its key from the call that grants it to the call that ends it, and nowhere else.

local function limit_of(ctx, scope)
  if not ctx.ruled then return -1 end
  local known = ctx.limits[scope]
  if known == nil then
    known = tonumber(redis.call('HGET', key(ctx, 'limits'), scope) or '-1')
    ctx.limits[scope] = known
  end
  return known
end

local function held_in(ctx, scope)
  local known = ctx.held[scope]
  if known == nil then
    known = tonumber(redis.call('HGET', key(ctx, 'held'), scope) or '0')
    ctx.held[scope], ctx.was_held[scope] = known, known
  end
  return known
end

-- How many more leases a scope takes.
local function room_in(ctx, scope)
  local limit = limit_of(ctx, scope)
  if limit < 0 then return math.huge end
  return limit - held_in(ctx, scope)
end

local function key_scope(run, step)
  return 'k|' .. run.tenant .. '|' .. step.key
end

-- The line that a step waits in: a run that is pinned to a build has lines of its own.
local function pool_of(run, profile)
  if run.pins == '' then return profile.pool end
  run.pinned = run.pinned or cjson.decode(run.pins)
  local build = run.pinned[profile.pool]
  return build and profile.pool .. '@' .. build or profile.pool
end

-- A tenant whose line is not empty joins where the least served one stands.
local function join_turn(ctx, pool, tenant)
  local turn = key(ctx, 'turn', pool)
  local least = redis.call('ZRANGE', turn, 0, 0, 'WITHSCORES')
  redis.call('ZADD', turn, 'NX', least[2] or '0', tenant)
  ctx.woken[pool] = true
end

local function line_up(ctx, run, ref, profile)
  local place = run.places[profile]
  if place == nil then
    place = pool_of(run, profile) .. ':' .. run.tenant
    run.places[profile] = place
  end
  local line = ctx.ready[place]
  if line == nil then
    line = { pool = pool_of(run, profile), tenant = run.tenant, members = {}, ranked = false }
    ctx.ready[place] = line
  end
  -- Who gets the slots of a key is a matter of rank.
  if profile.limit > 0 then line.ranked = true end
  local members = line.members
  local last = #members
  members[last + 1], members[last + 2] = run.rank or rank_of(run), run.id .. '|' .. ref
end

-- Writes the lines of a pool, or all, so that a claim of the same call finds them.
local function flush_lines(ctx, pool)
  for place, line in pairs(ctx.ready) do
    if pool == nil or line.pool == pool then
      write_all('ZADD', key(ctx, 'ready', place), line.members)
      join_turn(ctx, line.pool, line.tenant)
      ctx.ready[place] = nil
    end
  end
end

local function park(ctx, run, ref, scope)
  local step = run.steps[ref]
  step.on = scope
  note(ctx, run, ref, step)
  redis.call('ZADD', key(ctx, 'park', scope), rank_of(run), run.id .. '|' .. ref)
end

-- Puts up to `wanted` steps that waited for a scope back into their lines; those that have been withdrawn since don't count.
local function unpark(ctx, scope, wanted)
  while wanted > 0 and ctx.work < work_max do
    local member = redis.call('ZPOPMIN', key(ctx, 'park', scope))[1]
    if member == nil then return end
    ctx.work = ctx.work + 1
    local id, ref = split(member)
    local run = run_of(ctx, id)
    local step = run and step_of(ctx, run, ref)
    if step and step.state == 'ready' and step.on == scope then
      step.on = ''
      note(ctx, run, ref, step)
      line_up(ctx, run, ref, profile_of(ctx, run, ref))
      wanted = wanted - 1
    end
  end
  if wanted > 0 then later(ctx, 'unpark', scope, wanted) end
end

-- The key that a step counts under: what its definition says of this run, or the step's name.
local function limit_key(ctx, run, ref)
  return redis.call('HGET', key(ctx, 'data', run.id), 'k:' .. ref) or plan_of(ctx, run, ref).name
end

-- A step that could have had a slot of its key didn't take it: the next one may.
local function pass_on(ctx, run, ref, profile)
  local scope = 'k|' .. run.tenant .. '|' .. limit_key(ctx, run, ref)
  if held_in(ctx, scope) < profile.limit then unpark(ctx, scope, 1) end
end

-- A tenant that may have no more leases, or is paused, leaves the turns until that ends.
local function set_aside(ctx, pool, tenant)
  ctx.changed = true
  redis.call('ZREM', key(ctx, 'turn', pool), tenant)
  redis.call('SADD', key(ctx, 'aside', tenant), pool)
end

local function call_back(ctx, tenant)
  local pools = redis.call('SMEMBERS', key(ctx, 'aside', tenant))
  if #pools == 0 then return end
  table.sort(pools)
  redis.call('DEL', key(ctx, 'aside', tenant))
  for _, pool in ipairs(pools) do
    if redis.call('EXISTS', key(ctx, 'ready', pool .. ':' .. tenant)) == 1 then join_turn(ctx, pool, tenant) end
  end
end

local function count(ctx, run, step, profile, change)
  run.active = run.active + change
  local held, tenant, pool = ctx.held, run.scope, profile.scope
  held[tenant] = (held[tenant] or held_in(ctx, tenant)) + change
  held[pool] = (held[pool] or held_in(ctx, pool)) + change
  if step.key == '' then return end
  local scope = key_scope(run, step)
  ctx.held[scope] = held_in(ctx, scope) + change
end

local function lease_member(run, ref, step)
  return run.id .. '|' .. ref .. '|' .. step.fence .. '|' .. digits(step.due)
end

-- Takes the lease, and with it the slots, from whoever holds it: what comes under its fence later is refused.
local function revoke(ctx, run, ref, step)
  local profile = step.profile
  ctx.unleased[#ctx.unleased + 1] = lease_member(run, ref, step)
  touch(ctx, run)
  count(ctx, run, step, profile, -1)
  if ctx.ruled and limit_of(ctx, run.scope) >= 0 then call_back(ctx, run.tenant) end
  step.key = ''
  if profile.limit > 0 then pass_on(ctx, run, ref, profile) end
  if ctx.ruled and limit_of(ctx, profile.scope) >= 0 then ctx.woken[profile.pool] = true end
end

local function is_paused(ctx, scope)
  if not ctx.ruled then return false end
  if ctx.pauses == nil then ctx.pauses = redis.call('HLEN', key(ctx, 'paused')) end
  return ctx.pauses > 0 and redis.call('HEXISTS', key(ctx, 'paused'), scope) == 1
end

-- What keeps a ready step of a tenant that has its turn from being claimed: a scope to wait for, or nil.
local function hindrance(ctx, run, ref, step, profile)
  -- What an earlier attempt waited for is no key of this one.
  step.key = ''
  -- The items of a map whose run begins again wait for it to start.
  if run.paused ~= '' or run.state ~= 'running' then return 'run|' .. run.id end
  if is_paused(ctx, 'w|' .. run.lane) then return 'w|' .. run.lane end
  if profile.limit == 0 then return nil end
  step.key = limit_key(ctx, run, ref)
  local scope = key_scope(run, step)
  if held_in(ctx, scope) < profile.limit then return nil end
  step.key = ''
  return scope
end

-- Takes the members of a line apart, [run, ref, ...], and reads each run's steps at once.
local function load_members(ctx, members)
  local parts, refs = {}, {}
  for i = 1, #members, 2 do
    local id, ref = split(members[i])
    parts[i], parts[i + 1] = id, ref
    local own = refs[id]
    if own then own[#own + 1] = ref else refs[id] = { ref } end
  end
  for id, list in pairs(refs) do
    local run = run_of(ctx, id)
    if run ~= nil then load_steps(ctx, run, list) end
  end
  return parts
end

local function grant(ctx, id, ref, lease_ms, taken)
  local run = run_of(ctx, id)
  if run == nil or (run.state ~= 'running' and run.state ~= 'queued' and run.state ~= 'resetting') then return false end
  local step = step_of(ctx, run, ref)
  if step.state ~= 'ready' then return false end
  local profile = step.profile
  local scope = hindrance(ctx, run, ref, step, profile)
  if scope ~= nil then
    park(ctx, run, ref, scope)
    if profile.limit > 0 then pass_on(ctx, run, ref, profile) end
    return false
  end
  if profile.queue > 0 then drop_timer(ctx, timer('queue', run, ref, step.attempt)) end
  -- It runs from when the step was released, but for an item that a reset has put back.
  if profile.total > 0 then redis.call('ZADD', key(ctx, 'timers'), 'NX', digits(ctx.now + profile.total), timer('total', run, ref)) end
  step.fence, step.attempt, step.started, step.due = next_fence(ctx), step.attempt + 1, ctx.now, ctx.now + profile.attempt
  count(ctx, run, step, profile, 1)
  move_step(ctx, run, ref, 'running', profile.to_running)
  local leases = ctx.leases
  local last = #leases
  leases[last + 1], leases[last + 2] = digits(math.min(ctx.now + lease_ms, step.due)), lease_member(run, ref, step)
  taken[#taken + 1] = { run = run, ref = ref, step = step }
  return true
end

-- Where nobody waits in a pool, what this call made ready goes straight to who asks.
local function take_fresh(ctx, pool, want, only, lease_ms, taken)
  local found, place
  for where, line in pairs(ctx.ready) do
    if line.pool == pool then
      if found ~= nil then return end
      found, place = line, where
    end
  end
  if found == nil or found.ranked or ctx.ruled or (only and found.tenant ~= only) then return end
  if #found.members > 2 * math.min(want, work_max) or redis.call('EXISTS', key(ctx, 'turn', pool)) == 1 then return end
  ctx.ready[place] = nil
  for i = 2, #found.members, 2 do
    local id, ref = split(found.members[i])
    grant(ctx, id, ref, lease_ms, taken)
  end
end

-- Whose turn it is: a tenant and whether others wait, or nil. A worker of one tenant takes that one's steps alone.
local function next_tenant(turn, only)
  if only then return redis.call('ZSCORE', turn, only) and only or nil, false end
  local front = redis.call('ZRANGE', turn, 0, 1)
  return front[1], front[2] ~= nil
end

-- Tenants in turn; within a tenant by priority, then the oldest run. A tenant alone is served by the handful.
local function take(ctx, pool, want, only, lease_ms, taken)
  local turn, base = key(ctx, 'turn', pool), string.match(pool, '^[^@]*')
  while want > 0 and ctx.work < work_max do
    local room = math.min(want, room_in(ctx, 'p|' .. base))
    local tenant, others = next_tenant(turn, only)
    if room <= 0 or tenant == nil then return end
    room = math.min(room, room_in(ctx, 't|' .. tenant), work_max - ctx.work)
    if room <= 0 or is_paused(ctx, 't|' .. tenant) then
      set_aside(ctx, pool, tenant)
    else
      local line = key(ctx, 'ready', pool .. ':' .. tenant)
      local members, granted = redis.call('ZPOPMIN', line, others and 1 or room), 0
      -- Also what is not granted has left the line.
      ctx.changed = true
      local parts = load_members(ctx, members)
      for i = 1, #parts, 2 do
        ctx.work = ctx.work + 1
        if grant(ctx, parts[i], parts[i + 1], lease_ms, taken) then granted = granted + 1 end
      end
      if redis.call('EXISTS', line) == 0 then redis.call('ZREM', turn, tenant)
      elseif granted > 0 then
        local weight = limit_of(ctx, 'w|' .. tenant)
        redis.call('ZINCRBY', turn, rounded(granted * 1000 / (weight > 0 and weight or 1)), tenant)
      end
      want = want - granted
    end
  end
end
