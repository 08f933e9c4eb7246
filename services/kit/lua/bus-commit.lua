-- Moves the group past the range that it intended and has written. Repeating the last commit is no error.
-- Input:  KEYS[1] hash: the group at this partition; KEYS[2] hash: group -> position it goes on at
--         ARGV[1] owner, ARGV[2] fence, ARGV[3] lease (ms), ARGV[4] from, ARGV[5] to, ARGV[6] group
-- Output: {1} committed; {0} another consumer has taken the partition; {-1, position, from, to} not the range intended
local function commit(keys, argv)
  if not holds(keys[1], argv[1], argv[2], argv[3]) then return { 0 } end
  local state = redis.call('HMGET', keys[1], 'position', 'from', 'to', 'count')
  local after = digits(tonumber(argv[5]) + 1)
  if not state[2] and state[1] == after then return { 1 } end
  if state[2] ~= argv[4] or state[3] ~= argv[5] then
    return { -1, tonumber(state[1]), tonumber(state[2] or '0'), tonumber(state[3] or '0') }
  end
  redis.call('HSET', keys[1], 'position', after)
  redis.call('HDEL', keys[1], 'from', 'to', 'count')
  redis.call('HINCRBY', keys[1], 'handled', state[4])
  redis.call('HSET', keys[2], argv[6], after)
  return { 1 }
end

redis.register_function({ function_name = library .. '_commit', callback = commit, flags = { 'allow-oom' } })
