-- Prolongs leases and notes progress, never beyond an attempt's own time. A lease that has run out but that nobody has reaped still holds.
-- Not in the log: a lease that is shorter than it was loses nothing.
-- Input:  ARGV[2] list (JSON) of up to 256 [run, ref, fence, due, lease (ms), progress (JSON) or '']
-- Output: {"now": us, "held": [1 held | 0 lost | 2 asked to stop ...]} in the order given
local function beat(ctx, argv)
  local held, endings = {}, {}
  for i, lease in ipairs(cjson.decode(argv[2])) do
    local member = lease[1] .. '|' .. lease[2] .. '|' .. lease[3] .. '|' .. digits(lease[4])
    local found = redis.call('ZSCORE', key(ctx, 'leases'), member)
    held[i] = found and 1 or 0
    if found then
      redis.call('ZADD', key(ctx, 'leases'), digits(math.min(ctx.now + lease[5], lease[4])), member)
      if lease[6] ~= '' then redis.call('HSET', key(ctx, 'data', lease[1]), 'p:' .. lease[2], lease[6]) end
      if endings[lease[1]] == nil then endings[lease[1]] = redis.call('HGET', key(ctx, 'run', lease[1]), 'ending') end
      if endings[lease[1]] ~= '' then held[i] = 2 end
    end
  end
  return '{"now":' .. digits(ctx.now_us) .. ',"held":[' .. table.concat(held, ',') .. ']}'
end

serve('beat', beat, { allow_oom = true, unlogged = true })
