-- A shard of the orchestrator: the context of a call, its keys and clock, and the log.
-- Every function loads what it needs, decides on tables, and commits at the end: its writes, then one entry of the log that holds the
-- call and the events that it made. State and history can't differ, and the state is the fold of the log (replay-entry.lua).
-- KEYS[1] is the shard's prefix with its hash tag, `orchestrator:{s00}:`; all other keys are derived from it, so that a call touches
-- one slot. ARGV[1] is the release. `library` is set by the loader; every function's name begins with it.

-- Most items of work in a call, so that Redis is never held for long: what is wider goes on from the list `todo`.
local work_max = 32
-- Most arguments of one write: Lua's stack is bounded.
local pairs_max = 500
-- What holds for a time holds by the clock of the log. Redis forgets it this much later (ms), so that entries that are applied again
-- find what they found.
local forgotten_after_ms = 600000

local texts, texts_count, texts_max = {}, 0, 8192

-- A whole number as text. Lua's own way is that of a fraction: it takes ten times as long, and beyond 1e14 it writes an exponent.
-- The same few come again and again: counts, numbers of steps, and the times of a call.
local function digits(number)
  local known = texts[number]
  if known then return known end
  if texts_count == texts_max then texts, texts_count = {}, 0 end
  local text = string.format('%d', number)
  texts[number], texts_count = text, texts_count + 1
  return text
end

-- Fractions of a millisecond or of a turn don't matter.
local function rounded(number)
  return digits(math.floor(number + 0.5))
end

local function key(ctx, name, id)
  if id == nil then return ctx.base .. name end
  return ctx.base .. name .. ':' .. id
end

-- `a|b|c|d`, as leases and timers name what they are of.
local function split(member)
  return string.match(member, '^([^|]*)|([^|]*)|?([^|]*)|?([^|]*)$')
end

-- Names the process of Redis that runs this; it is asked once. After a restart or a failover it is another one, which may lack what the
-- one before had answered.
local process
local function this_process()
  process = process or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or ''
  return process
end

-- JSON text; most of what is told is nothing.
local function quoted(text)
  if text == nil or text == '' then return '""' end
  return cjson.encode(text)
end

-- `clock` (us) only when an entry of the log is applied again.
local function open(keys, release, clock)
  local ctx = { base = keys[1], release = release, work = 0, runs = {}, touched = {}, events = {}, named = {}, ready = {}, woken = {},
    held = {}, was_held = {}, limits = {}, leases = {}, unleased = {}, todo = {}, arrivals = {}, random = 0 }
  if clock == nil then
    local time = redis.call('TIME')
    ctx.now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
  else
    ctx.now_us = tonumber(clock)
  end
  ctx.now = math.floor(ctx.now_us / 1000)
  ctx.now_text = digits(ctx.now)
  -- `ruled`: there are limits or pauses; `todo`: there is work left behind. What is not there need not be asked for.
  local meta = redis.call('HMGET', key(ctx, 'meta'), 'seq', 'fence', 'closed', 'ruled', 'todo', 'checked')
  ctx.sequence, ctx.fence, ctx.closed = tonumber(meta[1] or '0'), tonumber(meta[2] or '0'), meta[3] == '1'
  -- Where the log lies elsewhere, a process takes no work before what it has was compared with that log.
  if meta[6] and meta[6] ~= this_process() then ctx.closed = true end
  ctx.ruled, ctx.left_behind = meta[4] == '1', meta[5] == '1'
  return ctx
end

-- Only grows, also where a failover has lost the last writes: microseconds of the clock, or one more than the last.
local function next_fence(ctx)
  ctx.fence = math.max(ctx.fence + 1, ctx.now_us)
  return digits(ctx.fence)
end

-- Work that this call may have no room for.
local function later(ctx, ...)
  ctx.todo[#ctx.todo + 1] = { ... }
end

local function write_all(command, where, arguments)
  for first = 1, #arguments, pairs_max do
    redis.call(command, where, unpack(arguments, first, math.min(first + pairs_max - 1, #arguments)))
  end
end

-- The entry of the log: the call as it came, and what it did.
local function append_log(ctx, verb, argv)
  local call = { verb }
  for i = 2, #argv do call[i] = argv[i] end
  local runs = {}
  for id, line in pairs(ctx.named) do runs[#runs + 1] = cjson.encode(id) .. ':' .. line end
  ctx.sequence = ctx.sequence + 1
  local by = ctx.by and ',"by":' .. cjson.encode(ctx.by) or ''
  local entry = '{"n":' .. ctx.sequence .. ',"at":"' .. digits(ctx.now_us) .. '","release":' .. cjson.encode(ctx.release)
    .. by .. ',"call":' .. cjson.encode(call) .. ',"runs":{' .. table.concat(runs, ',') .. '},"events":['
    .. table.concat(ctx.events, ',') .. ']}'
  redis.call('XADD', key(ctx, 'out'), '*', 'e', entry)
  redis.call('HSET', key(ctx, 'meta'), 'seq', ctx.sequence, 'fence', digits(ctx.fence), 'ruled', ctx.ruled and '1' or '0',
    'todo', ctx.left_behind and '1' or '0')
end

-- '0' when the outbox is full, else more than it ever holds. The log tells this bound in place of the caller's: how much a relay had
-- left is no part of the state, and the call must find the same when it is applied again.
local function outbox_bound(ctx, most)
  return redis.call('XLEN', key(ctx, 'out')) >= tonumber(most) and '0' or '1e15'
end
