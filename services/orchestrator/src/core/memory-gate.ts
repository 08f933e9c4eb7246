import type { Clock } from '@orrery/kit/clock';
import type { Redis } from '@orrery/kit/redis';
import { overloaded } from '../errors.ts';

/** How long a look counts, with room and with little: what many callers bring within a second may fill a small Redis. */
const freshMs = 1000;
const freshNearMs = 50;

/**
 * Refuses runs while Redis is nearly full, so that what runs can still be written to its end. Looks once a second, and more often from half
 * of the share on.
 * Throws the retryable `REDIS_FULL`.
 */
export class MemoryGate {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #shareMax: number;
  #lookedAtMs = 0;
  #freshMs = 0;
  #full: string | undefined;

  constructor(redis: Redis, options: { clock: Clock; shareMax: number }) {
    this.#redis = redis;
    this.#clock = options.clock;
    this.#shareMax = options.shareMax;
  }

  async pass(): Promise<void> {
    if (this.#clock.now() - this.#lookedAtMs >= this.#freshMs) {
      this.#lookedAtMs = this.#clock.now();
      const { used, most } = readMemory(await this.#redis.info('memory'));
      this.#freshMs = used > (most * this.#shareMax) / 2 ? freshNearMs : freshMs;
      this.#full = used > most * this.#shareMax ? describeFull(used, most, this.#shareMax) : undefined;
    }
    if (this.#full !== undefined) throw overloaded('REDIS_FULL', this.#full);
  }
}

/** `most` is infinite where nothing bounds it. */
function readMemory(info: string): { used: number; most: number } {
  const used = Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? 0);
  const most = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0);
  return { used, most: most === 0 ? Infinity : most };
}

function describeFull(used: number, most: number, shareMax: number): string {
  return `Redis uses ${used} of ${most} bytes, above the share of ${shareMax} up to which runs are taken in`;
}
