/** A moment at which the clocks of a zone jump. */
export interface ZoneChange {
  readonly atMs: number;
  /** Wall time minus UTC. */
  readonly beforeMs: number;
  readonly afterMs: number;
}

const dayMs = 86_400_000;
/** Two jumps nearer than this that undo each other would be overlooked: no zone has had such. */
const probeMs = 8 * dayMs;
const blockMs = 8 * probeMs;
const blocksMax = 4096;

/** The offsets of a time zone, from the runtime's own tables. What was found is kept: looking it up costs microseconds each. */
export class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #blocks = new Map<number, readonly ZoneChange[]>();

  /** Throws a RangeError for a zone that doesn't exist. */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  }

  /** Wall time minus UTC at a moment. */
  offsetAt(ms: number): number {
    const wholeMs = Math.floor(ms / 1000) * 1000;
    const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = [
      ...this.#format.format(wholeMs).matchAll(/\d+/g),
    ].map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
  }

  /** The jumps in [fromMs, untilMs), in order. */
  changes(fromMs: number, untilMs: number): ZoneChange[] {
    const found: ZoneChange[] = [];
    for (let block = Math.floor(fromMs / blockMs); block * blockMs < untilMs; block += 1) {
      found.push(...this.#block(block).filter(({ atMs }) => atMs >= fromMs && atMs < untilMs));
    }
    return found;
  }

  #block(index: number): readonly ZoneChange[] {
    const kept = this.#blocks.get(index);
    if (kept !== undefined) return kept;
    const found: ZoneChange[] = [];
    for (let fromMs = index * blockMs; fromMs < (index + 1) * blockMs; fromMs += probeMs) {
      // A jump at the very first moment of a stretch belongs to it: the stretch begins a second before.
      const change = this.#changeWithin(fromMs - 1000, fromMs + probeMs - 1000);
      if (change !== undefined) found.push(change);
    }
    if (this.#blocks.size >= blocksMax) this.#blocks.clear();
    this.#blocks.set(index, found);
    return found;
  }

  /** The jump in (lowMs, highMs], to the second. */
  #changeWithin(lowMs: number, highMs: number): ZoneChange | undefined {
    const beforeMs = this.offsetAt(lowMs);
    const afterMs = this.offsetAt(highMs);
    if (beforeMs === afterMs) return undefined;
    let [low, high] = [lowMs / 1000, highMs / 1000];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle * 1000) === beforeMs) low = middle;
      else high = middle;
    }
    return { atMs: high * 1000, beforeMs, afterMs };
  }
}

const zones = new Map<string, Zone>();

/** There are a few hundred zones, so each is made once for the process: it holds nothing but what the runtime's tables say. */
export function zoneNamed(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = new Zone(name);
  zones.set(name, zone);
  return zone;
}
