import type { Redis } from '@orrery/kit/redis';
import { watermarkField } from './identity.ts';
import type { TriggerPlace, Watermarks } from './types.ts';

/** Reads what `submit` writes: for each tenant a hash of the last logical time of each trigger. One command a tenant. */
export class RedisWatermarks implements Watermarks {
  readonly #redis: Redis;
  readonly #keyOf: (tenant: string) => string;

  constructor(redis: Redis, keyOf: (tenant: string) => string) {
    this.#redis = redis;
    this.#keyOf = keyOf;
  }

  async last(places: readonly TriggerPlace[]): Promise<readonly (number | undefined)[]> {
    const found = new Map<TriggerPlace, number>();
    for (const [tenant, own] of Map.groupBy(places, (place) => place.tenant)) {
      const values = await this.#redis.hmget(this.#keyOf(tenant), ...own.map(watermarkField));
      for (const [index, place] of own.entries()) {
        const value = values[index];
        if (typeof value === 'string') found.set(place, Number(value));
      }
    }
    return places.map((place) => found.get(place));
  }
}
