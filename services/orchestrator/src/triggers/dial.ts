import { readClock, type DueTimes } from './clock.ts';
import type { ClockTrigger } from './types.ts';

const keptMax = 4;

/**
 * The due times that any number of triggers share, with the ones around the present kept: at a full hour ten thousand of them ask
 * for the same.
 */
export class Dial implements DueTimes {
  readonly #times: DueTimes;
  /** `#kept` holds every time after this one, up to its last. */
  #keptFromMs = 0;
  #kept: readonly number[] = [];
  #nextMs: number | undefined;

  constructor(trigger: ClockTrigger, nowMs: number) {
    this.#times = readClock(trigger);
    this.#begin(nowMs);
  }

  /** The first time after the last turn; undefined when none comes any more. */
  get nextMs(): number | undefined {
    return this.#nextMs;
  }

  /** Moves on to the first time after `nowMs`. */
  turn(nowMs: number): void {
    if (this.#nextMs === undefined || this.#nextMs > nowMs) return;
    this.#nextMs = this.#times.next(this.#nextMs);
    if (this.#nextMs === undefined) return;
    if (this.#nextMs <= nowMs) {
      this.#begin(nowMs);
      return;
    }
    const kept = [...this.#kept, this.#nextMs];
    this.#keptFromMs = kept.at(-keptMax - 1) ?? this.#keptFromMs;
    this.#kept = kept.slice(-keptMax);
  }

  between(afterMs: number, untilMs: number, most: number): number[] {
    if (!this.#keeps(afterMs, untilMs)) return this.#times.between(afterMs, untilMs, most);
    return this.#kept.filter((ms) => ms > afterMs && ms <= untilMs).slice(0, most);
  }

  next(afterMs: number): number | undefined {
    return this.#times.next(afterMs);
  }

  last(afterMs: number, untilMs: number): number | undefined {
    if (!this.#keeps(afterMs, untilMs)) return this.#times.last(afterMs, untilMs);
    return this.#kept.findLast((ms) => ms > afterMs && ms <= untilMs);
  }

  #begin(nowMs: number): void {
    this.#nextMs = this.#times.next(nowMs);
    this.#keptFromMs = nowMs;
    this.#kept = this.#nextMs === undefined ? [] : [this.#nextMs];
  }

  #keeps(afterMs: number, untilMs: number): boolean {
    return afterMs >= this.#keptFromMs && untilMs <= (this.#kept.at(-1) ?? -Infinity);
  }
}
