import type { Redis } from '@orrery/kit/redis';
import { scopeKeys } from './control/scope-keys.ts';

/** The pool under which everybody who takes steps is listed, whatever they take: where nobody is, nobody has told. */
export const everyPool = '*';

const deadlineMs = 5000;

/** The pools that an orchestrator itself takes from. */
export function ownPools(settings: { readonly processPools: readonly string[] }): string[] {
  return ['http', 'sql', 'inner', ...settings.processPools];
}

/** Tells who takes from which pools, so that a step that nobody takes can say so. Call it every second. */
export async function tellConsumers(
  redis: Redis,
  name: string,
  places: readonly { readonly shard: string; readonly pool: string }[],
): Promise<boolean> {
  const [seconds = 0] = await redis.time();
  const nowMs = seconds * 1000;
  const told = new Set(
    places.flatMap(({ shard, pool }) => [pool, everyPool].map((each) => scopeKeys.consumers(shard, each))),
  );
  const pipeline = redis.pipeline();
  for (const place of told) {
    pipeline.zadd(place, nowMs + deadlineMs, name);
    pipeline.zremrangebyscore(place, '-inf', `(${nowMs}`);
  }
  await pipeline.exec();
  return false;
}
