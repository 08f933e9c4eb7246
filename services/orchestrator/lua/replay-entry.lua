-- Applies an entry of the log again, by the clock that it carries: how a shard that lost its tail gets it back from the bus.
-- Input:  ARGV[2] n, ARGV[3] clock (us), ARGV[4] verb, then the call's own arguments
-- Output: {"now": us, "outcome": applied | known | gap, "entry": the entry that it made}
-- With the verb close, open or look (n 0) it closes the shard for all but replays, opens it, or does neither. ARGV[5] of open: the process
-- of Redis that was found whole, so that each other one is closed from its start; '' opens it to all.
-- Output: {"now": us, "outcome": open | closed, "n": of the last entry, "process": name of this process of Redis}
redis.register_function({ function_name = library .. '_replay', flags = { 'allow-oom' }, callback = function(keys, argv)
  local ctx = open(keys, argv[1], argv[3] ~= '' and argv[3] or nil)
  local function answer(outcome, entry)
    return '{"now":' .. digits(ctx.now_us) .. ',"outcome":"' .. outcome .. '","n":' .. ctx.sequence .. ',"entry":' .. cjson.encode(entry or '') .. '}'
  end
  if argv[4] == 'close' or argv[4] == 'open' or argv[4] == 'look' then
    local checked = argv[5] or ''
    if argv[4] ~= 'look' then
      redis.call('HSET', key(ctx, 'meta'), 'closed', argv[4] == 'close' and '1' or '0')
      ctx.closed = argv[4] == 'close' or (checked ~= '' and checked ~= this_process())
    end
    if argv[4] == 'open' and checked == '' then redis.call('HDEL', key(ctx, 'meta'), 'checked') end
    if argv[4] == 'open' and checked ~= '' then redis.call('HSET', key(ctx, 'meta'), 'checked', checked) end
    return '{"now":' .. digits(ctx.now_us) .. ',"outcome":"' .. (ctx.closed and 'closed' or 'open') .. '","n":' .. ctx.sequence
      .. ',"process":"' .. this_process() .. '"}'
  end
  if tonumber(argv[2]) <= ctx.sequence then return answer('known') end
  if tonumber(argv[2]) > ctx.sequence + 1 then return answer('gap') end
  local call = { argv[1] }
  for i = 5, #argv do call[#call + 1] = argv[i] end
  verbs[argv[4]](ctx, call)
  commit(ctx, argv[4], call)
  local last = redis.call('XREVRANGE', key(ctx, 'out'), '+', '-', 'COUNT', 1)[1]
  return answer('applied', last and last[2][2])
end })
