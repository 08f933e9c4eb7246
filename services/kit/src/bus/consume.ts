import { systemClock, type Clock } from '../clock.ts';
import { OrreryError } from '../errors.ts';
import { attemptsMaxMax, batchBytesMax, batchRowsMax, checkBound, eventBytesMax, lingerMaxMs } from './bounds.ts';
import { refused } from './errors.ts';
import { workPartition, type WorkOptions } from './partition-worker.ts';
import type { BusConsumer, BusEvent, EventRange, PartitionClaim } from './types.ts';

export interface HandlerContext {
  /** 1 for the first try of this range by this consumer. */
  readonly attempt: number;
  /** Aborts when the consumer stops and will wait no longer. */
  readonly signal: AbortSignal;
}

export interface ConsumeOptions {
  /**
   * Writes a whole range. It may be called again with the same range, here or elsewhere, with exactly the same events: write
   * under `range.token`, so that the second time changes nothing. When it throws, it is called again after a wait; when it
   * throws a terminal OrreryError or has failed `attemptsMax` times, the consumer stops.
   */
  handle(range: EventRange, events: readonly BusEvent[], context: HandlerContext): Promise<void>;
  /** Called once, when the consumer has stopped by itself. No range is skipped: the next start begins where this one failed. */
  onError(error: OrreryError): void;
  /** Cut a batch at so many events. Default 1,000, at most 50,000. */
  readonly rowsMax?: number;
  /** Cut a batch at so many bytes of keys, values and headers. Default and most 8 MiB, at least one event's 512 KiB. */
  readonly bytesMax?: number;
  /** Cut a batch so long after its first event. Default 100 ms, at most 60,000. */
  readonly lingerMs?: number;
  /** Tries of a range. Default 8. */
  readonly attemptsMax?: number;
  /** First wait between tries, doubled up to `backoffMaxMs`, with full jitter. Default 200 ms. */
  readonly backoffMs?: number;
  /** Default 30,000 ms. */
  readonly backoffMaxMs?: number;
  /** How long a step may be repeated while the bus does not answer. Default 600,000 ms. */
  readonly outageMaxMs?: number;
  /** How long `stop` waits for ranges in hand. Default 10,000 ms. */
  readonly drainMs?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** Consumption of a topic by one member of a group. */
export interface Consumption {
  /** Begins no further range until `resume`; ranges in hand are finished, partitions are kept. */
  pause(): void;
  resume(): void;
  /** Finishes the ranges in hand within `drainMs`, gives the partitions back and leaves the group. */
  stop(): Promise<void>;
}

/** Joins the group and hands it batch after batch: read, cut, intent, handle, commit. One range a partition at a time. */
export async function consume(consumer: BusConsumer, options: ConsumeOptions): Promise<Consumption> {
  const consumption = new ConsumeLoop(consumer, options);
  await consumption.start();
  return consumption;
}

class ConsumeLoop implements Consumption {
  readonly #consumer: BusConsumer;
  readonly #options: ConsumeOptions;
  readonly #work: WorkOptions;
  readonly #abandon = new AbortController();
  readonly #working = new Map<number, Promise<void>>();
  readonly #gate = new Gate();
  #stopped: Promise<void> | undefined;
  #failed = false;

  constructor(consumer: BusConsumer, options: ConsumeOptions) {
    this.#consumer = consumer;
    this.#options = options;
    this.#work = {
      consumer,
      handle: (range, events, attempt) => options.handle(range, events, { attempt, signal: this.#abandon.signal }),
      gate: (signal) => this.#gate.pass(signal),
      bounds: checkedBounds(options),
      backoff: {
        backoffMs: options.backoffMs ?? 200,
        backoffMaxMs: options.backoffMaxMs ?? 30_000,
        random: options.random ?? Math.random,
      },
      outageMaxMs: options.outageMaxMs ?? 600_000,
      abandoned: this.#abandon.signal,
      clock: options.clock ?? systemClock,
    };
  }

  async start(): Promise<void> {
    await this.#consumer.start({
      onClaim: (claim) => this.#onClaim(claim),
      onFailure: (error) => this.#fail(error),
    });
  }

  pause(): void {
    this.#gate.close();
  }

  resume(): void {
    this.#gate.open();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** A partition that comes back while its last range is still being handled waits for that. */
  async #onClaim(claim: PartitionClaim): Promise<void> {
    const before = this.#working.get(claim.partition) ?? Promise.resolve();
    const work = before.then(() => workPartition(claim, this.#work)).catch((error: unknown) => this.#fail(error));
    this.#working.set(claim.partition, work);
    await work;
    if (this.#working.get(claim.partition) === work) this.#working.delete(claim.partition);
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const reported = error instanceof OrreryError ? error : refused(`consuming ${this.#consumer.topic}`, error);
    const report = () => this.#options.onError(reported);
    // That leaving the group failed as well adds nothing to the reason.
    this.stop().then(report, report);
  }

  async #stop(): Promise<void> {
    const drainMs = this.#options.drainMs ?? 10_000;
    const timer = setTimeout(() => this.#abandon.abort(), drainMs);
    try {
      await this.#consumer.stop(drainMs);
    } finally {
      clearTimeout(timer);
      this.#abandon.abort();
    }
  }
}

function checkedBounds(options: ConsumeOptions): WorkOptions['bounds'] {
  const { rowsMax = 1000, bytesMax = batchBytesMax, lingerMs = 100, attemptsMax = 8 } = options;
  checkBound('rowsMax', rowsMax, { min: 1, max: batchRowsMax });
  checkBound('bytesMax', bytesMax, { min: eventBytesMax, max: batchBytesMax });
  checkBound('lingerMs', lingerMs, { min: 0, max: lingerMaxMs });
  checkBound('attemptsMax', attemptsMax, { min: 1, max: attemptsMaxMax });
  return { rowsMax, bytesMax, lingerMs, attemptsMax };
}

/** Open, or closed until somebody opens it. */
class Gate {
  #closed = false;
  #waiting = new Set<() => void>();

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
    for (const go of this.#waiting) go();
  }

  /** Resolves when the gate is open or the signal aborts. */
  pass(signal: AbortSignal): Promise<void> {
    if (!this.#closed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener('abort', go);
        this.#waiting.delete(go);
        resolve();
      };
      signal.addEventListener('abort', go, { once: true });
      this.#waiting.add(go);
    });
  }
}
