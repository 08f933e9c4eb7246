-- What comes from outside to steps that wait.
-- Input:  ARGV[2] kind, ARGV[3] tenant, ARGV[4] (JSON) by kind:
--         event    {event, key, payload (JSON), kept (ms)}: wakes all that wait for it, and those that will within `kept`
--         decision {run, ref, actor, word: approve | reject, comment}
--         items    {run, ref, fence, first, items: up to 256 JSON texts, keys: their limit keys, '' for none}: lays down a map's items
-- Output: {"now": us, "outcome": delivered (with "count") | counted | not-waiting | not-asked | said-already | missing | stale}
local signal_kinds = {}

signal_kinds.event = function(ctx, tenant, what)
  local place = what.event .. '|' .. what.key
  if what.kept > 0 then
    local where = key(ctx, 'signal', tenant .. ':' .. place)
    redis.call('HSET', where, 'payload', what.payload, 'until', digits(ctx.now + what.kept))
    redis.call('PEXPIRE', where, digits(what.kept + forgotten_after_ms))
  end
  ctx.changed = true
  return 'delivered', deliver(ctx, tenant, place, what.payload)
end

signal_kinds.decision = function(ctx, tenant, what)
  local run = run_of(ctx, what.run)
  if run == nil or run.tenant ~= tenant then return 'missing' end
  local why = decide(ctx, run, what.ref, what)
  return why == '' and 'counted' or why
end

signal_kinds.items = function(ctx, tenant, what)
  local run = run_of(ctx, what.run)
  local step = run and run.tenant == tenant and step_of(ctx, run, what.ref)
  if not step or step.state ~= 'running' or step.fence ~= what.fence then return 'stale' end
  for i, item in ipairs(what.items) do
    local ref = what.ref .. '.' .. (what.first + i - 1)
    put(ctx, run, 'i:' .. ref, item)
    if what.keys[i] ~= '' then put(ctx, run, 'k:' .. ref, what.keys[i]) end
  end
  return 'counted'
end

local function signal(ctx, argv)
  local outcome, number = signal_kinds[argv[2]](ctx, argv[3], cjson.decode(argv[4]))
  flush_arrivals(ctx)
  carry_on(ctx)
  return '{"now":' .. digits(ctx.now_us) .. ',"outcome":"' .. outcome .. '","count":' .. (number or 0) .. '}'
end

serve('signal', signal, { allow_oom = true })
