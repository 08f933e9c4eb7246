-- Ends an attempt, if its lease still holds: accepted once, whatever comes late or twice.
-- Input:  KEYS[1] prefix of the shard; ARGV[1] release, ARGV[2] random share (0..1), ARGV[3] run, ARGV[4] step, ARGV[5] fence,
--         ARGV[6] succeeded | failed | returned (given back unfinished), ARGV[7] result or error (JSON),
--         ARGV[8] 1 when another attempt can help, ARGV[9] reason
-- Output: {code, now (us), state of the step}: 1 accepted; 0 the same was accepted before; -1 the lease was lost
local function finish(keys, argv)
  local ctx = open(keys, argv[1], argv[2])
  local run = read_run(ctx, argv[3])
  local step = run and read_step(ctx, run, argv[4])
  if not step then return { -1, digits(ctx.now_us), '' } end
  if step.fence ~= argv[5] then return { -1, digits(ctx.now_us), step.state } end
  if step.state ~= 'running' then
    local repeated = step.state == argv[6] or (argv[6] == 'failed' and step.state == 'retrying')
    return { repeated and 0 or -1, digits(ctx.now_us), step.state }
  end
  revoke(ctx, run, step)
  if argv[6] == 'succeeded' then
    succeed_step(ctx, run, step, argv[7])
  elseif argv[6] == 'returned' then
    make_ready(ctx, run, step, { reason = argv[9] })
  else
    fail_step(ctx, run, step, { error = argv[7], retryable = argv[8] == '1', reason = argv[9] }, 0)
  end
  return { 1, digits(ctx.now_us), step.state }
end

redis.register_function({ function_name = library .. '_finish', callback = finish, flags = { 'allow-oom' } })
