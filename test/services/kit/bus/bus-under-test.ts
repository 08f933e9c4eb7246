import { randomUUID } from 'node:crypto';
import { consume, type Consumption } from '@orrery/kit/bus/consume';
import { openBus, type BusConfig } from '@orrery/kit/bus/open';
import type { BusConsumer, BusEvent, EventBus, EventRange, OutgoingEvent, PartitionClaim } from '@orrery/kit/bus/types';
import { eventually } from '#test/support/eventually.ts';

/** A driver with its broker, for the conformance suite. */
export interface BusUnderTest {
  readonly config: BusConfig;
  /** How many consumers the crash test kills: a takeover costs seconds in one driver, parts of one in the other. */
  readonly kills: number;
  close(): Promise<void>;
  /** Kills the broker and starts it again with what it had made durable; undefined where it is not ours to kill. */
  restart?(): Promise<void>;
}

export const takeoverTimeoutMs = 30_000;

/** A bus and everything opened on it, closed together at the end of a test. */
export class BusSession {
  readonly bus: EventBus;
  readonly #closing: (() => Promise<void>)[] = [];

  private constructor(bus: EventBus) {
    this.bus = bus;
  }

  static async open(config: BusConfig): Promise<BusSession> {
    return new BusSession(await openBus(config, { name: 'conformance' }));
  }

  /** A topic of this test only. */
  async makeTopic(partitions: number): Promise<string> {
    const topic = `test.${randomUUID().slice(0, 8)}`;
    await this.bus.ensureTopic({ topic, partitions });
    return topic;
  }

  onClose(close: () => Promise<void>): void {
    this.#closing.push(close);
  }

  async close(): Promise<void> {
    const closes = [...this.#closing.toReversed(), () => this.bus.close()];
    const errors: unknown[] = [];
    // What stays open keeps the whole test run from ending: a failure to close one thing must not spare the others.
    for (const close of closes) await close().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, 'the test could not close what it had opened');
  }

  /** Joins the group and returns the first claim, held until `release` or the end of the test. */
  async claim(topic: string, group: string): Promise<HeldClaim> {
    const consumer = this.bus.consumer({ topic, group });
    const claims: PartitionClaim[] = [];
    let stopped = false;
    await consumer.start({
      onClaim: (claim) => {
        claims.push(claim);
        return new Promise((resolve) => claim.signal.addEventListener('abort', () => resolve()));
      },
      onFailure: (error) => {
        throw error;
      },
    });
    const release = async () => {
      if (stopped) return;
      stopped = true;
      await consumer.stop(1000);
    };
    this.onClose(release);
    const claim = await eventually(() => claims[0], { timeoutMs: takeoverTimeoutMs, what: 'a claim' });
    return { consumer, claim, release };
  }

  /** Runs the loop and records what it handles. */
  async consume(topic: string, group: string, options: Partial<Parameters<typeof consume>[1]> = {}): Promise<Recorded> {
    const recorded: HandledRange[] = [];
    const errors: string[] = [];
    const consumption = await consume(this.bus.consumer({ topic, group }), {
      lingerMs: 10,
      backoffMs: 10,
      ...options,
      handle: async (range, events, context) => {
        await options.handle?.(range, events, context);
        recorded.push({ range, events });
      },
      onError: (error) => errors.push(error.code),
    });
    this.onClose(() => consumption.stop());
    return { consumption, recorded, errors };
  }
}

export interface HeldClaim {
  readonly consumer: BusConsumer;
  readonly claim: PartitionClaim;
  release(): Promise<void>;
}

export interface HandledRange {
  readonly range: EventRange;
  readonly events: readonly BusEvent[];
}

export interface Recorded {
  readonly consumption: Consumption;
  readonly recorded: readonly HandledRange[];
  readonly errors: readonly string[];
}

/** Events with the ids `<prefix><first>` and on, over so many keys. */
export function makeEvents(options: {
  prefix?: string;
  first?: number;
  count: number;
  keys?: number;
}): OutgoingEvent[] {
  const { prefix = 'e', first = 0, count, keys = 1 } = options;
  return Array.from({ length: count }, (_, index) => {
    const id = `${prefix}${first + index}`;
    const headers = { tenant: 'main', actor: 'local', type: 'test.happened', id };
    return { key: `key-${(first + index) % keys}`, value: JSON.stringify({ id }), headers };
  });
}

export function idsOf(events: readonly BusEvent[]): string[] {
  return events.map((event) => event.headers.id);
}

export function handledIds(recorded: readonly HandledRange[]): string[] {
  return recorded.flatMap(({ events }) => idsOf(events));
}

export async function lagOf(bus: EventBus, topic: string, group: string): Promise<number> {
  const positions = await bus.positions(topic, group);
  return positions.reduce((sum, { lagEvents }) => sum + lagEvents, 0);
}

/** The code of the error that the promise rejects with, or 'none'. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}
