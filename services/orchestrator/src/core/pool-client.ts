import type { Clock } from '@orrery/kit/clock';
import { messageOf } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { backoff } from '@orrery/kit/retry';
import type { Acceptance, ClaimedStep, Ending } from './step-lease.ts';
import { endingsMax, type Transitions } from './transitions.ts';

export interface PoolClientOptions {
  readonly shard: string;
  /** The lines that are asked, in this order: those of runs pinned to a build first. */
  readonly pools: readonly string[];
  readonly leaseMs: number;
  /** Whose steps alone; absent: every tenant's. */
  readonly tenant?: string;
  /** How often an idle client looks: wake-ups are hints. */
  readonly pollMs: number;
  readonly transitions: Pick<Transitions, 'exchange'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Asked in the moment of each exchange, instead of `take`: how many steps may be given. */
  readonly demand?: () => number;
  /**
   * `safeUntilMs`: by this process's clock; after that the lease may be another's. With `demand` it is told after every exchange, also
   * one that failed or brought nothing, how many had been asked for: when whoever handed endings in has heard of them.
   */
  readonly onWork: (claimed: readonly ClaimedStep[], safeUntilMs: number, asked: number) => void;
}

interface Pending {
  readonly ending: Ending;
  readonly resolve: (acceptance: Acceptance) => void;
}

/** Most text of endings in one call, so that its entry of the log stays below what a broker takes. */
const payloadsLengthMax = 192 * 1024;
const failureFirstMs = 50;
const failureMaxMs = 2000;

/**
 * Hands in endings of one pool and takes its steps, in one round trip. One call is under way at a time, and what comes meanwhile goes
 * with the next: under load calls are batches by themselves, and a lone step waits for nothing.
 */
export class PoolClient {
  readonly #options: PoolClientOptions;
  readonly #pending: Pending[] = [];
  #free = 0;
  #busy = false;
  #mayHaveMore = true;
  #stopped = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PoolClientOptions) {
    this.#options = options;
  }

  /** How many more steps may be given. */
  get free(): number {
    return this.#free;
  }

  /** Asks for so many steps more (or fewer, when negative). */
  take(steps: number): void {
    this.#free += steps;
    this.#pump();
  }

  /** Resolves when the end is booked, however long Redis is away. */
  finish(ending: Ending): Promise<Acceptance> {
    return new Promise((resolve) => {
      this.#pending.push({ ending, resolve });
      this.#pump();
    });
  }

  /** There may be work. */
  wake(): void {
    this.#mayHaveMore = true;
    this.#pump();
  }

  /** Takes nothing more; what was handed in is still booked. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #pump(): void {
    if (this.#busy || this.#failures > 0) return;
    const wants = this.#options.demand !== undefined || this.#free > 0;
    if (this.#pending.length === 0 && (!wants || !this.#mayHaveMore || this.#stopped)) {
      this.#poll();
      return;
    }
    this.#busy = true;
    // Endings of the same turn of the event loop go together.
    setImmediate(() => void this.#exchange());
  }

  #poll(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.wake();
    }, this.#options.pollMs);
  }

  async #exchange(): Promise<void> {
    const { shard, pools, tenant, leaseMs, transitions, clock, demand, onWork } = this.#options;
    const batch = this.#nextBatch();
    const want = this.#stopped ? 0 : Math.max(0, demand?.() ?? this.#free);
    this.#mayHaveMore = false;
    if (batch.length === 0 && want === 0) {
      this.#busy = false;
      this.#poll();
      return;
    }
    const safeUntilMs = clock.now() + leaseMs;
    try {
      const endings = batch.map(({ ending }) => ending);
      const { codes, claimed } = await transitions.exchange(shard, { pools, want, leaseMs, tenant }, endings);
      this.#failures = 0;
      if (demand === undefined) this.#free -= claimed.length;
      this.#mayHaveMore ||= want > 0 && claimed.length === want;
      for (const [index, { resolve }] of batch.entries()) resolve(codes[index] ?? 'stale');
      if (demand !== undefined) queueMicrotask(() => onWork(claimed, safeUntilMs, want));
      else if (claimed.length > 0) onWork(claimed, safeUntilMs, want);
    } catch (error) {
      if (demand !== undefined) onWork([], safeUntilMs, want);
      this.#tryAgain(batch, error);
    }
    this.#busy = false;
    this.#pump();
  }

  /** It may have been booked all the same: the second time it is `repeated`. */
  #tryAgain(batch: readonly Pending[], error: unknown): void {
    const { random, log, pools } = this.#options;
    this.#pending.unshift(...batch);
    this.#mayHaveMore = true;
    this.#failures += 1;
    const waitMs = backoff(this.#failures, { backoffMs: failureFirstMs, backoffMaxMs: failureMaxMs, random });
    log.warn({ pools, failures: this.#failures, reason: messageOf(error) }, 'an exchange failed, trying again');
    setTimeout(() => {
      this.#busy = true;
      void this.#exchange();
    }, waitMs);
  }

  #nextBatch(): Pending[] {
    let length = 0;
    let count = 0;
    for (const { ending } of this.#pending) {
      length += ending.payload.length;
      if (count >= endingsMax || (count > 0 && length > payloadsLengthMax)) break;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }
}
