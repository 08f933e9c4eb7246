-- Gives a claim back, so that a peer need not wait for the lease to end. An intent stays for the next owner.
-- Input:  KEYS[1] hash: the group at this partition
--         ARGV[1] owner, ARGV[2] fence, ARGV[3] channel that wakes consumers
-- Output: 1 released; 0 it was not held any more
local function release(keys, argv)
  if not holds(keys[1], argv[1], argv[2], 0) then return 0 end
  redis.call('HDEL', keys[1], 'owner', 'until_us')
  redis.call('PUBLISH', argv[3], 'released')
  return 1
end

redis.register_function({ function_name = library .. '_release', callback = release, flags = { 'allow-oom' } })
