-- Takes in a run, once for each idempotency key and once for each logical time of a cron trigger.
-- Input:  KEYS[1] prefix of the shard; ARGV[1] release, ARGV[2] run, ARGV[3] tenant, ARGV[4] actor, ARGV[5] workflow,
--         ARGV[6] digest of the definition, ARGV[7] parameters (JSON), ARGV[8] trigger, ARGV[9] logical time (ms)
--         ARGV[10] idempotency key or '', ARGV[11] digest of the request, ARGV[12] how long the key is kept (ms)
--         ARGV[13] runs at the same time, ARGV[14] timeout of the run (ms), ARGV[15] most runs queued,
--         ARGV[16] most events in the outbox, ARGV[17] the cron trigger or ''
--         ARGV[18] text of the definition or '', ARGV[19] its steps: JSON of [name, plan] in order
-- Output: {code, now (us), run, state}: 1 accepted; 0 known already; -1 the definition's text is needed; -2 the key stands for
--         another request; -3 the outbox is full; -4 the queue is full; -5 this logical time has fired
local function write_definition(ctx, digest, text, steps)
  if redis.call('EXISTS', key(ctx, 'def', digest)) == 1 then return true end
  if text == '' then return false end
  local names, fields = {}, { '$text', text, '$runs', 0 }
  for i, step in ipairs(cjson.decode(steps)) do
    names[i] = step[1]
    fields[#fields + 1] = step[1]
    fields[#fields + 1] = step[2]
  end
  redis.call('HSET', key(ctx, 'def', digest), '$steps', cjson.encode(names))
  for i = 1, #fields, 2 do redis.call('HSET', key(ctx, 'def', digest), fields[i], fields[i + 1]) end
  return true
end

local function refusal(ctx, argv)
  if argv[10] ~= '' then
    local known = redis.call('HMGET', key(ctx, 'idem', argv[3] .. ':' .. argv[10]), 'run', 'request')
    if known[1] and known[2] ~= argv[11] then return { -2, digits(ctx.now_us), known[1], '' } end
    local state = known[1] and redis.call('HGET', key(ctx, 'run', known[1]), 'state')
    if known[1] then return { 0, digits(ctx.now_us), known[1], state or 'purged' } end
  end
  local state = redis.call('HGET', key(ctx, 'run', argv[2]), 'state')
  if state then return { 0, digits(ctx.now_us), argv[2], state } end
  if argv[17] ~= '' then
    local fired = redis.call('HGET', key(ctx, 'cron', argv[3]), argv[5] .. '|' .. argv[17])
    if fired and tonumber(fired) >= tonumber(argv[9]) then return { -5, digits(ctx.now_us), argv[2], '' } end
  end
  if outbox_full(ctx, argv[16]) then return { -3, digits(ctx.now_us), argv[2], '' } end
  local lane = argv[3] .. '/' .. argv[5]
  local waiting = redis.call('ZCARD', key(ctx, 'queue', lane))
  if waiting >= tonumber(argv[15]) then return { -4, digits(ctx.now_us), argv[2], '' } end
  return nil
end

local function submit(keys, argv)
  local ctx = open(keys, argv[1])
  local refused = refusal(ctx, argv)
  if refused ~= nil then return refused end
  if not write_definition(ctx, argv[6], argv[18], argv[19]) then return { -1, digits(ctx.now_us), argv[2], '' } end
  redis.call('HINCRBY', key(ctx, 'def', argv[6]), '$runs', 1)

  redis.call('HSET', key(ctx, 'run', argv[2]), 'tenant', argv[3], 'actor', argv[4], 'workflow', argv[5], 'definition', argv[6],
    'state', '', 'parameters', argv[7], 'trigger', argv[8], 'logical', argv[9], 'created', digits(ctx.now),
    'runs_max', argv[13], 'timeout', argv[14], 'failed', 0, 'sequence', 0)
  local run = read_run(ctx, argv[2])
  run.left = 0
  for _, name in ipairs(step_names(ctx, run)) do
    local waits = plan_of(ctx, run, name).needs
    write_step(ctx, run, { name = name, state = 'waiting', waits = waits, attempt = 0, failures = 0, lapses = 0,
      fence = '0', started = 0, ended = 0 })
    run.left = run.left + 1
  end
  redis.call('HSET', key(ctx, 'run', run.id), 'left', run.left)
  redis.call('ZADD', key(ctx, 'runs', run.tenant), run.created, run.id)
  if argv[10] ~= '' then
    local idem = key(ctx, 'idem', argv[3] .. ':' .. argv[10])
    redis.call('HSET', idem, 'run', run.id, 'request', argv[11])
    redis.call('PEXPIRE', idem, argv[12])
  end
  if argv[17] ~= '' then redis.call('HSET', key(ctx, 'cron', argv[3]), argv[5] .. '|' .. argv[17], argv[9]) end

  move_run(ctx, run, 'queued', { reason = argv[8] })
  redis.call('ZADD', key(ctx, 'queue', run.lane), run.created, run.id)
  start_queued(ctx, run.lane)
  return { 1, digits(ctx.now_us), run.id, redis.call('HGET', key(ctx, 'run', run.id), 'state') }
end

redis.register_function(library .. '_submit', submit)
