import { eventBytes } from './bounds.ts';
import type { BusEvent, EventRange } from './types.ts';

export interface BatchBounds {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** How many of `events` still fit behind `rows` rows of `bytes` bytes; the first event of a batch always fits. */
export function countFitting(
  events: readonly BusEvent[],
  held: { readonly rows: number; readonly bytes: number },
  bounds: BatchBounds,
): { readonly count: number; readonly bytes: number } {
  let count = 0;
  let bytes = held.bytes;
  for (const event of events) {
    const next = bytes + eventBytes(event);
    const first = held.rows + count === 0;
    if (held.rows + count >= bounds.rowsMax || (!first && next > bounds.bytesMax)) break;
    count += 1;
    bytes = next;
  }
  return { count, bytes };
}

export function rangeToken(topic: string, partition: number, positions: { from: number; to: number }): string {
  return `${topic}:${partition}:${positions.from}-${positions.to}`;
}

export function makeRange(
  place: { readonly topic: string; readonly partition: number },
  positions: { readonly from: number; readonly to: number; readonly count: number },
): EventRange {
  const { topic, partition } = place;
  return { topic, partition, ...positions, token: rangeToken(topic, partition, positions) };
}

/** The range of events read one after another; null of none. */
export function rangeOf(
  place: { readonly topic: string; readonly partition: number },
  events: readonly BusEvent[],
): EventRange | null {
  const first = events[0];
  const last = events.at(-1);
  if (first === undefined || last === undefined) return null;
  return makeRange(place, { from: first.position, to: last.position, count: events.length });
}
