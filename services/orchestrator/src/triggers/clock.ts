import { Cron } from 'croner';
import { isCron, type ClockTrigger, type CronTrigger, type IntervalTrigger } from './types.ts';
import { zoneNamed, type Zone } from './zone.ts';

/**
 * The logical times of a clocked trigger. Cron fields are read as wall time of the zone. Where the clocks of the zone jump:
 *
 * - A schedule whose hour field is `*` fires whenever the wall shows one of its times: where hours jump, an hourly run comes after
 *   each hour that has passed, 23 or 25 of them in such a day.
 * - Any other schedule fires once for each of its times: one that the wall leaves out at the moment of the jump (all that one jump
 *   leaves out are one firing), one that the wall shows twice at the first.
 *
 * An interval knows no zone: its times are `offsetSeconds` plus multiples of `everySeconds` since 1970, on every machine.
 */
export interface DueTimes {
  /** The times in (afterMs, untilMs], oldest first, at most `most`. */
  between(afterMs: number, untilMs: number, most: number): number[];
  /** The first time after `afterMs`; undefined when none comes any more. */
  next(afterMs: number): number | undefined;
  /** The last time in (afterMs, untilMs]. */
  last(afterMs: number, untilMs: number): number | undefined;
}

/** The zone of a cron trigger that names none: the same on every machine. */
export const timezoneDefault = 'UTC';

const dayMs = 86_400_000;
/** Longer than any jump of any zone: Samoa left out a whole day. */
const jumpMaxMs = 26 * 3_600_000;
const stretchMs = 366 * dayMs;
const pageMax = 1000;

/** Throws what croner says of a pattern that it can't read, and a RangeError for a zone that doesn't exist. */
export function readClock(trigger: ClockTrigger): DueTimes {
  return isCron(trigger) ? new CronTimes(trigger) : new IntervalTimes(trigger);
}

/** Triggers with the same key are due at the same times. */
export function clockKey(trigger: ClockTrigger): string {
  if (isCron(trigger)) return `cron ${trigger.cron} ${trigger.timezone ?? timezoneDefault}`;
  return `interval ${trigger.everySeconds}+${(trigger.offsetSeconds ?? 0) % trigger.everySeconds}`;
}

class IntervalTimes implements DueTimes {
  readonly #everyMs: number;
  readonly #offsetMs: number;

  constructor({ everySeconds, offsetSeconds = 0 }: IntervalTrigger) {
    this.#everyMs = everySeconds * 1000;
    this.#offsetMs = offsetSeconds * 1000;
  }

