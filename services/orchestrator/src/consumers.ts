import type { Redis } from '@orrery/kit/redis';
import { keys } from './core/keys.ts';
import type { WorkerView } from './door/types.ts';
import type { OrchestratorMetrics } from './metrics.ts';

/** The pool under which everybody who takes steps is listed, whatever they take: where nobody is, nobody has told. */
export const everyPool = '*';

const deadlineMs = 5000;

/** How much waits for the bus, for who watches. */
export async function measureOutboxes(
  redis: Redis,
  shards: readonly string[],
  gauge: { set(labels: { readonly shard: string }, value: number): void },
): Promise<void> {
  for (const shard of shards) gauge.set({ shard }, await redis.xlen(keys.outbox(shard)));
}

/** The workers that are connected, and what they have in hand, by pool; a pool that the last one left is no longer told of. */
export function measureWorkers(
  workers: readonly Pick<WorkerView, 'pool' | 'held'>[],
  metrics: Pick<OrchestratorMetrics, 'workers' | 'workersHeld'>,
): void {
  metrics.workers.reset();
  metrics.workersHeld.reset();
  for (const { pool, held } of workers) {
    metrics.workers.inc({ pool });
    metrics.workersHeld.inc({ pool }, held);
  }
}

/** A pool of a shard, from which somebody takes. */
export interface Place {
  readonly shard: string;
  readonly pool: string;
}

/** Where an orchestrator itself takes from. */
export function ownPlaces(shards: readonly string[], settings: { readonly processPools: readonly string[] }): Place[] {
  const pools = ['http', 'sql', 'inner', ...settings.processPools];
  return shards.flatMap((shard) => pools.map((pool) => ({ shard, pool })));
}

/** Tells who takes from which pools, so that a step that nobody takes can say so. Call it every second. */
export async function tellConsumers(redis: Redis, name: string, places: readonly Place[]): Promise<void> {
  const [seconds = 0] = await redis.time();
  const nowMs = seconds * 1000;
  const told = new Set(
    places.flatMap(({ shard, pool }) => [pool, everyPool].map((each) => keys.consumers(shard, each))),
  );
  const pipeline = redis.pipeline();
  for (const place of told) {
    pipeline.zadd(place, nowMs + deadlineMs, name);
    pipeline.zremrangebyscore(place, '-inf', `(${nowMs}`);
  }
  await pipeline.exec();
}
