import type { Clock } from '@orrery/kit/clock';
import { messageOf } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { retry } from '@orrery/kit/retry';
import { attemptStep, type AbortReason, type Executors } from './attempt.ts';
import { Loop } from './loop.ts';
import type { OrchestratorMetrics } from './metrics.ts';
import type { RunReader } from './run-reader.ts';
import { itemsMax, type ClaimedStep, type Ending, type Transitions } from './transitions.ts';

type ClaimedKind = 'http' | 'process';

export interface WorkerDeps {
  readonly shards: readonly string[];
  readonly transitions: Transitions;
  readonly reader: RunReader;
  readonly executors: Executors;
  /** At the same time in this process, and how long a lease lasts between beats. */
  readonly bounds: Readonly<Record<ClaimedKind, { readonly stepsMax: number; readonly leaseMs: number }>>;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: OrchestratorMetrics;
}

interface Held {
  readonly claimed: ClaimedStep;
  readonly kind: ClaimedKind;
  readonly shard: string;
  readonly leaseMs: number;
  readonly abort: AbortController;
  /** By our own clock: after that the lease may be another's. */
  safeUntilMs: number;
  progress: string;
}

const kinds: readonly ClaimedKind[] = ['http', 'process'];
/** Beats in the time of a lease: two may be lost. */
const beatsPerLease = 3;
const claimStepsMax = 32;
const progressBytesMax = 2048;
const finishTries = { attemptsMax: 60, backoffMs: 50, backoffMaxMs: 1000 };
const drainPollMs = 50;

/** Claims steps, carries them out under leases, and books how they ended. */
export class Worker {
  readonly #deps: WorkerDeps;
  readonly #held = new Map<Held, Promise<void>>();
  readonly #claims: Loop;
  readonly #beats: Loop;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    const { clock, random, log, pollMs, bounds } = deps;
    const beatMs = Math.min(bounds.http.leaseMs, bounds.process.leaseMs) / beatsPerLease;
    this.#claims = new Loop({ name: 'claim', idleMs: pollMs, round: () => this.#claim(), clock, random, log });
    this.#beats = new Loop({ name: 'beat', idleMs: beatMs, round: () => this.#beat(), clock, random, log });
  }

  start(): void {
    this.#claims.start();
    this.#beats.start();
  }

  /** Something may be ready, or may have been withdrawn. */
  wake(): void {
    this.#claims.wake();
    if (this.#held.size > 0) this.#beats.wake();
  }

  /**
   * Takes nothing more, lets attempts end within their time, and gives the rest back unfinished: a call to a peer is taken up by
   * whoever claims it next, a program would have to begin again and is given longer.
   */
  async drain(waits: Readonly<Record<ClaimedKind, number>>): Promise<void> {
    await this.#claims.stop();
    const { clock } = this.#deps;
    const startedAtMs = clock.now();
    while (this.#held.size > 0) {
      for (const held of this.#held.keys()) {
        if (clock.now() - startedAtMs >= waits[held.kind]) held.abort.abort('draining' satisfies AbortReason);
      }
      await clock.sleep(drainPollMs);
    }
    await this.#beats.stop();
  }

  async #claim(): Promise<boolean> {
    let found = 0;
    for (const shard of this.#deps.shards) {
      for (const kind of kinds) found += await this.#claimKind(shard, kind);
    }
    return found > 0;
  }

  async #claimKind(shard: string, kind: ClaimedKind): Promise<number> {
    const { transitions, bounds, metrics, clock } = this.#deps;
    const { stepsMax, leaseMs } = bounds[kind];
    const free = stepsMax - this.#countHeld(kind);
    if (free <= 0) return 0;
    const safeUntilMs = clock.now() + leaseMs;
    const claimed = await transitions.claim(shard, kind, { stepsMax: Math.min(free, claimStepsMax), leaseMs });
    for (const each of claimed) {
      const held: Held = {
        claimed: each,
        kind,
        shard,
        leaseMs,
        abort: new AbortController(),
        safeUntilMs,
        progress: '',
      };
      this.#held.set(held, this.#work(held));
    }
    metrics.claims.inc({ kind }, claimed.length);
    metrics.held.set({ kind }, this.#countHeld(kind));
    return claimed.length;
  }

  async #work(held: Held): Promise<void> {
    const { log, metrics, clock } = this.#deps;
    const { claimed, kind, abort } = held;
    const startedAtMs = clock.now();
    const report = (progress: unknown) => {
      const text = JSON.stringify(progress);
      if (text.length <= progressBytesMax) held.progress = text;
    };
    try {
      const ending = await attemptStep(claimed, this.#deps, { abort, report });
      if (ending !== undefined) await this.#finish(held, ending);
      const outcome = ending?.outcome ?? 'abandoned';
      metrics.finishes.inc({ kind, outcome });
      metrics.stepSeconds.observe({ kind, outcome }, (clock.now() - startedAtMs) / 1000);
    } catch (error) {
      // The lease runs out by itself, and the step is tried again.
      const { run, step, fence } = claimed;
      log.error({ run, step, fence, reason: messageOf(error) }, 'an attempt could not be booked');
    } finally {
      this.#held.delete(held);
      metrics.held.set({ kind }, this.#countHeld(kind));
      this.#claims.wake();
    }
  }

  async #finish(held: Held, ending: Ending): Promise<void> {
    const { transitions, clock, random, log, metrics } = this.#deps;
    const { run, step, fence, attempt } = held.claimed;
    const tries = { ...finishTries, clock, random };
    const outcome = await retry(() => transitions.finish(held.shard, held.claimed, ending), tries);
    if (outcome === 'stale') {
      metrics.stale.inc();
      log.warn({ run, step, fence, attempt }, 'a late result was refused: the lease was lost');
    } else if (ending.outcome === 'failed') {
      log.warn({ run, step, fence, attempt, reason: ending.reason }, 'an attempt failed');
    }
  }

  async #beat(): Promise<boolean> {
    const { shards, clock } = this.#deps;
    try {
      for (const shard of shards) await this.#beatShard(shard);
    } finally {
      // Without an answer from Redis another may hold the lease by now: what goes on would be done twice.
      for (const held of this.#held.keys()) if (clock.now() > held.safeUntilMs) this.#lose(held);
    }
    return false;
  }

  async #beatShard(shard: string): Promise<void> {
    const { transitions, clock } = this.#deps;
    const all = [...this.#held.keys()].filter((held) => held.shard === shard && !held.abort.signal.aborted);
    for (let start = 0; start < all.length; start += itemsMax) {
      const some = all.slice(start, start + itemsMax);
      const safeFromMs = clock.now();
      const beats = some.map((held) => ({ ...held.claimed, leaseMs: held.leaseMs, progress: held.progress, held }));
      for (const held of some) held.progress = '';
      const lost = new Set((await transitions.beat(shard, beats)).map((beat) => beat.held));
      for (const held of some) {
        if (lost.has(held)) this.#lose(held);
        else held.safeUntilMs = safeFromMs + held.leaseMs;
      }
    }
  }

  #lose(held: Held): void {
    if (held.abort.signal.aborted || !this.#held.has(held)) return;
    const { run, step, fence } = held.claimed;
    this.#deps.log.info({ run, step, fence }, 'the lease is lost: the attempt is ended');
    held.abort.abort('lease-lost' satisfies AbortReason);
  }

  #countHeld(kind: ClaimedKind): number {
    let count = 0;
    for (const held of this.#held.keys()) if (held.kind === kind) count += 1;
    return count;
  }
}
