import { runEventsTopic } from '@orrery/contracts/run-event';
import { makeRange } from '@orrery/kit/bus/batch';
import { partitionOf } from '@orrery/kit/bus/partitioning';
import type { BusConsumer, BusEvent, EventBus, PartitionClaim } from '@orrery/kit/bus/types';
import type { Clock } from '@orrery/kit/clock';
import { isRetryable, messageOf, OrreryError } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';

export interface LogTailOptions {
  readonly bus: EventBus;
  /** Of the topic. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly log: Log;
  /** What is younger is kept: longer than any store takes to make a write durable. Default 60,000. */
  readonly keptMs?: number;
  /** Of one partition; what is more is dropped first. Default 64 MiB. */
  readonly keptBytesMax?: number;
  /** Default `orchestrator-tail`. */
  readonly group?: string;
}

interface TailEntry {
  readonly n: number;
  readonly text: string;
}

interface Kept {
  readonly position: number;
  readonly timestampMs: number;
  readonly bytes: number;
  readonly shard: string;
  readonly n: number;
  readonly value: Buffer;
}

/** A partition of the log in this process's hands. */
interface Tail {
  readonly kept: Kept[];
  bytes: number;
  read: number;
  next: number;
  /** Whether everything was read that the bus had when the partition was claimed. */
  whole: boolean;
  trimmedAtMs: number;
}

const readWaitMs = 250;
const trimEveryMs = 5000;
const unavailableWaitMs = 500;
const drainMs = 1000;

/**
 * The last minute of the log, as the bus has it. A group of its own commits only what is old: whoever claims a partition next, also
 * after every process has died, begins to read a minute before its end.
 */
export class LogTail {
  readonly #options: LogTailOptions;
  readonly #group: string;
  readonly #tails = new Map<number, Tail>();
  #consumer: BusConsumer | undefined;
  #expired = false;

  constructor(options: LogTailOptions) {
    this.#options = options;
    this.#group = options.group ?? 'orchestrator-tail';
  }

