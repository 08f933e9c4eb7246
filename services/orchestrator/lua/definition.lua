-- Definitions, cut into chunks of 256 steps so that no call handles a whole large one. A definition never changes under its digest, so
-- what is decoded once is kept between calls.
-- A plan is a list: name, how many needs, children, profile, reads. A profile is how steps run, shared by all that run alike.
local chunk_steps = 256
local kept_max = 400
local kept = { heads = {}, chunks = {}, count = 0 }

local function keep(kind, id, text)
  if kept.count >= kept_max then kept.heads, kept.chunks, kept.count = {}, {}, 0 end
  kept.count = kept.count + 1
  local value = cjson.decode(text)
  kept[kind][id] = value
  return value
end

-- { steps = how many, roots = those that need nothing, profiles = list }, or nil while it is not whole.
local function head_of(ctx, digest)
  local known = kept.heads[digest]
  if known ~= nil then return known end
  local found = redis.call('HMGET', key(ctx, 'def', digest), 'plan', 'complete')
  if not found[2] then return nil end
  return keep('heads', digest, found[1])
end

-- The plan of a step; an item of a map has the map's.
local function plan_of(ctx, run, ref)
  local number = math.floor(tonumber(ref))
  local chunk = math.floor(number / chunk_steps)
  local id = run.definition .. '|' .. chunk
  local plans = kept.chunks[id] or keep('chunks', id, redis.call('HGET', key(ctx, 'def', run.definition), 'p:' .. chunk))
  local found = plans[number % chunk_steps + 1]
  return { name = found[1], needs = found[2], children = found[3], profile = found[4], reads = found[5] }
end

-- How a step runs. An item runs as the body of its map says.
local function profile_of(ctx, run, ref, plan)
  local profiles = head_of(ctx, run.definition).profiles
  local profile = profiles[(plan or plan_of(ctx, run, ref)).profile + 1]
  if string.find(ref, '.', 1, true) then return profiles[profile.body + 1] end
  return profile
end

-- Lays down a part of a definition; anyone may, as often as they like.
-- Input:  ARGV[2] digest, then pairs of a field and its text: head, plan, p:<chunk>, t:<chunk>; the last call ends with complete 1
-- Output: {"now": us}
local function define(ctx, argv)
  local where = key(ctx, 'def', argv[2])
  if not redis.call('HGET', where, 'complete') then
    redis.call('HSET', where, unpack(argv, 3))
    redis.call('HSETNX', where, 'runs', 0)
    ctx.changed = true
  end
  return '{"now":' .. digits(ctx.now_us) .. '}'
end