  between(afterMs: number, untilMs: number, most: number): number[] {
    const first = this.next(afterMs);
    const count = Math.min(most, Math.floor((untilMs - first) / this.#everyMs) + 1);
    return Array.from({ length: Math.max(0, count) }, (_, index) => first + index * this.#everyMs);
  }

  next(afterMs: number): number {
    return this.#atMost(afterMs) + this.#everyMs;
  }

  last(afterMs: number, untilMs: number): number | undefined {
    const lastMs = this.#atMost(untilMs);
    return lastMs > afterMs ? lastMs : undefined;
  }

  #atMost(ms: number): number {
    return Math.floor((ms - this.#offsetMs) / this.#everyMs) * this.#everyMs + this.#offsetMs;
  }
}

class CronTimes implements DueTimes {
  readonly #walls: Walls;
  readonly #zone: Zone;
  readonly #everyHour: boolean;

  constructor({ cron, timezone = timezoneDefault }: CronTrigger) {
    this.#walls = new Walls(cron);
    this.#zone = zoneNamed(timezone);
    this.#everyHour = isEveryHour(cron);
  }

  between(afterMs: number, untilMs: number, most: number): number[] {
    const found: number[] = [];
    if (most < 1) return found;
    for (const ms of this.#times(afterMs, untilMs)) {
      found.push(ms);
      if (found.length >= most) break;
    }
    return found;
  }

  next(afterMs: number): number | undefined {
    return this.between(afterMs, Number.MAX_SAFE_INTEGER, 1)[0];
  }

  last(afterMs: number, untilMs: number): number | undefined {
    // Croner only looks forward well, so the window grows backwards until something lies in it.
    for (let widthMs = 60_000; ; widthMs *= 4) {
      const fromMs = Math.max(afterMs, untilMs - widthMs);
      let lastMs: number | undefined;
      for (let page = this.between(fromMs, untilMs, pageMax); page.length > 0;) {
        lastMs = page.at(-1);
        page = page.length < pageMax ? [] : this.between(lastMs ?? untilMs, untilMs, pageMax);
      }
      if (lastMs !== undefined || fromMs === afterMs) return lastMs;
    }
  }

  *#times(afterMs: number, untilMs: number): Generator<number> {
    let lastMs = afterMs;
    for (let fromMs = afterMs + 1; fromMs <= untilMs; fromMs += stretchMs) {
      for (const ms of this.#stretch(fromMs, Math.min(fromMs + stretchMs, untilMs + 1))) {
        if (ms <= lastMs) continue;
        lastMs = ms;
        yield ms;
      }
      // No offset reaches further back than a day: when no wall comes after that, no stretch has a time.
      if (this.#walls.atLeast(fromMs + stretchMs - jumpMaxMs) === undefined) return;
    }
  }

  /** The times in [fromMs, untilMs): piece by piece between the jumps, within which wall time is UTC plus a constant. */
  *#stretch(fromMs: number, untilMs: number): Generator<number> {
    const changes = this.#zone.changes(fromMs - jumpMaxMs, untilMs);
    let pieceMs = fromMs;
    let offsetMs = changes[0]?.beforeMs ?? this.#zone.offsetAt(fromMs);
    for (const { atMs, beforeMs, afterMs } of changes) {
      if (atMs > pieceMs) yield* this.#piece(pieceMs, atMs, beforeMs);
      if (atMs >= fromMs && this.#skips(atMs + beforeMs, atMs + afterMs)) yield atMs;
      const firstTimeMs = this.#everyHour ? atMs : atMs + Math.max(0, beforeMs - afterMs);
      pieceMs = Math.max(pieceMs, firstTimeMs);
      offsetMs = afterMs;
    }
    yield* this.#piece(pieceMs, untilMs, offsetMs);
  }

  *#piece(fromMs: number, untilMs: number, offsetMs: number): Generator<number> {
    let wallMs = this.#walls.atLeast(fromMs + offsetMs);
    while (wallMs !== undefined && wallMs < untilMs + offsetMs) {
      yield wallMs - offsetMs;
      wallMs = this.#walls.atLeast(wallMs + 1);
    }
  }

  /** Is there a time among those that the wall never shows? */
  #skips(fromWallMs: number, untilWallMs: number): boolean {
    if (this.#everyHour || untilWallMs <= fromWallMs) return false;
    return (this.#walls.atLeast(fromWallMs) ?? Infinity) < untilWallMs;
  }
}

/** The times of a pattern on a wall without jumps. */
class Walls {
  readonly #pattern: Cron;
  #asked: { readonly atLeastMs: number; readonly wallMs: number | undefined } | undefined;

  constructor(pattern: string) {
    this.#pattern = new Cron(pattern, { timezone: 'UTC', paused: true, mode: '5-or-6-parts' });
  }

  atLeast(ms: number): number | undefined {
    const kept = this.#asked;
    if (kept !== undefined && kept.atLeastMs <= ms && (kept.wallMs === undefined || ms <= kept.wallMs)) {
      return kept.wallMs;
    }
    // Croner answers with what lies after the moment that it is given.
    const wallMs = this.#pattern.nextRun(new Date(ms - 1))?.getTime();
    this.#asked = { atLeastMs: ms, wallMs };
    return wallMs;
  }
}

function isEveryHour(cron: string): boolean {
  const fields = cron.trim().split(/\s+/);
  const hour = fields.length === 1 ? (fields[0] === '@hourly' ? '*' : '') : fields.at(-4);
  return hour === '*' || hour === '*/1' || hour === '0-23';
}
