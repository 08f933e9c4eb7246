import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '@orrery/kit/clock';

interface Sleeper {
  readonly untilMs: number;
  wake(slept: boolean): void;
}

/** A clock that stands until it is moved, and lets everything that wakes run before it moves on. */
export class SimClock implements Clock {
  #nowMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** How many wait for this clock: none while somebody computes over several turns of the event loop. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted === true) return Promise.resolve(false);
    return new Promise((resolve) => {
      const stop = () => {
        sleeper.wake(false);
      };
      const sleeper: Sleeper = {
        untilMs: this.#nowMs + ms,
        wake: (slept) => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', stop);
          resolve(slept);
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  async moveTo(ms: number): Promise<void> {
    await settle();
    for (;;) {
      const next = [...this.#sleepers].sort((left, right) => left.untilMs - right.untilMs)[0];
      if (next === undefined || next.untilMs > ms) break;
      this.#nowMs = Math.max(this.#nowMs, next.untilMs);
      next.wake(true);
      await settle();
    }
    this.#nowMs = ms;
    await settle();
  }
}

/** What is awake yields at most a few times in a row before it sleeps again. */
async function settle(): Promise<void> {
  for (let round = 0; round < 4; round += 1) await turn();
}
