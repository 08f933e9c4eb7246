import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { runEventsTopic } from '@orrery/contracts/run-event';
import { openBus, type BusConfig } from '@orrery/kit/bus/open';
import type { EventBus } from '@orrery/kit/bus/types';
import type { Clock } from '@orrery/kit/clock';
import { systemClock } from '@orrery/kit/clock';
import { LogTail } from '#services/orchestrator/src/history/log-tail.ts';
import { eventually } from '#test/support/eventually.ts';
import { entryText, quiet } from './run-log.ts';

const timeoutMs = 30_000;

/** What a tail of the log guarantees on any bus. */
export function describeTail(name: string, setUp: () => Promise<{ config: BusConfig; close(): Promise<void> }>): void {
  describe(`the tail of the run log on ${name}`, function () {
    this.timeout(120_000);
    let place: Awaited<ReturnType<typeof setUp>>;
    let bus: EventBus;
    let group: string;
    let shift: number;
    const tails: LogTail[] = [];
    const clock: Clock = { now: () => systemClock.now() + shift, sleep: (ms, signal) => systemClock.sleep(ms, signal) };

    before(async () => {
      place = await setUp();
      bus = await openBus(place.config, { name: 'tail' });
      await bus.ensureTopic({ topic: runEventsTopic, partitions: 4 });
    });
    after(async () => {
      await bus.close();
      await place.close();
    });
    // Shards of this test only, since the topic is one for all tests on a broker.
    let shards: [string, string];
    beforeEach(() => {
      group = `tail-${randomUUID().slice(0, 8)}`;
      shift = 0;
      shards = [`s-${randomUUID().slice(0, 8)}`, `s-${randomUUID().slice(0, 8)}`];
    });
    afterEach(async () => {
      for (const tail of tails.splice(0)) await tail.stop();
      await bus.removeGroup(runEventsTopic, group);
    });

    const publish = (shard: string, from: number, to: number) =>
      bus.publish(
        runEventsTopic,
        Array.from({ length: to - from + 1 }, (_, index) => {
          const n = String(from + index);
          const headers = { tenant: '*', actor: 'orchestrator', type: 'log.exchange', id: `${shard}/${n}`, shard, n };
          return { key: shard, value: entryText({ n: from + index }), headers };
        }),
      );
    const open = async (keptMs = 60_000) => {
      const tail = new LogTail({ bus, partitions: 4, clock, log: quiet, keptMs, group });
      tails.push(tail);
      await tail.round();
      return tail;
    };
    const lasts = (tail: LogTail) => shards.map((shard) => tail.last(shard));

    it('knows the last entry of every shard, from before its start and after it', async () => {
      await publish(shards[0], 1, 30);
      await publish(shards[1], 1, 3);
      const tail = await open();
      assert.ok(lasts(tail).every((last) => last === undefined || last > 0));
      await eventually(() => lasts(tail).join() === '30,3', { timeoutMs });
      await publish(shards[0], 31, 31);
      await eventually(() => lasts(tail).join() === '31,3', { timeoutMs });
      const entries = tail.after(shards[0], 28);
      assert.deepEqual(
        entries.map(({ n, text }) => [n, text]),
        [29, 30, 31].map((n) => [n, entryText({ n })]),
      );
    });

    it('commits what is old, and the next reader begins behind it', async () => {
      await publish(shards[0], 1, 10);
      const tail = await open();
      await eventually(() => tail.last(shards[0]) === 10, { timeoutMs });
      shift = 70_000;
      await publish(shards[0], 11, 11);
      await eventually(() => tail.after(shards[0], 0).length <= 1, { timeoutMs });
      await tail.stop();
      shift = 0;
      await publish(shards[0], 12, 12);
      const next = await open();
      await eventually(() => next.last(shards[0]) === 12, { timeoutMs });
      assert.ok(next.after(shards[0], 0).length <= 2);
    });

    it('reads again what a reader had that died without a word', async () => {
      await publish(shards[0], 1, 5);
      const tail = await open();
      await eventually(() => tail.last(shards[0]) === 5, { timeoutMs });
      await tail.stop();
      const next = await open();
      await eventually(() => next.after(shards[0], 0).length === 5, { timeoutMs });
    });
  });
}
