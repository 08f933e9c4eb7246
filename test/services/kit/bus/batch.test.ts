import assert from 'node:assert/strict';
import { countFitting, rangeOf } from '@orrery/kit/bus/batch';
import { groupByPartition, partitionOf, planPartitions, splitBySize } from '@orrery/kit/bus/partitioning';
import type { BusEvent } from '@orrery/kit/bus/types';
import fc from 'fast-check';

function event(position: number, bytes: number): BusEvent {
  const headers = { tenant: '', actor: '', type: '', id: '' };
  // The names of the four headers take 17 bytes.
  return { position, key: '', value: Buffer.alloc(bytes - 17), headers, timestampMs: 0 };
}

describe('a batch', () => {
  it('ends before the event that would exceed its bytes or its rows', () => {
    const events = [event(1, 40), event(2, 40), event(3, 40)];
    assert.deepEqual(countFitting(events, { rows: 0, bytes: 0 }, { rowsMax: 10, bytesMax: 100 }), {
      count: 2,
      bytes: 80,
    });
    assert.deepEqual(countFitting(events, { rows: 0, bytes: 0 }, { rowsMax: 1, bytesMax: 100 }), {
      count: 1,
      bytes: 40,
    });
    assert.deepEqual(countFitting(events, { rows: 9, bytes: 10 }, { rowsMax: 10, bytesMax: 100 }), {
      count: 1,
      bytes: 50,
    });
    assert.deepEqual(countFitting(events, { rows: 2, bytes: 90 }, { rowsMax: 10, bytesMax: 100 }), {
      count: 0,
      bytes: 90,
    });
  });

  it('takes its first event whatever its size', () => {
    assert.deepEqual(countFitting([event(1, 500)], { rows: 0, bytes: 0 }, { rowsMax: 10, bytesMax: 100 }), {
      count: 1,
      bytes: 500,
    });
  });

  it('is named by its topic, partition, first and last position', () => {
    const range = rangeOf({ topic: 'orders', partition: 3 }, [event(17, 20), event(20, 20), event(42, 20)]);
    assert.deepEqual(range, { topic: 'orders', partition: 3, from: 17, to: 42, count: 3, token: 'orders:3:17-42' });
    assert.equal(rangeOf({ topic: 'orders', partition: 3 }, []), null);
  });
});

describe('partitions', () => {
  it('are chosen by CRC-32 of the key, so that another language finds the same', () => {
    // CRC-32 of "123456789" is 0xcbf43926 by any implementation: it is the check value of the algorithm.
    assert.equal(partitionOf('123456789', 64), 0xcbf43926 % 64);
    assert.equal(partitionOf('', 8), 0);
    assert.deepEqual(
      [...groupByPartition([{ key: '123456789' }, { key: '' }, { key: '123456789' }], 64)],
      [
        [38, [{ key: '123456789' }, { key: '123456789' }]],
        [0, [{ key: '' }]],
      ],
    );
  });

  it('each have one member, and members differ by at most one', () => {
    const members = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 64 }), (ids, partitions) => {
        const plans = ids.map((id) => planPartitions(ids.toReversed(), partitions, id));
        const all = plans.flat().toSorted((one, other) => one - other);
        assert.deepEqual(
          all,
          Array.from({ length: partitions }, (_, index) => index),
        );
        const loads = plans.map((plan) => plan.length);
        assert.ok(Math.max(...loads) - Math.min(...loads) <= 1);
      }),
    );
    assert.deepEqual(planPartitions(['b', 'a'], 5, 'a'), [0, 2, 4]);
    assert.deepEqual(planPartitions(['b', 'a'], 5, 'c'), []);
  });
});

describe('a send', () => {
  it('is cut into chunks within both bounds that together are the whole', () => {
    assert.deepEqual(
      splitBySize([5, 5, 5, 30, 1], (size) => size, { countMax: 2, bytesMax: 11 }),
      [[5, 5], [5], [30], [1]],
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 })), (sizes) => {
        const chunks = splitBySize(sizes, (size) => size, { countMax: 4, bytesMax: 60 });
        assert.deepEqual(chunks.flat(), sizes);
        for (const chunk of chunks) {
          assert.ok(chunk.length >= 1 && chunk.length <= 4);
          assert.ok(chunk.length === 1 || chunk.reduce((sum, size) => sum + size, 0) <= 60);
        }
      }),
    );
  });
});
