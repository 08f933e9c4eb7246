-- Definitions, cut into chunks of 64 steps so that no call handles a whole large one. A definition never changes under its digest, so
-- what is decoded once is kept between calls.
-- A plan is a list: name, how many needs, children, profile, reads. A profile is how steps run, shared by all that run alike.
local chunk_steps = 64
local kept_max = 1600
local kept = { heads = {}, chunks = {}, count = 0 }

local function make_room()
  if kept.count >= kept_max then kept.heads, kept.chunks, kept.count = {}, {}, 0 end
  kept.count = kept.count + 1
end

-- { steps = how many, roots = those that need nothing, profiles = list }, or nil while it is not whole.
local function head_of(ctx, digest)
  local known = kept.heads[digest]
  if known ~= nil then return known end
  local found = redis.call('HMGET', key(ctx, 'def', digest), 'plan', 'complete')
  if not found[2] then return nil end
  local head = cjson.decode(found[1])
  for _, profile in ipairs(head.profiles) do
    if profile.body then profile.body = head.profiles[profile.body + 1] end
    profile.to_running, profile.scope = { pool_json = ',' .. cjson.encode(profile.pool) .. ']' }, 'p|' .. profile.pool
  end
  make_room()
  kept.heads[digest] = head
  return head
end

local function chunk_of(ctx, digest, number)
  local chunks = kept.chunks[digest]
  local known = chunks and chunks[number]
  if known then return known end
  local profiles, plans = head_of(ctx, digest).profiles, {}
  for i, line in ipairs(cjson.decode(redis.call('HGET', key(ctx, 'def', digest), 'p:' .. digits(number)))) do
    plans[i] = { name = line[1], json = cjson.encode(line[1]), needs = line[2], children = line[3], profile = profiles[line[4] + 1], reads = line[5] }
  end
  make_room()
  kept.chunks[digest] = kept.chunks[digest] or {}
  kept.chunks[digest][number] = plans
  return plans
end

-- The plan of a step; an item of a map has the map's.
local function plan_of(ctx, run, ref)
  local number = tonumber(ref)
  number = number - number % 1
  local place = number % chunk_steps
  return chunk_of(ctx, run.definition, (number - place) / chunk_steps)[place + 1]
end

-- How a step runs. An item runs as the body of its map says.
local function profile_of(ctx, run, ref)
  local step = run.steps[ref]
  if step then return step.profile end
  local profile = plan_of(ctx, run, ref).profile
  return string.find(ref, '.', 1, true) and profile.body or profile
end

-- A definition goes with the last run that has it.
local function let_go(ctx, digest)
  if redis.call('HINCRBY', key(ctx, 'def', digest), 'runs', -1) > 0 then return end
  redis.call('UNLINK', key(ctx, 'def', digest))
  kept.heads[digest] = nil
end

-- Whether nothing of it was forgotten while it was laid down: head, plan, runs, and two fields a chunk.
local function is_whole(where)
  local plan = redis.call('HGET', where, 'plan')
  return plan and redis.call('HLEN', where) == 3 + 2 * math.ceil(cjson.decode(plan).steps / chunk_steps)
end

-- Lays down a part of a definition; anyone may, as often as they like. One that lacks a part stays incomplete, and is laid down again.
-- Input:  ARGV[2] digest, then pairs of a field and its text: head, plan, p:<chunk>, t:<chunk>; the last call has complete 1
-- Output: {"now": us}
local function define(ctx, argv)
  local where = key(ctx, 'def', argv[2])
  if not redis.call('HGET', where, 'complete') and (argv[3] ~= 'complete' or is_whole(where)) then
    redis.call('HSET', where, unpack(argv, 3))
    redis.call('HSETNX', where, 'runs', 0)
    ctx.changed = true
  end
  return '{"now":' .. digits(ctx.now_us) .. '}'
end
