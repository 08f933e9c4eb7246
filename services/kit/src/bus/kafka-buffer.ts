import { countFitting } from './batch.ts';
import { eventBytes } from './bounds.ts';
import type { BusEvent, ReadBounds } from './types.ts';

/** Events of one partition between the fetch that brings them and the loop that takes them. */
export class KafkaBuffer {
  #events: BusEvent[] = [];
  #bytes = 0;
  #expected: number;

  constructor(position: number) {
    this.#expected = position;
  }

  /** The position that must come next. */
  get expected(): number {
    return this.#expected;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes events in order; those before the expected position were delivered already and are left out. */
  push(events: readonly BusEvent[]): void {
    for (const event of events) {
      if (event.position < this.#expected) continue;
      this.#events.push(event);
      this.#bytes += eventBytes(event);
      this.#expected = event.position + 1;
    }
  }

  /** Events from `from` on, within the bounds, at least one if there is any. Drops what lies before `from`. */
  read(from: number, bounds: ReadBounds): readonly BusEvent[] {
    const start = this.#events.findIndex((event) => event.position >= from);
    this.#drop(start < 0 ? this.#events.length : start);
    const { count } = countFitting(
      this.#events,
      { rows: 0, bytes: 0 },
      { rowsMax: bounds.eventsMax, bytesMax: bounds.bytesMax },
    );
    return this.#events.slice(0, count);
  }

  #drop(count: number): void {
    for (const event of this.#events.splice(0, count)) this.#bytes -= eventBytes(event);
  }
}
