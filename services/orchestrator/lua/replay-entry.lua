-- Applies an entry of the log again, by the clock that it carries: how a shard that lost its tail gets it back from the bus.
-- Input:  ARGV[2] n, ARGV[3] clock (us), ARGV[4] verb, then the call's own arguments
-- Output: {"now": us, "outcome": applied | known | gap, "entry": the entry that it made}
-- With the verb close or open (n 0) it closes the shard for all but replays, or opens it: outcome closed | open, and n of the last entry.
redis.register_function({ function_name = library .. '_replay', flags = { 'allow-oom' }, callback = function(keys, argv)
  local ctx = open(keys, argv[1], argv[3] ~= '' and argv[3] or nil)
  local function answer(outcome, entry)
    return '{"now":' .. digits(ctx.now_us) .. ',"outcome":"' .. outcome .. '","n":' .. ctx.sequence .. ',"entry":' .. cjson.encode(entry or '') .. '}'
  end
  if argv[4] == 'close' or argv[4] == 'open' then
    redis.call('HSET', key(ctx, 'meta'), 'closed', argv[4] == 'close' and '1' or '0')
    return answer(argv[4] == 'close' and 'closed' or 'open')
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
