import { createHash } from 'node:crypto';

/**
 * Where things lie in Redis. The braces are the hash tag: all keys of a shard are in one slot, so that one function can move a
 * run, its steps, its slot and its event together. The functions derive the same names from `prefix` (lua/).
 */
export const keys = {
  layout: 'orchestrator:{layout}',
  /** The orchestrators that are alive, by deadline. */
  orchestrators: 'orchestrator:{layout}:alive',
  prefix: (shard: string) => `orchestrator:{${shard}}:`,
  definition: (shard: string, digest: string) => `${keys.prefix(shard)}def:${digest}`,
  run: (shard: string, run: string) => `${keys.prefix(shard)}run:${run}`,
  steps: (shard: string, run: string) => `${keys.prefix(shard)}st:${run}`,
  counts: (shard: string, run: string) => `${keys.prefix(shard)}wt:${run}`,
  data: (shard: string, run: string) => `${keys.prefix(shard)}data:${run}`,
  runs: (shard: string, tenant: string) => `${keys.prefix(shard)}runs:${tenant}`,
  ready: (shard: string, pool: string, tenant: string) => `${keys.prefix(shard)}ready:${pool}:${tenant}`,
  turn: (shard: string, pool: string) => `${keys.prefix(shard)}turn:${pool}`,
  queue: (shard: string, tenant: string, workflow: string) => `${keys.prefix(shard)}queue:${tenant}/${workflow}`,
  slots: (shard: string, tenant: string, workflow: string) => `${keys.prefix(shard)}slots:${tenant}/${workflow}`,
  /** Pools in which a tenant waits aside: it is paused, or holds as many leases as it may. */
  aside: (shard: string, tenant: string) => `${keys.prefix(shard)}aside:${tenant}`,
  /** Tenant -> when its next retry may begin. */
  budget: (shard: string) => `${keys.prefix(shard)}budget`,
  /** Whoever takes from a pool -> the time until which it is known to be there. */
  consumers: (shard: string, pool: string) => `${keys.prefix(shard)}consumers:${pool}`,
  parked: (shard: string, scope: string) => `${keys.prefix(shard)}park:${scope}`,
  held: (shard: string) => `${keys.prefix(shard)}held`,
  limits: (shard: string) => `${keys.prefix(shard)}limits`,
  paused: (shard: string) => `${keys.prefix(shard)}paused`,
  meta: (shard: string) => `${keys.prefix(shard)}meta`,
  outbox: (shard: string) => `${keys.prefix(shard)}out`,
  leases: (shard: string) => `${keys.prefix(shard)}leases`,
  timers: (shard: string) => `${keys.prefix(shard)}timers`,
  fired: (shard: string, tenant: string) => `${keys.prefix(shard)}fired:${tenant}`,
  datasets: (shard: string, tenant: string) => `${keys.prefix(shard)}datasets:${tenant}`,
  awaited: (shard: string, tenant: string, dataset: string) => `${keys.prefix(shard)}awaited:${tenant}:${dataset}`,
  /** Backfills that have not ended, one of them, and who carries it on. */
  backfills: (shard: string) => `${keys.prefix(shard)}backfills`,
  backfill: (shard: string, tenant: string, id: string) => `${keys.prefix(shard)}backfill:${tenant}:${id}`,
  backfillLease: (shard: string, tenant: string, id: string) => `${keys.prefix(shard)}backfill-lease:${tenant}:${id}`,
  /** A channel, not a key: the pools that have work again. */
  wake: (shard: string) => `${keys.prefix(shard)}wake`,
  reuse: (shard: string, tenant: string, digest: string) => `${keys.prefix(shard)}reuse:${tenant}:${digest}`,
};

/** The logical shards: `s00`, `s01`, … */
export function shardNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `s${String(index).padStart(2, '0')}`);
}

/** The shard that holds everything of a tenant, so that its limits are exact. */
export function shardOfTenant(tenant: string, shards: readonly string[]): string {
  const place = createHash('sha256').update(tenant).digest().readUInt32BE(0) % shards.length;
  return shards[place] ?? 's00';
}

/** A run's name begins with its shard; undefined for what is no run's name. */
export function shardOfRun(run: string): string | undefined {
  return /^(s\d{2})-[0-9a-z]{12,40}$/.exec(run)?.[1];
}

/** Names sort by the time at which they were made. */
export function runName(shard: string, nowMs: number, random: string): string {
  return `${shard}-${nowMs.toString(36).padStart(9, '0')}${random}`;
}
