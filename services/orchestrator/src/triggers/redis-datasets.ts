import type { Redis } from '@orrery/kit/redis';
import type { Datasets } from './types.ts';

/** How far each dataset is: a sorted set of a tenant's datasets by the time that they have reached. */
export class RedisDatasets implements Datasets {
  readonly #redis: Redis;
  readonly #keyOf: (tenant: string) => string;

  constructor(redis: Redis, keyOf: (tenant: string) => string) {
    this.#redis = redis;
    this.#keyOf = keyOf;
  }

  async updatedAt(tenant: string, names: readonly string[]): Promise<readonly (number | undefined)[]> {
    if (names.length === 0) return [];
    const scores = await this.#redis.zmscore(this.#keyOf(tenant), ...names);
    return names.map((_, index) => (typeof scores[index] === 'string' ? Number(scores[index]) : undefined));
  }

  /** Never goes back, so an update that is told twice changes nothing. */
  async update(tenant: string, dataset: string, atMs: number): Promise<void> {
    await this.#redis.zadd(this.#keyOf(tenant), 'GT', atMs, dataset);
  }
}
