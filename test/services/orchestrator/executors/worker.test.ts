import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Registry } from 'prom-client';
import { systemClock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import { silentLog } from '@orrery/kit/log';
import type { Executors } from '#services/orchestrator/src/executors/types.ts';
import { createMetrics } from '#services/orchestrator/src/metrics.ts';
import type { StepInput } from '#services/orchestrator/src/work/step-inputs.ts';
import type { ClaimedStep, Ending, Held } from '#services/orchestrator/src/core/step-lease.ts';
import type { Transitions } from '#services/orchestrator/src/core/transitions.ts';
import { Worker } from '#services/orchestrator/src/work/step-worker.ts';
import { eventually } from '#test/support/eventually.ts';

const shards = ['s00', 's01', 's02'];
const input: StepInput = {
  ...{ name: 'a', index: undefined, given: {} },
  defined: { name: 'a', uses: 'http', with: { service: 'peer', path: '/' } },
  scope: { parameters: {}, results: new Map(), run: { id: 's00-1', tenant: 'main', logicalMs: 0 } },
};

/** Leases of several shards, without a Redis between: what is asked of it is all that it does. */
class Book {
  readonly ended: Ending[] = [];
  readonly open = new Set<string>();
  away = false;
  answer: Held = 'held';
  readonly #left = new Map<string, number>();
  #fence = 0;

  constructor(steps: number) {
    for (const shard of shards) this.#left.set(shard, steps);
  }

  exchange: Transitions['exchange'] = async (shard, { want, pools }, endings) => {
    await systemClock.sleep(1);
    if (this.away)
      throw new OrreryError({ code: 'REDIS_UNAVAILABLE', message: 'away', hint: 'wait', retry: 'retryable' });
    for (const ending of endings) this.open.delete(ending.fence);
    this.ended.push(...endings);
    const left = this.#left.get(shard) ?? 0;
    const count = pools.includes('http') ? Math.min(want, left) : 0;
    this.#left.set(shard, left - count);
    const claimed = Array.from({ length: count }, () => this.#claim(shard));
    return { codes: endings.map(() => 'accepted' as const), claimed };
  };

  beat: Transitions['beat'] = (_shard, beats) => {
    if (this.away) return Promise.reject(new Error('away'));
    return Promise.resolve(beats.map(() => this.answer));
  };

  #claim(shard: string): ClaimedStep {
    this.#fence += 1;
    const fence = String(this.#fence);
    this.open.add(fence);
    const nowMs = Date.now();
    const of = { tenant: 'main', actor: 'ann', workflow: 'w', definition: 'sha256:0', parameters: '{}', logicalMs: 0 };
    const place = { run: `${shard}-000000000001`, ref: '0', fence, attempt: 1, dueMs: nowMs + 60_000, nowMs };
    return { ...place, ...of, results: {}, item: undefined };
  }
}

function open(book: Book, execute: Executors['http']['execute'], stepsMax: number): Worker {
  const none = { execute: () => Promise.reject(new Error('none')) };
  const others = { sql: none, process: none, map: none, workflow: none, wait: none, approve: none };
  const off = { stepsMax: 0, leaseMs: 300 };
  const worker = new Worker({
    ...{ shards, transitions: book, inputs: { resolve: () => Promise.resolve(input) } },
    executors: { http: { execute }, ...others },
    bounds: { http: { stepsMax, leaseMs: 300 }, sql: off, process: off, inner: off },
    ...{
      pollMs: 20,
      clock: systemClock,
      random: Math.random,
      log: silentLog(),
      metrics: createMetrics(new Registry()),
    },
  });
  worker.start();
  return worker;
}

const waits = { http: 0, sql: 0, process: 0, inner: 0 };
/** Ends as an executor does that heeds its signal. */
const stuck: Executors['http']['execute'] = (_task, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });

describe('a worker', () => {
  it('does the steps of all shards, and never more at once than its bound', async () => {
    const book = new Book(40);
    let [running, most] = [0, 0];
    const execute = async () => {
      running += 1;
      most = Math.max(most, running);
      await systemClock.sleep(2);
      running -= 1;
    };
    const worker = open(book, execute, 4);
    await eventually(() => book.ended.length === 120, { what: 'all done' });
    assert.equal(most, 4);
    assert.deepEqual(new Set(book.ended.map(({ outcome }) => outcome)), new Set(['succeeded']));
    await worker.drain(waits);
  });

  it('ends what it does when nobody answers for as long as its lease, and hands nothing in', async () => {
    const book = new Book(1);
    const aborted: string[] = [];
    const execute: Executors['http']['execute'] = (task, context) =>
      stuck(task, context).catch((error: unknown) => {
        aborted.push(String(context.signal.reason));
        throw error;
      });
    const worker = open(book, execute, 3);
    await eventually(() => book.open.size === 3);
    book.away = true;
    await eventually(() => aborted.length === 3, { what: 'given up', timeoutMs: 2000 });
    assert.deepEqual(new Set(aborted), new Set(['lease-lost']));
    book.away = false;
    await worker.drain(waits);
    assert.deepEqual(book.ended, []);
  });

  it('hands in what ended while Redis was away, once it is back', async () => {
    const book = new Book(1);
    const worker = open(book, () => systemClock.sleep(100), 3);
    await eventually(() => book.open.size === 3);
    book.away = true;
    await systemClock.sleep(150);
    assert.equal(book.ended.length, 0);
    book.away = false;
    await eventually(() => book.ended.length === 3);
    assert.deepEqual(new Set(book.ended.map(({ outcome }) => outcome)), new Set(['succeeded']));
    await worker.drain(waits);
  });

  it('stops what it is asked to stop, and says so', async () => {
    const book = new Book(1);
    const worker = open(book, stuck, 1);
    await eventually(() => book.open.size === 1);
    book.answer = 'stopping';
    await eventually(() => book.ended.length > 0);
    assert.equal(book.ended[0]?.outcome, 'cancelled');
    book.answer = 'held';
    await worker.drain(waits);
  });

  it('lets what runs end within its time when it drains, and gives the rest back', async () => {
    const book = new Book(2);
    let begun = 0;
    const execute: Executors['http']['execute'] = (task, context) => {
      begun += 1;
      return begun === 1 ? systemClock.sleep(100) : stuck(task, context);
    };
    const worker = open(book, execute, 2);
    await eventually(() => begun === 2);
    await worker.drain({ ...waits, http: 300 });
    assert.deepEqual(book.ended.map(({ outcome }) => outcome).sort(), ['returned', 'succeeded']);
    assert.equal(begun, 2, 'nothing more was taken');
    assert.equal(book.open.size, 0);
  });
});
