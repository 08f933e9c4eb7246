-- Hands the outbox to one relay at a time: drops what the relay has published, and gives the next entries in order.
-- Input:  ARGV[2] relay, ARGV[3] lease (ms), ARGV[4] id of the last entry published or '', ARGV[5] most entries,
--         ARGV[6] most bytes: the entry that goes beyond is the last
-- Output: {1, {id, entry}...}; {2, {id, entry}...} when it is not the turn that this relay had, or not the process of Redis in which it had
--         it: then what it has published may be gone, where the bus lies in the same Redis; {0, milliseconds until the other's lease ends}
-- Entries may be large, and how large is seen only when they are read.
local relayed_at_once = 16

local function relay(ctx, argv)
  local held = redis.call('HMGET', key(ctx, 'relay'), 'holder', 'until')
  local own = argv[2] .. '|' .. this_process()
  if held[1] and string.match(held[1], '^[^|]*') ~= argv[2] and tonumber(held[2]) > ctx.now then return { 0, tonumber(held[2]) - ctx.now } end
  redis.call('HSET', key(ctx, 'relay'), 'holder', own, 'until', digits(ctx.now + tonumber(argv[3])))
  -- One that took over in between may not have published it: then only its own word counts.
  if argv[4] ~= '' and held[1] == own then
    local milliseconds, number = string.match(argv[4], '^(%d+)-(%d+)$')
    redis.call('XTRIM', key(ctx, 'out'), 'MINID', milliseconds .. '-' .. (tonumber(number) + 1))
  end
  local answer = { held[1] == own and 1 or 2 }
  local most, bytes, from = tonumber(argv[5]), tonumber(argv[6]), '-'
  while most > 0 and bytes > 0 do
    local wanted = math.min(most, relayed_at_once)
    local entries = redis.call('XRANGE', key(ctx, 'out'), from, '+', 'COUNT', digits(wanted))
    for _, found in ipairs(entries) do
      if bytes <= 0 then break end
      answer[#answer + 1] = { found[1], found[2][2] }
      bytes, from = bytes - #found[2][2], '(' .. found[1]
    end
    if #entries < wanted then break end
    most = most - wanted
  end
  return answer
end

serve('relay', relay, { allow_oom = true, unlogged = true })
