import assert from 'node:assert/strict';
import { coreLog, type ReplayingCore } from '#services/orchestrator/src/history/core-log.ts';
import { repairsFrom, Repairs, type ShardLog } from '#services/orchestrator/src/history/repair.ts';
import type { ShardState } from '#services/orchestrator/src/core/transitions.ts';
import { entryText, makeMetrics, quiet, runMoves } from './run-log.ts';

/** A shard whose state is the list of the entries that were applied. */
class FakeShard implements ShardLog {
  applied: string[] = [];
  closed = false;
  process = 'first';
  /** The process that it is open to; empty: every one. */
  checked = '';
  readonly calls: string[] = [];
  differsAt = 0;

  async look(): Promise<ShardState> {
    const { process, checked, closed } = this;
    return { n: this.applied.length, isOpen: !closed && (checked === '' || checked === process), process };
  }

  async close(): Promise<void> {
    this.closed = true;
    this.calls.push('close');
  }

  async open(_shard: string, process: string): Promise<void> {
    this.closed = false;
    this.checked = process;
    this.calls.push(`open for ${process}`);
  }

  async replay(_shard: string, entry: string): Promise<'applied' | 'known' | 'differs'> {
    assert.ok(!(await this.look()).isOpen, 'replayed while work comes in');
    const { n } = JSON.parse(entry) as { n: number };
    this.calls.push(`replay ${n}`);
    if (n === this.differsAt) return 'differs';
    if (n <= this.applied.length) return 'known';
    this.applied.push(entry);
    return 'applied';
  }
}

describe('a store that lost its tail', () => {
  const log = (count: number) => Array.from({ length: count }, (_, index) => entryText({ n: index + 1 }));
  let shard: FakeShard;
  let bus: string[] | undefined;
  let isWhole = true;
  const tail = {
    isWhole: async () => isWhole,
    last: () => bus?.length,
    after: (_shard: string, n: number) =>
      (bus ?? []).map((text, index) => ({ n: index + 1, text })).filter((entry) => entry.n > n),
  };
  let nowMs = 0;
  const clock = { now: () => nowMs };
  const open = (metrics = makeMetrics().metrics) =>
    new Repairs({ shards: ['s00'], tail, shardLog: shard, metrics, log: quiet, clock, settleMs: 500 });
  /** Doubts, and compares when the relays are done. */
  const checkTwice = async (repairs: Repairs) => {
    assert.equal(await repairs.check('s00'), 'closed');
    nowMs += 500;
    return repairs.check('s00');
  };
  beforeEach(() => {
    isWhole = true;
    shard = new FakeShard();
    bus = log(5);
  });

  it('is brought back from the bus in order, closed meanwhile, and counted', async () => {
    const { metrics, counted } = makeMetrics();
    shard.applied = log(3);
    assert.equal(await checkTwice(open(metrics)), 'repaired');
    assert.deepEqual(shard.calls, ['close', 'replay 4', 'replay 5', 'open for first']);
    assert.deepEqual(shard.applied, log(5));
    assert.deepEqual(await counted('repairs_total'), { repaired: 1 });
    assert.deepEqual(await counted('shard_closed'), { s00: 0 });
  });

  it('is left alone when it has all that the bus has, or more', async () => {
    shard.applied = log(6);
    const repairs = open();
    assert.equal(await repairs.check('s00'), 'whole');
    await repairs.round();
    // Once: whoever closed it before may have died.
    assert.deepEqual(shard.calls, ['open for first']);
  });

  it('takes nothing in after it was started again, until all of the bus was read and compared', async () => {
    shard.applied = log(5);
    const repairs = open();
    await repairs.check('s00');
    shard.process = 'second';
    isWhole = false;
    assert.equal(await checkTwice(repairs), 'closed');
    assert.equal((await shard.look()).isOpen, false);
    bus = log(7);
    isWhole = true;
    assert.equal(await repairs.check('s00'), 'repaired');
    assert.deepEqual(shard.calls, ['open for first', 'replay 6', 'replay 7', 'open for second']);
    shard.process = 'third';
    assert.equal(await checkTwice(repairs), 'whole');
    assert.equal(shard.calls.at(-1), 'open for third');
  });

  it('is judged only by who has read the tail to its end', async () => {
    bus = undefined;
    assert.equal(await open().check('s00'), 'unknown');
    assert.deepEqual(shard.calls, []);
  });

  it('is finished by another process when the first one died in the middle', async () => {
    shard.applied = log(4);
    shard.closed = true;
    assert.equal(await checkTwice(open()), 'repaired');
    assert.deepEqual([shard.applied.length, shard.closed], [5, false]);
    shard.closed = true;
    await checkTwice(open());
    assert.equal(shard.closed, false);
  });

  it('stays closed, and is tried once, when an entry does something else than history says', async () => {
    const { metrics, counted } = makeMetrics();
    shard.applied = log(3);
    shard.differsAt = 5;
    const repairs = open(metrics);
    assert.equal(await checkTwice(repairs), 'closed');
    assert.equal(await repairs.check('s00'), 'closed');
    assert.deepEqual(shard.calls, ['close', 'replay 4', 'replay 5']);
    assert.deepEqual(await counted('repairs_total'), { differs: 1 });
    assert.deepEqual(await counted('shard_closed'), { s00: 1 });
  });

  it('stays closed when the bus lacks an entry, or has it without its arguments', async () => {
    for (const lacking of ['absent', 'cut']) {
      const { metrics, counted } = makeMetrics();
      shard = new FakeShard();
      shard.applied = log(2);
      const entries = log(5).map((text, index) => ({ n: index + 1, text }));
      const fourth = { n: 4, text: JSON.stringify({ ...(JSON.parse(entryText({ n: 4 })) as object), cut: true }) };
      const after = () =>
        lacking === 'absent' ? entries.slice(3) : [...entries.slice(2, 3), fourth, ...entries.slice(4)];
      const deps = { shards: ['s00'], tail: { ...tail, after }, shardLog: shard, metrics, log: quiet, clock };
      assert.equal(await checkTwice(new Repairs(deps)), 'closed');
      assert.ok(shard.closed);
      assert.deepEqual(await counted('repairs_total'), { incomplete: 1 });
    }
  });

  it('can not be brought back from a bus that lies in it', () => {
    assert.equal(repairsFrom({ driver: 'redis' }, quiet), false);
    assert.equal(repairsFrom({ driver: 'kafka' }, quiet), true);
  });

  it('is applied again only as history says: other events, or a gap, differ', async () => {
    const events = [runMoves('s00-a', 1, ['', 'queued']), runMoves('s00-b', 1, ['', 'queued'])];
    const entry = entryText({ n: 4, events });
    const { runs, ...rest } = JSON.parse(entry) as { runs: Record<string, unknown> };
    const reordered = JSON.stringify({ runs: Object.fromEntries(Object.entries(runs).toReversed()), ...rest });
    const other = entryText({ n: 4, events: events.toReversed() });
    const judge = async (answer: Awaited<ReturnType<ReplayingCore['replay']>>) => {
      const state = { n: 3, isOpen: false, process: 'first' };
      const gate = { close: async () => 3, openFor: async () => undefined, look: async () => state };
      const core: ReplayingCore = { replay: async () => answer, ...gate };
      return coreLog(core).replay('s00', entry);
    };
    assert.equal(await judge({ outcome: 'applied', made: reordered }), 'applied');
    assert.equal(await judge({ outcome: 'known', made: '' }), 'known');
    assert.equal(await judge({ outcome: 'applied', made: other }), 'differs');
    assert.equal(await judge({ outcome: 'gap', made: '' }), 'differs');
  });
});
