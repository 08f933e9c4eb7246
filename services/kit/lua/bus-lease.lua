-- What the functions of the bus have in common: Redis's clock, and the test whether a claim still holds.
-- `library` is set by the loader to the name of this library, which all function names begin with.

-- Microseconds since 1970 by Redis's clock: the only clock of the bus.
local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- Numbers beyond 1e14 would print with an exponent: positions are microseconds, 16 digits.
local function digits(number)
  return string.format('%.0f', number)
end

-- Whether (owner, fence) still has the partition. When it has, its lease begins again.
-- A lease that ended without a taker still holds: nobody else has read the position or the intent since.
local function holds(group_key, owner, fence, lease_ms)
  local held = redis.call('HMGET', group_key, 'owner', 'fence')
  if held[1] ~= owner or held[2] ~= fence then return false end
  redis.call('HSET', group_key, 'until_us', digits(now_us() + tonumber(lease_ms) * 1000))
  return true
end
