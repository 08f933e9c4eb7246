-- One round trip of whoever works: hands in how attempts ended, and takes the next steps under leases.
-- Input:  ARGV[2] random share (0..1), ARGV[3] {pools: in which order, want: most steps in all, tenant: whose alone} (JSON),
--         ARGV[4] lease (ms), ARGV[5] list (JSON) of up to 32 [run, ref, fence, outcome, payload, class, retryable 0 | 1, reason, after (ms)]
--         outcome: succeeded (payload: the result; nothing follows it), failed (the error), returned (given back), cancelled,
--         suspended (what it waits for)
-- Output: {"now": us, "codes": [1 accepted | 0 accepted before | -1 the lease was lost ...],
--          "runs": { run: [tenant, actor, workflow, definition, parameters, logical, release] },
--          "work": [[run, ref, fence, attempt, due, { number of a step: its result }, item or null]...]}
local function has_ended_so(step, outcome)
  return step.state == outcome or (outcome == 'failed' and (step.state == 'retrying' or step.state == 'succeeded'))
    or (outcome == 'suspended' and ended_states[step.state])
end

local function hand_in(ctx, ending)
  local run, ref, fence, outcome = run_of(ctx, ending[1]), ending[2], ending[3], ending[4]
  if run == nil then return -1 end
  local step = step_of(ctx, run, ref)
  if step.fence ~= fence then return -1 end
  if step.state ~= 'running' then return has_ended_so(step, outcome) and 0 or -1 end
  ctx.work = ctx.work + 1
  revoke(ctx, run, ref, step)
  if outcome == 'succeeded' then
    succeed_step(ctx, run, ref, ending[5], no_change)
  elseif outcome == 'failed' then
    fail_step(ctx, run, ref, { error = ending[5], class = ending[6], retryable = ending[7] == 1, reason = ending[8], after = ending[9] })
  elseif run.state == 'cancelling' then
    end_attempt(ctx, run, ref, step, ending[8])
  elseif outcome == 'suspended' then
    suspend_step(ctx, run, ref, cjson.decode(ending[5]))
  else
    make_ready(ctx, run, ref, { reason = ending[8] })
  end
  end_if_over(ctx, run)
  return 1
end

-- The results that a step names, where they are few; whoever works reads more by itself.
local function results_of(ctx, run, ref)
  local reads = run.steps[ref].plan.reads
  if #reads == 0 or #reads > 16 then return '{}' end
  local fields, found = {}, {}
  for i, number in ipairs(reads) do fields[i] = 'r:' .. number end
  for i, text in ipairs(redis.call('HMGET', key(ctx, 'data', run.id), unpack(fields))) do
    local result = run.data[fields[i]] or text
    if result then found[#found + 1] = '"' .. reads[i] .. '":' .. cjson.encode(result) end
  end
  return '{' .. table.concat(found, ',') .. '}'
end

local function describe(ctx, taken)
  local runs, named, work = {}, {}, {}
  for i, each in ipairs(taken) do
    local run, ref, step = each.run, each.ref, each.step
    if not named[run.id] then
      named[run.id] = true
      runs[#runs + 1] = '"' .. run.id .. '":' .. field_of_run(ctx, run, 'line')
    end
    local item = string.find(ref, '.', 1, true) and redis.call('HGET', key(ctx, 'data', run.id), 'i:' .. ref)
    work[i] = '["' .. run.id .. '","' .. ref .. '","' .. step.fence .. '",' .. digits(step.attempt) .. ',' .. digits(step.due) .. ','
      .. results_of(ctx, run, ref) .. ',' .. (item and cjson.encode(item) or 'null') .. ']'
  end
  return '"runs":{' .. table.concat(runs, ',') .. '},"work":[' .. table.concat(work, ',') .. ']'
end

-- The steps of each run at once.
local function load_ended(ctx, endings)
  local refs = {}
  for _, ending in ipairs(endings) do
    local own = refs[ending[1]]
    if own then own[#own + 1] = ending[2] else refs[ending[1]] = { ending[2] } end
  end
  for id, list in pairs(refs) do
    local run = run_of(ctx, id)
    if run ~= nil then load_steps(ctx, run, list) end
  end
end

local function exchange(ctx, argv)
  ctx.random = tonumber(argv[2])
  local endings, codes = cjson.decode(argv[5]), {}
  if #endings > 1 then load_ended(ctx, endings) end
  for i, ending in ipairs(endings) do codes[i] = hand_in(ctx, ending) end
  flush_arrivals(ctx)
  carry_on(ctx)
  local wanted, taken, lease_ms = cjson.decode(argv[3]), {}, tonumber(argv[4])
  -- What was handed in has had its share of the work; what is taken has one of its own.
  ctx.work = 0
  for _, pool in ipairs(wanted.pools) do
    take_fresh(ctx, pool, wanted.want - #taken, wanted.tenant, lease_ms, taken)
    flush_lines(ctx, pool)
    if #taken < wanted.want then take(ctx, pool, wanted.want - #taken, wanted.tenant, lease_ms, taken) end
  end
  return '{"now":' .. digits(ctx.now_us) .. ',"codes":[' .. table.concat(codes, ',') .. '],' .. describe(ctx, taken) .. '}'
end

serve('exchange', exchange, { allow_oom = true })