  /** Begins to read, or does nothing when it does already. */
  async round(): Promise<boolean> {
    if (this.#consumer !== undefined) return false;
    const { bus, log } = this.#options;
    // What retention removed is long durable in the store: the group begins anew with what is left.
    if (this.#expired) await bus.removeGroup(runEventsTopic, this.#group);
    this.#expired = false;
    const consumer = bus.consumer({ topic: runEventsTopic, group: this.#group });
    await consumer.start({
      onClaim: (claim) => this.#follow(consumer, claim),
      onFailure: (error) => {
        log.error({ err: error }, 'reading the tail of the log has stopped and begins anew');
        this.#expired = error instanceof OrreryError && error.code === 'BUS_EVENTS_EXPIRED';
        void this.#end(consumer);
      },
    });
    this.#consumer = consumer;
    return false;
  }

  async stop(): Promise<void> {
    if (this.#consumer !== undefined) await this.#end(this.#consumer);
  }

  /** The last entry of a shard that the bus has from the last minute, 0 for none; undefined while this process can't know. */
  last(shard: string): number | undefined {
    const tail = this.#tailOf(shard);
    if (tail?.whole !== true) return undefined;
    return tail.kept.reduce((last, kept) => (kept.shard === shard ? Math.max(last, kept.n) : last), 0);
  }

  /** Whether this process has read all that the bus has of a shard at this moment. */
  async isWhole(shard: string): Promise<boolean> {
    const { bus, partitions } = this.#options;
    const tail = this.#tailOf(shard);
    if (tail?.whole !== true) return false;
    const positions = await bus.positions(runEventsTopic, this.#group);
    const found = positions.find(({ partition }) => partition === partitionOf(shard, partitions));
    if (found === undefined) return false;
    const { committed, lagEvents } = found;
    const read = committed === null ? tail.read : tail.kept.filter(({ position }) => position >= committed).length;
    return read >= lagEvents && this.#tailOf(shard) === tail;
  }

  /** The entries of a shard behind `n` that are kept, in order, each once. */
  after(shard: string, n: number): readonly TailEntry[] {
    const found = new Map<number, TailEntry>();
    for (const kept of this.#tailOf(shard)?.kept ?? []) {
      if (kept.shard === shard && kept.n > n && !found.has(kept.n)) {
        found.set(kept.n, { n: kept.n, text: kept.value.toString('utf8') });
      }
    }
    return [...found.values()].sort((one, other) => one.n - other.n);
  }

  #tailOf(shard: string): Tail | undefined {
    return this.#tails.get(partitionOf(shard, this.#options.partitions));
  }

  async #end(consumer: BusConsumer): Promise<void> {
    // That leaving failed adds nothing: the group forgets a member that fell silent.
    await consumer.stop(drainMs).catch((error: unknown) => {
      this.#options.log.warn({ reason: messageOf(error) }, 'leaving the tail of the log failed');
    });
    if (this.#consumer === consumer) this.#consumer = undefined;
  }

  async #follow(consumer: BusConsumer, claim: PartitionClaim): Promise<void> {
    const { clock, log } = this.#options;
    const tail: Tail = { kept: [], bytes: 0, read: 0, next: claim.position, whole: false, trimmedAtMs: clock.now() };
    this.#tails.set(claim.partition, tail);
    let pending = claim.pending;
    let target: number | undefined;
    while (!claim.signal.aborted) {
      try {
        target ??= await this.#lagOf(claim.partition);
        const bounds = { eventsMax: 1000, bytesMax: 4 * 1024 * 1024, waitMs: tail.read < target ? readWaitMs : 1000 };
        for (const event of await consumer.read(claim, tail.next, bounds)) keep(tail, event);
        tail.whole ||= tail.read >= target;
        if (pending !== null && tail.next > pending.to) {
          await consumer.commit(claim, pending);
          pending = null;
        }
        if (pending === null) await this.#trim(consumer, claim, tail);
      } catch (error) {
        if (!isRetryable(error)) {
          log.warn(
            { partition: claim.partition, reason: messageOf(error) },
            'this partition of the tail is read no longer',
          );
          break;
        }
        await clock.sleep(unavailableWaitMs, claim.signal);
      }
    }
    if (this.#tails.get(claim.partition) === tail) this.#tails.delete(claim.partition);
  }

  async #lagOf(partition: number): Promise<number> {
    const positions = await this.#options.bus.positions(runEventsTopic, this.#group);
    return positions.find((position) => position.partition === partition)?.lagEvents ?? 0;
  }

  /** Commits what is old, in one range. */
  async #trim(consumer: BusConsumer, claim: PartitionClaim, tail: Tail): Promise<void> {
    const { clock, keptMs = 60_000, keptBytesMax = 64 * 1024 * 1024 } = this.#options;
    const now = clock.now();
    if (now - tail.trimmedAtMs < trimEveryMs && tail.bytes <= keptBytesMax) return;
    tail.trimmedAtMs = now;
    let count = 0;
    let bytes = tail.bytes;
    for (const kept of tail.kept) {
      if (kept.timestampMs > now - keptMs && bytes <= keptBytesMax) break;
      count += 1;
      bytes -= kept.bytes;
    }
    const [first, last] = [tail.kept[0], tail.kept[count - 1]];
    if (first === undefined || last === undefined) return;
    const range = makeRange(claim, { from: first.position, to: last.position, count });
    await consumer.intent(claim, range);
    await consumer.commit(claim, range);
    tail.kept.splice(0, count);
    tail.bytes = bytes;
  }
}

/** What is no entry of ours is kept too, until it is committed, but stands for no shard. */
function keep(tail: Tail, event: BusEvent): void {
  const n = Number(event.headers['n']);
  const shard = Number.isSafeInteger(n) && n > 0 ? event.key : '';
  const bytes = event.value.byteLength + 256;
  const { position, timestampMs, value } = event;
  tail.kept.push({ position, timestampMs, bytes, shard, n, value });
  tail.bytes += bytes;
  tail.read += 1;
  tail.next = position + 1;
}
