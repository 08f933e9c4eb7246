-- Forgets runs that ended long ago; their history is in the event store.
-- Input:  ARGV[2] how long an ended run is kept (ms), ARGV[3] most ended runs kept, ARGV[4] most runs a call
-- Output: {"now": us, "count": n}
local function purge(ctx, argv)
  local ended, most = key(ctx, 'ended'), tonumber(argv[4])
  local over = redis.call('ZCARD', ended) - tonumber(argv[3])
  local old = redis.call('ZCOUNT', ended, '-inf', digits(ctx.now - tonumber(argv[2])))
  local count = math.max(0, math.min(most, math.max(over, old)))
  for _, id in ipairs(count > 0 and redis.call('ZRANGE', ended, 0, count - 1) or {}) do
    local run = run_of(ctx, id)
    redis.call('UNLINK', key(ctx, 'run', id), key(ctx, 'st', id), key(ctx, 'wt', id), key(ctx, 'data', id), key(ctx, 'park', 'run|' .. id))
    redis.call('ZREM', key(ctx, 'runs', run.tenant), id)
    redis.call('ZREM', ended, id)
    let_go(ctx, run.definition)
  end
  ctx.changed = count > 0
  return '{"now":' .. digits(ctx.now_us) .. ',"count":' .. count .. '}'
end

serve('purge', purge, { allow_oom = true })
