/**
 * A consumer in its own process that dies by SIGKILL, or stands still, at a named point. Started by fork; the first message is the
 * order. It answers with messages: `claimed`, `holding`, `refused`, `handled`, `failed`.
 */
import { existsSync } from 'node:fs';
import { consume } from '@orrery/kit/bus/consume';
import { openBus, type BusConfig } from '@orrery/kit/bus/open';
import type { BusConsumer } from '@orrery/kit/bus/types';
import { TokenSink } from './token-sink.ts';

export type Point = 'after read' | 'after intent' | 'after write' | 'after commit' | 'before intent' | 'before commit';

export interface Order {
  readonly config: BusConfig;
  readonly topic: string;
  readonly group: string;
  readonly sinkFolder: string;
  readonly rowsMax: number;
  /** Die when the point is reached for the nth time. */
  readonly dieAt?: { readonly point: Point; readonly nth: number };
  /** Stand still at the point, event loop and all, until the file exists. */
  readonly holdAt?: { readonly point: Point; readonly untilFile: string };
}

export interface Report {
  readonly kind: 'claimed' | 'holding' | 'refused' | 'handled' | 'failed';
  readonly detail: string;
}

function report(kind: Report['kind'], detail: string): Promise<void> {
  return new Promise((resolve) => process.send?.({ kind, detail } satisfies Report, undefined, {}, () => resolve()));
}

class Points {
  readonly #order: Order;
  #reached = 0;
  #held = false;

  constructor(order: Order) {
    this.#order = order;
  }

  async reach(point: Point): Promise<void> {
    const { dieAt, holdAt } = this.#order;
    if (dieAt?.point === point) {
      this.#reached += 1;
      if (this.#reached === dieAt.nth) process.kill(process.pid, 'SIGKILL');
    }
    if (holdAt?.point === point && !this.#held) {
      this.#held = true;
      await report('holding', point);
      const cell = new Int32Array(new SharedArrayBuffer(4));
      while (!existsSync(holdAt.untilFile)) Atomics.wait(cell, 0, 0, 20);
    }
  }
}

/** The driver's consumer, with a point before and after each step. */
function watch(inner: BusConsumer, points: Points): BusConsumer {
  const refusing = async (step: Promise<void>) => {
    try {
      await step;
    } catch (error) {
      await report('refused', error instanceof Error && 'code' in error ? String(error.code) : String(error));
      throw error;
    }
  };
  return {
    topic: inner.topic,
    group: inner.group,
    start: (listener) =>
      inner.start({
        onClaim: async (claim) => {
          await report('claimed', String(claim.partition));
          await listener.onClaim(claim);
        },
        onFailure: (error) => listener.onFailure(error),
      }),
    read: async (claim, from, bounds) => {
      const events = await inner.read(claim, from, bounds);
      if (events.length > 0) await points.reach('after read');
      return events;
    },
    intent: async (claim, range) => {
      await points.reach('before intent');
      await refusing(inner.intent(claim, range));
      await points.reach('after intent');
    },
    commit: async (claim, range) => {
      await points.reach('before commit');
      await refusing(inner.commit(claim, range));
      await points.reach('after commit');
    },
    stop: (drainMs) => inner.stop(drainMs),
  };
}

async function run(order: Order): Promise<void> {
  const points = new Points(order);
  const sink = new TokenSink(order.sinkFolder);
  const bus = await openBus(order.config, { name: 'crashing-consumer' });
  const consumer = watch(bus.consumer({ topic: order.topic, group: order.group }), points);
  await consume(consumer, {
    rowsMax: order.rowsMax,
    lingerMs: 20,
    backoffMs: 20,
    handle: async (range, events) => {
      sink.write({ token: range.token, ids: events.map((event) => event.headers.id) });
      await report('handled', range.token);
      await points.reach('after write');
    },
    onError: (error) => void report('failed', error.message),
  });
}

process.once('message', (order) => {
  run(order as Order).catch((error: unknown) => report('failed', String(error)));
});
// Whoever started it is gone: nobody would ever end it.
process.once('disconnect', () => process.exit(0));
