import type { EachBatchPayload } from 'kafkajs';
import { makeRange } from './batch.ts';
import { fenced, intentConflict } from './errors.ts';
import { KafkaBuffer } from './kafka-buffer.ts';
import type { EventRange, PartitionClaim } from './types.ts';
import { Wake } from './wake.ts';

export type SendOffsets = EachBatchPayload['commitOffsetsIfNecessary'];

/**
 * One partition within one generation of the group. When the group is joined again everything here is over, whatever the next
 * generation assigns: kafkajs would send a late commit under the next generation's number, for a partition that may have
 * another owner by then.
 */
export class KafkaAssignment {
  readonly arrived = new Wake();
  readonly ending = new AbortController();
  /** Resolves when `open` was called or the assignment is over. */
  readonly opened: Promise<void>;
  readonly place: { readonly topic: string; readonly partition: number };
  readonly #fence: number;
  /** Sends offsets under the generation in which the last batch came. */
  send: SendOffsets | undefined;
  paused = false;
  /** The position for which a fetch was repeated, because events seemed to be missing before the first one. */
  sought = -1;
  #open: () => void = () => undefined;
  #buffer: KafkaBuffer | undefined;
  #position = -1;
  #pending: EventRange | null = null;
  #over = false;

  constructor(place: { readonly topic: string; readonly partition: number }, fence: number) {
    this.place = place;
    this.#fence = fence;
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  get over(): boolean {
    return this.#over;
  }

  get buffer(): KafkaBuffer | undefined {
    return this.#over ? undefined : this.#buffer;
  }

  /** Begins at what the group has recorded; undefined when the assignment is over already. */
  open(position: number, pending: EventRange | null): PartitionClaim | undefined {
    if (this.#over) return undefined;
    this.#position = position;
    this.#pending = pending;
    this.#buffer = new KafkaBuffer(position);
    this.#open();
    return { ...this.place, fence: this.#fence, position, pending, signal: this.ending.signal };
  }

  end(): void {
    this.#over = true;
    this.#open();
    this.ending.abort();
    this.arrived.wake();
  }

  /** Throws unless the range may be intended next. */
  checkIntent(range: EventRange): void {
    if (this.#over) throw fenced(range.token);
    const other = this.#pending !== null && this.#pending.token !== range.token;
    if (other || range.from < this.#position) throw this.#conflict(range);
  }

  intended(range: EventRange): void {
    this.#pending = makeRange(this.place, range);
  }

  /** Throws unless the range was intended, or was the last to be committed. */
  checkCommit(range: EventRange): void {
    if (this.#over) throw fenced(range.token);
    const repeated = this.#pending === null && this.#position === range.to + 1;
    if (!repeated && this.#pending?.token !== range.token) throw this.#conflict(range);
  }

  committed(range: EventRange): void {
    this.#pending = null;
    this.#position = range.to + 1;
  }

  #conflict(range: EventRange): Error {
    const pending = this.#pending === null ? 'nothing is pending' : `${this.#pending.token} is pending`;
    return intentConflict(range.token, `the group goes on at ${this.#position}, ${pending}`);
  }
}
