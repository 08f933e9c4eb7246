import type { DueTimes } from './clock.ts';
import type { CatchUp } from './types.ts';

export interface CatchUpWindow {
  /** The last logical time that is decided. */
  readonly settledMs: number;
  /** Times up to here are looked at. */
  readonly untilMs: number;
  readonly nowMs: number;
}

export interface DueNow {
  /** What to fire, oldest first. */
  readonly fire: readonly number[];
  /** What is decided once those have fired: all before that doesn't fire any more. */
  readonly settledMs: number;
}

export const catchUpDefault: CatchUp = { runs: 'latest', withinSeconds: 60 };

/** A time that late was not missed: the policy is about times for which nobody was there, not about a busy moment. */
export const punctualMs = 5000;

/** Logical times of one trigger in one look. What is left comes with the next look. */
export const timesMax = 1000;

/**
 * Which logical times fire. Those of the last five seconds do in any case. Of the earlier ones, as far back as `withinSeconds`, `all`
 * fires each, `latest` one, and only when no punctual one stands for it, `none` none.
 */
export function timesToFire(times: DueTimes, { runs, withinSeconds }: CatchUp, window: CatchUpWindow): DueNow {
  const { settledMs, untilMs, nowMs } = window;
  const punctualFromMs = Math.max(settledMs, nowMs - punctualMs - 1);
  if (runs === 'all') {
    const fromMs = Math.max(settledMs, nowMs - Math.max(punctualMs, withinSeconds * 1000) - 1);
    return bounded(times.between(fromMs, untilMs, timesMax), window);
  }
  const punctual = times.between(punctualFromMs, untilMs, timesMax);
  if (runs === 'none' || punctual.length > 0) return bounded(punctual, window);
  const oldestMs = Math.max(settledMs, nowMs - withinSeconds * 1000 - 1);
  const latestMs = oldestMs < untilMs ? times.last(oldestMs, untilMs) : undefined;
  return bounded(latestMs === undefined ? [] : [latestMs], window);
}

/**
 * For what is delivered rather than due: what happened waits on the bus until it is looked at, so nothing is missed, and only a
 * policy that the trigger itself names makes it too late.
 */
export function isTooLate(policy: Partial<CatchUp> | undefined, happenedMs: number, nowMs: number): boolean {
  if (policy === undefined) return false;
  const { runs, withinSeconds } = { ...catchUpDefault, ...policy };
  return nowMs - happenedMs > (runs === 'none' ? punctualMs : Math.max(punctualMs, withinSeconds * 1000));
}

function bounded(fire: readonly number[], { settledMs, untilMs }: CatchUpWindow): DueNow {
  const lastMs = fire.at(-1);
  if (fire.length >= timesMax && lastMs !== undefined) return { fire, settledMs: lastMs };
  return { fire, settledMs: Math.max(settledMs, untilMs) };
}
