-- Takes in runs: once for each name, each idempotency key, and each logical time of a trigger.
-- Input:  ARGV[2] most runs queued of a workflow, ARGV[3] most entries in the outbox, ARGV[4] list (JSON) of up to 16:
--         { run, tenant, actor, workflow, definition, parameters (JSON), trigger, logical (ms), key, request, key_ms, runs_max, timeout (ms),
--           priority, overlap (queue | skip | replace), automatic (a trigger asks, no person), fired (whose watermark moves, or ''),
--           after (ms: a watermark beyond it says that this time was decided), parent (run|ref or ''), pins (JSON or ''), limit_keys { ref = key } }
-- Output: {"now": us, "outcomes": [[outcome, run, state]...]}: accepted; known; definition-needed; key-reused; outbox-full; queue-full;
--         past (this logical time was decided before); skipped (one runs already); paused (its workflow or tenant is)
local function known_run(ctx, s)
  if s.key ~= '' then
    local known = redis.call('HMGET', key(ctx, 'idem', s.tenant .. ':' .. s.key), 'run', 'request', 'until')
    if known[1] and tonumber(known[3]) > ctx.now then
      if known[2] ~= s.request then return { 'key-reused', known[1], '' } end
      local run = run_of(ctx, known[1])
      return { 'known', known[1], run and run.state or 'purged' }
    end
  end
  local run = run_of(ctx, s.run)
  if run ~= nil then return { 'known', s.run, run.state } end
  if s.fired ~= '' then
    local last = redis.call('HGET', key(ctx, 'fired', s.tenant), s.workflow .. '|' .. s.fired)
    if last and tonumber(last) > s.after then return { 'past', s.run, '' } end
  end
  return nil
end

-- Refuses what would be taken in beyond a bound, and what its trigger's overlap forbids.
local function refuse(ctx, s, argv)
  local lane = s.tenant .. '/' .. s.workflow
  -- What is kept between calls may have been forgotten in Redis since.
  if redis.call('HEXISTS', key(ctx, 'def', s.definition), 'complete') == 0 then return 'definition-needed' end
  if argv[3] == '0' then return 'outbox-full' end
  if redis.call('ZCARD', key(ctx, 'queue', lane)) >= tonumber(argv[2]) then return 'queue-full' end
  if not s.automatic then return nil end
  if is_paused(ctx, 'w|' .. lane) or is_paused(ctx, 't|' .. s.tenant) then return 'paused' end
  local busy = redis.call('ZCARD', key(ctx, 'queue', lane)) + redis.call('ZCARD', key(ctx, 'slots', lane)) > 0
  return busy and s.overlap == 'skip' and 'skipped' or nil
end

local function replace_others(ctx, lane)
  for _, place in ipairs({ 'queue', 'slots' }) do
    for _, id in ipairs(redis.call('ZRANGE', key(ctx, place, lane), 0, 7)) do
      local run = run_of(ctx, id)
      if run.state ~= 'cancelling' then abort_run(ctx, run, 'cancelled', { reason = 'a later run takes its place', grace = 0 }) end
    end
  end
end

local function take_in(ctx, s)
  local where = key(ctx, 'run', s.run)
  redis.call('HSET', where, 'tenant', s.tenant, 'actor', s.actor, 'workflow', s.workflow, 'definition', s.definition, 'state', '',
    'created', ctx.now_text, 'started', 0, 'ended', 0, 'priority', s.priority, 'left', head_of(ctx, s.definition).steps, 'failed', 0, 'active', 0,
    'sequence', 0, 'pins', s.pins, 'paused', '', 'ending', '', 'pending', 0, 'trigger', s.trigger, 'release', ctx.release,
    'parameters', s.parameters, 'logical', digits(s.logical), 'runs_max', s.runs_max, 'timeout', s.timeout, 'parent', s.parent,
    'named', cjson.encode({ s.tenant, s.workflow, s.definition, s.actor }),
    'line', cjson.encode({ s.tenant, s.actor, s.workflow, s.definition, s.parameters, digits(s.logical), ctx.release }))
  local run = run_of(ctx, s.run)
  for ref, text in pairs(s.limit_keys) do put(ctx, run, 'k:' .. ref, text) end
  redis.call('HINCRBY', key(ctx, 'def', s.definition), 'runs', 1)
  redis.call('ZADD', key(ctx, 'runs', s.tenant), ctx.now, s.run)
  if s.key ~= '' then
    local idem = key(ctx, 'idem', s.tenant .. ':' .. s.key)
    redis.call('HSET', idem, 'run', s.run, 'request', s.request, 'until', digits(ctx.now + s.key_ms))
    redis.call('PEXPIRE', idem, s.key_ms + forgotten_after_ms)
  end
  queue_run(ctx, run, { reason = s.trigger })
  return { 'accepted', s.run, run.state }
end

local function submit(ctx, argv)
  local outcomes = {}
  argv[3] = outbox_bound(ctx, argv[3])
  for i, s in ipairs(cjson.decode(argv[4])) do
    local answer = known_run(ctx, s)
    if answer == nil then
      local refused = refuse(ctx, s, argv)
      local final = refused == nil or refused == 'skipped' or refused == 'paused'
      if final and s.fired ~= '' then
        redis.call('HSET', key(ctx, 'fired', s.tenant), s.workflow .. '|' .. s.fired, digits(s.logical))
        ctx.changed = true
      end
      if refused == nil and s.overlap == 'replace' then replace_others(ctx, s.tenant .. '/' .. s.workflow) end
      answer = refused == nil and take_in(ctx, s) or { refused, s.run, '' }
    end
    outcomes[i] = answer
  end
  carry_on(ctx)
  return '{"now":' .. digits(ctx.now_us) .. ',"outcomes":' .. cjson.encode(outcomes) .. '}'
end

serve('submit', submit)
