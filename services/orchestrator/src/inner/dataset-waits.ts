import type { Redis } from '@orrery/kit/redis';
import { redisFailed } from '../errors.ts';
import { keys, shardOfTenant } from '../core/keys.ts';
import type { Transitions } from '../core/transitions.ts';
import { datasetResult, eventPlace } from './wait.ts';

export interface DatasetWaitsDeps {
  readonly redis: Redis;
  readonly shards: readonly string[];
  readonly transitions: Pick<Transitions, 'signal'>;
}

/** Longer than any run: what nobody waits for any more is forgotten. */
const awaitedKeptMs = 62 * 86_400_000;
/** So long an update wakes also those that have said that they wait, but do not yet. */
const eventKeptMs = 60_000;
const wokenAtOnce = 64;

/** Which steps wait for a dataset to be how far: a list beside the waits themselves, ordered by time. */
export class DatasetWaits {
  readonly #deps: DatasetWaitsDeps;

  constructor(deps: DatasetWaitsDeps) {
    this.#deps = deps;
  }

  /** Notes that somebody waits, and returns the place under which the step is to do it. */
  async expect(tenant: string, dataset: string, leastMs: number): Promise<string> {
    const { redis, shards } = this.#deps;
    const where = keys.awaited(shardOfTenant(tenant, shards), tenant, dataset);
    await this.#asked(redis.zadd(where, leastMs, String(leastMs)));
    await this.#asked(redis.pexpire(where, awaitedKeptMs));
    return eventPlace(eventOf(dataset), String(leastMs));
  }

  /** Wakes the steps for which the dataset is far enough. Call it after `updatedAt` gives the new time; again after a throw. */
  async wake(tenant: string, dataset: string, atMs: number): Promise<void> {
    const { redis, shards, transitions } = this.#deps;
    const shard = shardOfTenant(tenant, shards);
    const where = keys.awaited(shard, tenant, dataset);
    const payload = JSON.stringify(datasetResult(dataset, atMs));
    for (;;) {
      const reached = await this.#asked(redis.zrangebyscore(where, '-inf', atMs, 'LIMIT', 0, wokenAtOnce));
      for (const key of reached) {
        const event = { kind: 'event', event: eventOf(dataset), key, payload, keptMs: eventKeptMs } as const;
        await transitions.signal(shard, tenant, event);
      }
      if (reached.length > 0) await this.#asked(redis.zrem(where, ...reached));
      if (reached.length < wokenAtOnce) return;
    }
  }

  #asked<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      throw redisFailed('the waits for a dataset', error);
    });
  }
}

/** No event that people send has a blank in its name. */
function eventOf(dataset: string): string {
  return `dataset ${dataset}`;
}
