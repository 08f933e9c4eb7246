import type { Redis } from 'ioredis';
import { canonicalJson } from '@orrery/contracts/digest';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import type { Model } from './model.ts';
import type { Ranking } from './ranking.ts';
import { activeOf, heldByScope } from './slots.ts';

/** Everything that a shard holds, by key without its prefix: hashes as objects, rankings and lists as lists. */
export type Dump = Record<string, unknown>;

const hashes = [
  'def',
  'run',
  'st',
  'wt',
  'data',
  'held',
  'limits',
  'idem',
  'fired',
  'paused',
  'budget',
  'meta',
  'signal',
];
const rankings = ['ready', 'turn', 'leases', 'timers', 'park', 'slots', 'queue', 'ended', 'runs', 'waits'];
const sets = ['aside', 'halted'];
/** Of one process at a time, and no part of what the log tells. */
const unlogged = ['out', 'relay'];
const runFields = [
  ...[
    'tenant',
    'actor',
    'workflow',
    'definition',
    'state',
    'parameters',
    'logical',
    'created',
    'started',
    'ended',
    'priority',
  ],
  ...[
    'runs_max',
    'timeout',
    'left',
    'failed',
    'active',
    'sequence',
    'pins',
    'parent',
    'paused',
    'ending',
    'pending',
    'trigger',
    'release',
  ],
];

/** As it lies in Redis, byte for byte. */
export async function readShard(redis: Redis, shard: string): Promise<Dump> {
  const prefix = keys.prefix(shard);
  const names = (await redis.keys(`${prefix}*`)).map((key) => key.slice(prefix.length)).sort();
  const pipeline = redis.pipeline();
  const kept = names.filter((name) => !unlogged.includes(kindOf(name)));
  for (const name of kept) {
    const kind = kindOf(name);
    if (hashes.includes(kind)) pipeline.hgetall(prefix + name);
    else if (rankings.includes(kind)) pipeline.zrange(prefix + name, '0', '-1', 'WITHSCORES');
    else if (sets.includes(kind)) pipeline.smembers(prefix + name);
    else if (kind === 'todo') pipeline.lrange(prefix + name, 0, -1);
    else throw new Error(`a key that the dump does not know: ${name}`);
  }
  const found = (await pipeline.exec()) ?? [];
  return Object.fromEntries(
    kept.map((name, index) => {
      const [error, value] = found[index] ?? [];
      if (error !== null && error !== undefined) throw error;
      if (rankings.includes(kindOf(name))) return [name, pairs(value as string[])];
      return [name, sets.includes(kindOf(name)) ? (value as string[]).sort() : value];
    }),
  );
}

/** In the form in which it is compared with the model: errors by their code, JSON by its value. */
export function comparable(dump: Dump): Dump {
  const entries = Object.entries(dump).flatMap(([name, value]) => {
    const hash = value as Record<string, string>;
    switch (kindOf(name)) {
      case 'def':
        return [];
      case 'run':
        return [
          [
            name,
            Object.fromEntries(
              runFields.map((field) => [field, field === 'paused' ? plain(hash[field] ?? '') : hash[field]]),
            ),
          ],
        ];
      case 'st':
        return [[name, mapped(hash, (text) => JSON.parse(text) as unknown)]];
      case 'data':
        return [[name, mapped(hash, plain)]];
      case 'paused':
        return [[name, mapped(hash, plain)]];
      case 'todo':
        return [[name, (value as string[]).map((work) => (JSON.parse(work) as string[]).slice(0, 2))]];
      case 'meta':
        return [[name, { seq: hash['seq'], fence: hash['fence'] }]];
      default:
        return [[name, value]];
    }
  });
  return Object.fromEntries(entries) as Dump;
}

export function dumpModel({ shard }: Model): Dump {
  const dump: Dump = {};
  const put = (name: string, value: object) => {
    if (Object.keys(value).length > 0) dump[name] = value;
  };
  for (const run of shard.runs.values()) {
    const { runsMax, ...rest } = run;
    const fields = {
      ...rest,
      active: activeOf(shard, run),
      runs_max: runsMax,
      paused: plain(run.paused),
      pending: shard.pendingOf(run),
    };
    put(`run:${run.id}`, Object.fromEntries(runFields.map((field) => [field, textOf(fields, field)])));
    const steps = [...run.steps].filter(([, { kept }]) => kept);
    put(
      `st:${run.id}`,
      Object.fromEntries(
        steps.map(([ref, s]) => [
          ref,
          [s.state, s.attempt, s.failures, s.lapses, s.fence, s.started, s.ended, s.due, s.on, s.key],
        ]),
      ),
    );
    put(`wt:${run.id}`, texts(run.counts));
    put(`data:${run.id}`, mapped(Object.fromEntries(run.data), plain));
  }
  const ranked = {
    ready: shard.lines,
    turn: shard.turns,
    park: shard.parks,
    slots: shard.slots,
    queue: shard.queues,
    runs: shard.runsOf,
  };
  for (const [kind, of] of Object.entries({ ...ranked, waits: shard.waits })) {
    for (const [name, ranking] of of.all()) put(`${kind}:${name}`, entriesOf(ranking));
  }
  put('leases', entriesOf(shard.leases));
  put('timers', entriesOf(shard.timers));
  put('ended', entriesOf(shard.ended));
  put('held', texts(heldByScope(shard)));
  put('limits', texts(shard.limits));
  put('paused', mapped(Object.fromEntries(shard.paused), plain));
  put('budget', texts(shard.budget));
  put(
    'todo',
    shard.left.map((work) => work.slice(0, 2)),
  );
  for (const [tenant, pools] of shard.aside) put(`aside:${tenant}`, [...pools].sort());
  for (const [tenant, lanes] of shard.halted) put(`halted:${tenant}`, [...lanes].sort());
  for (const [tenant, fired] of shard.fired) put(`fired:${tenant}`, texts(fired));
  for (const [key, { run, request, until }] of shard.idempotency)
    put(`idem:${key}`, { run, request, until: String(until) });
  for (const [place, { payload, until }] of shard.signals) put(`signal:${place}`, { payload, until: String(until) });
  if (shard.entries > 0) put('meta', { seq: String(shard.entries), fence: String(shard.fence) });
  return dump;
}

function textOf(fields: object, name: string): string {
  const value: unknown = Object.entries(fields).find(([field]) => field === name)?.[1];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function kindOf(name: string): string {
  return name.split(':')[0] ?? '';
}

function pairs(flat: readonly string[]): [string, number][] {
  return flat.flatMap((member, index): [string, number][] =>
    index % 2 === 0 ? [[member, Number(flat[index + 1])]] : [],
  );
}

function entriesOf(ranking: Ranking): [string, number][] {
  return ranking.entries();
}

function texts(map: ReadonlyMap<string, string | number>): Record<string, string> {
  return Object.fromEntries([...map].map(([name, value]) => [name, String(value)]));
}

function mapped<T>(hash: Record<string, string>, act: (text: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(hash).map(([name, text]) => [name, act(text)]));
}

/** Lua writes an empty list as an empty object. */
function plain(text: string): string {
  const code = /"code":"([A-Z_]+)"/.exec(text)?.[1];
  if (code !== undefined) return code;
  try {
    return canonicalJson(JSON.parse(text)).replaceAll('[]', '{}');
  } catch {
    return text;
  }
}
