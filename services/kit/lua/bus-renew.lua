-- Prolongs the lease of a claim.
-- Input:  KEYS[1] hash: the group at this partition; ARGV[1] owner, ARGV[2] fence, ARGV[3] lease (ms)
-- Output: 1 prolonged; 0 another consumer has taken the partition
local function renew(keys, argv)
  if holds(keys[1], argv[1], argv[2], argv[3]) then return 1 end
  return 0
end

redis.register_function({ function_name = library .. '_renew', callback = renew, flags = { 'allow-oom' } })
