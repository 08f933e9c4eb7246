import type { AbortReason, Attempt } from './attempt.ts';
import { keyOf, type BeatFrame, type Lease } from './frames.ts';

interface SentBeat {
  readonly atMs: number;
  readonly attempts: readonly Attempt[];
}

/** Beats in the time of a lease: two may be lost. */
const beatsPerLease = 3;
/** With a progress of the most bytes each, a frame stays within its bound. */
const beatsMax = 400;

/** The attempts in work, and the renewal of their leases: one beat for all. */
export class Attempts {
  readonly #held = new Map<string, Attempt>();
  /** Beats that are not answered, oldest first. */
  #sent: SentBeat[] = [];
  #beatAtMs = 0;

  get size(): number {
    return this.#held.size;
  }

  all(): Attempt[] {
    return [...this.#held.values()];
  }

  add(attempt: Attempt): void {
    this.#held.set(keyOf(attempt.lease), attempt);
  }

  /** Whether it was still there. */
  remove(attempt: Attempt): boolean {
    const key = keyOf(attempt.lease);
    return this.#held.get(key) === attempt && this.#held.delete(key);
  }

  /** How many came over another connection than this. */
  countOthers(connection: number): number {
    let count = 0;
    for (const attempt of this.#held.values()) if (attempt.connection !== connection) count += 1;
    return count;
  }

  abort(leases: readonly Lease[], reason: AbortReason): void {
    for (const lease of leases) this.#held.get(keyOf(lease))?.abort(reason);
  }

  check(nowMs: number): void {
    for (const attempt of this.#held.values()) attempt.check(nowMs);
  }

  disconnected(): void {
    this.#sent = [];
    this.#beatAtMs = 0;
  }

  /** Renews the leases, when it is time. Says whether the orchestrator still answers. */
  beat(nowMs: number, leaseMs: number, send: (frame: object) => void): boolean {
    const [oldest] = this.#sent;
    if (oldest !== undefined && nowMs - oldest.atMs > leaseMs) return false;
    if (this.#held.size === 0 || nowMs - this.#beatAtMs < leaseMs / beatsPerLease) return true;
    this.#beatAtMs = nowMs;
    const renewed = this.all().filter(({ reason }) => reason !== 'lease-lost');
    for (let start = 0; start < renewed.length; start += beatsMax) {
      const attempts = renewed.slice(start, start + beatsMax);
      const leases = attempts.map((attempt): BeatFrame => {
        const { lease, task } = attempt;
        const progress = attempt.takeProgress();
        return { ...lease, dueMs: task.dueMs, ...(progress === undefined ? {} : { progress }) };
      });
      this.#sent.push({ atMs: nowMs, attempts });
      send({ type: 'beat', leases });
    }
    return true;
  }

  /** The answer to the oldest beat: these are lost, the others held from the moment when it was sent. */
  beaten(lost: readonly Lease[], leaseMs: number): void {
    const beat = this.#sent.shift();
    this.abort(lost, 'lease-lost');
    if (beat === undefined) return;
    for (const attempt of beat.attempts) {
      if (attempt.reason !== 'lease-lost') attempt.safeUntilMs = Math.max(attempt.safeUntilMs, beat.atMs + leaseMs);
    }
  }
}
