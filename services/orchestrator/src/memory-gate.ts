import type { Clock } from '@orrery/kit/clock';
import type { Redis } from '@orrery/kit/redis';
import { overloaded } from './errors.ts';

const freshMs = 1000;

/**
 * Refuses runs while Redis is nearly full, so that what runs can still be written to its end. Looks at most once a second.
 * Throws the retryable `REDIS_FULL`.
 */
export class MemoryGate {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #shareMax: number;
  #lookedAtMs = 0;
  #full: string | undefined;

  constructor(redis: Redis, options: { clock: Clock; shareMax: number }) {
    this.#redis = redis;
    this.#clock = options.clock;
    this.#shareMax = options.shareMax;
  }

  async pass(): Promise<void> {
    if (this.#clock.now() - this.#lookedAtMs >= freshMs) {
      this.#lookedAtMs = this.#clock.now();
      this.#full = describeFull(await this.#redis.info('memory'), this.#shareMax);
    }
    if (this.#full !== undefined) throw overloaded('REDIS_FULL', this.#full);
  }
}

function describeFull(info: string, shareMax: number): string | undefined {
  const used = Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? 0);
  const most = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0);
  if (most === 0 || used <= most * shareMax) return undefined;
  return `Redis uses ${used} of ${most} bytes, above the share of ${shareMax} up to which runs are taken in`;
}
