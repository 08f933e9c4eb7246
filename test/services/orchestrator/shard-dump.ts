import type { Redis } from 'ioredis';
import { keys } from '#services/orchestrator/src/keys.ts';
import type { ShardModel } from './shard-model.ts';

/** Everything that a shard holds, in a form in which the model and Redis can be compared. */
export interface ShardDump {
  readonly fence: number;
  readonly runs: Record<string, Record<string, unknown>>;
  readonly steps: Record<string, Record<string, unknown>>;
  readonly data: Record<string, Record<string, string>>;
  readonly rankings: Record<string, [string, number][]>;
  readonly cron: Record<string, number>;
  readonly idempotency: Record<string, { run: string; request: string }>;
  readonly definitions: Record<string, number>;
}

const runNumbers = ['created', 'started', 'ended', 'left', 'failed', 'sequence'] as const;

export async function dumpRedis(redis: Redis, shard: string): Promise<ShardDump> {
  const prefix = keys.prefix(shard);
  const dump: ShardDump = empty(Number((await redis.get(`${prefix}fence`)) ?? 0));
  for (const key of (await redis.keys(`${prefix}*`)).sort()) {
    const name = key.slice(prefix.length);
    const kind = name.split(':')[0] ?? '';
    const id = name.slice(kind.length + 1);
    if (['ready', 'turn', 'leases', 'timers', 'slots', 'queue', 'ended', 'runs'].includes(kind)) {
      dump.rankings[name] = ranking(await redis.zrange(key, '0', '-1', 'WITHSCORES'));
      continue;
    }
    if (['fence', 'out', 'relay'].includes(kind)) continue;
    const hash = await redis.hgetall(key);
    if (kind === 'run') dump.runs[id] = runOf(hash);
    if (kind === 'steps') {
      const records = Object.entries(hash).map(([step, text]) => [step, JSON.parse(text) as unknown]);
      dump.steps[id] = Object.fromEntries(records) as Record<string, unknown>;
    }
    if (kind === 'data') dump.data[id] = mask(hash);
    if (kind === 'cron') for (const [k, v] of Object.entries(hash)) dump.cron[`${id}:${k}`] = Number(v);
    if (kind === 'idem') dump.idempotency[id] = { run: hash['run'] ?? '', request: hash['request'] ?? '' };
    if (kind === 'def') dump.definitions[id] = Number(hash['$runs']);
  }
  return dump;
}

export function dumpModel(model: ShardModel): ShardDump {
  const dump = empty(model.fence);
  const rank = (name: string, entries: [string, number][]) => {
    if (entries.length > 0) dump.rankings[name] = entries;
  };
  for (const run of model.runs.values()) {
    const { tenant, actor, workflow, state } = run;
    const numbers = Object.fromEntries(runNumbers.map((field) => [field, run[field]]));
    dump.runs[run.id] = { tenant, actor, workflow, state, definition: run.plan.digest, ...numbers };
    dump.steps[run.id] = Object.fromEntries(run.steps);
    if (run.data.size > 0) dump.data[run.id] = mask(Object.fromEntries(run.data));
    dump.definitions[run.plan.digest] = (dump.definitions[run.plan.digest] ?? 0) + 1;
    dump.rankings[`runs:${tenant}`] = [...(dump.rankings[`runs:${tenant}`] ?? []), [run.id, run.created]];
  }
  for (const entries of Object.values(dump.rankings)) entries.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  for (const [name, each] of model.ready) rank(`ready:${name}`, each.entries());
  for (const [name, each] of model.turn) rank(`turn:${name}`, each.entries());
  for (const [name, each] of model.slots) rank(`slots:${name}`, each.entries());
  for (const [name, each] of model.queues) rank(`queue:${name}`, each.entries());
  rank('leases', model.leases.entries());
  rank('timers', model.timers.entries());
  rank('ended', model.ended.entries());
  Object.assign(dump.cron, Object.fromEntries(model.cron));
  Object.assign(dump.idempotency, Object.fromEntries(model.idempotency));
  return dump;
}

function empty(fence: number): ShardDump {
  return { fence, runs: {}, steps: {}, data: {}, rankings: {}, cron: {}, idempotency: {}, definitions: {} };
}

function runOf(hash: Record<string, string>): Record<string, unknown> {
  const { tenant, actor, workflow, state, definition } = hash;
  const numbers = Object.fromEntries(runNumbers.map((field) => [field, Number(hash[field] ?? 0)]));
  return { tenant, actor, workflow, state, definition, ...numbers };
}

/** Errors that the functions write themselves are compared by their code. */
function mask(data: Record<string, string>): Record<string, string> {
  const code = (text: string) => /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? text;
  return Object.fromEntries(Object.entries(data).map(([field, text]) => [field, code(text)]));
}

function ranking(flat: readonly string[]): [string, number][] {
  const entries: [string, number][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) entries.push([flat[i] ?? '', Number(flat[i + 1])]);
  return entries;
}
