import type { AbortReason } from './attempt.ts';
import type { ClaimedStep } from '../core/step-lease.ts';

export type WorkKind = 'http' | 'sql' | 'process' | 'inner';

const progressLengthMax = 2048;
const timerMaxMs = 2 ** 31 - 1;

/** An attempt in progress in this process, with its clocks: the lease's, its own time, and its heartbeat. */
export class HeldAttempt {
  readonly claimed: ClaimedStep;
  readonly kind: WorkKind;
  readonly leaseMs: number;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** By our own clock: after that the lease may be another's. */
  safeUntilMs: number;
  /** Its end is on its way: nothing of it can be stopped any more. */
  ending = false;
  #heartbeatMs = 0;
  #toldAtMs: number;
  #progress = '';

  constructor(claimed: ClaimedStep, of: { kind: WorkKind; leaseMs: number; safeUntilMs: number; nowMs: number }) {
    this.claimed = claimed;
    this.kind = of.kind;
    this.leaseMs = of.leaseMs;
    this.safeUntilMs = of.safeUntilMs;
    this.#toldAtMs = of.nowMs;
    // Counted from before it was asked for, so that our time is over before Redis's is.
    const endsAtMs = of.safeUntilMs - of.leaseMs + (claimed.dueMs - claimed.nowMs);
    this.#timer = setTimeout(() => this.stop('timeout'), Math.min(timerMaxMs, Math.max(0, endsAtMs - of.nowMs)));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The first reason counts. */
  stop(reason: AbortReason): void {
    if (!this.ending) this.#abort.abort(reason);
  }

  /** How long it may go on without a word; 0 for ever. */
  expect(heartbeatMs: number): void {
    this.#heartbeatMs = heartbeatMs;
  }

  tell(progress: unknown, nowMs: number): void {
    this.#toldAtMs = nowMs;
    const text = JSON.stringify(progress);
    if (text.length <= progressLengthMax) this.#progress = text;
  }

  isSilent(nowMs: number): boolean {
    return this.#heartbeatMs > 0 && nowMs - this.#toldAtMs > this.#heartbeatMs;
  }

  /** What was told since this was last asked. */
  takeProgress(): string {
    const text = this.#progress;
    this.#progress = '';
    return text;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
