import type { Redis } from '@orrery/kit/redis';
import type { Peers } from './types.ts';

const deadlineMs = 3000;

/**
 * Which orchestrators are alive: each renews a deadline in one sorted set, by Redis's clock, so that the clocks of machines don't matter.
 * Call `beat` every second; between the calls everybody answers from memory.
 */
export class RedisPeers implements Peers {
  readonly self: string;
  readonly #redis: Redis;
  readonly #key: string;
  #live: readonly string[];

  constructor(redis: Redis, { key, self }: { readonly key: string; readonly self: string }) {
    this.self = self;
    this.#redis = redis;
    this.#key = key;
    this.#live = [self];
  }

  live(): readonly string[] {
    return this.#live;
  }

  async beat(): Promise<boolean> {
    const nowMs = await this.#now();
    await this.#redis.zadd(this.#key, nowMs + deadlineMs, this.self);
    await this.#redis.zremrangebyscore(this.#key, '-inf', `(${nowMs}`);
    const live = (await this.#redis.zrangebyscore(this.#key, nowMs, '+inf')).sort();
    // The same list as long as nothing changes: what rests on it is computed anew for another.
    if (live.join('\n') !== this.#live.join('\n')) this.#live = live;
    return false;
  }

  /** The others needn't wait for the deadline of one that leaves in order. */
  async leave(): Promise<void> {
    await this.#redis.zrem(this.#key, this.self);
  }

  async #now(): Promise<number> {
    const [seconds = 0, microseconds = 0] = await this.#redis.time();
    return seconds * 1000 + Math.floor(microseconds / 1000);
  }
}
