import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Dial } from '#services/orchestrator/src/triggers/dial.ts';
import { DueHeap } from '#services/orchestrator/src/triggers/due-heap.ts';
import { readClock } from '#services/orchestrator/src/triggers/clock.ts';
import { ownerOf } from '#services/orchestrator/src/triggers/rendezvous.ts';

describe('the division of triggers between orchestrators', () => {
  const places = Array.from({ length: 10_000 }, (_, index) => `main/w${index}/cron * * * * * UTC`);

  it('is the same for all that see the same peers, in whatever order', () => {
    for (const place of places.slice(0, 100)) {
      assert.equal(ownerOf(place, ['o-1', 'o-2', 'o-3']), ownerOf(place, ['o-3', 'o-1', 'o-2']));
    }
    assert.equal(ownerOf('anything', []), undefined);
  });

  it('is even, and moves only the share of the one that goes', () => {
    const shares = Map.groupBy(places, (place) => ownerOf(place, ['o-1', 'o-2', 'o-3']));
    for (const share of shares.values()) assert.ok(share.length > 3000 && share.length < 3700, `${share.length}`);
    for (const owner of ['o-1', 'o-3']) {
      for (const place of shares.get(owner) ?? []) assert.equal(ownerOf(place, ['o-1', 'o-3']), owner);
    }
  });
});

describe('the heap of due times', () => {
  it('gives the earliest first, and nothing that is not due', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.nat(50), (times, untilMs) => {
        const heap = new DueHeap<number>();
        for (const ms of times) heap.push(ms, ms);
        const taken: number[] = [];
        for (let ms = heap.pop(untilMs); ms !== undefined; ms = heap.pop(untilMs)) taken.push(ms);
        const sorted = times.toSorted((left, right) => left - right);
        assert.deepEqual(
          taken,
          sorted.filter((ms) => ms <= untilMs),
        );
        assert.equal(
          heap.earliestMs,
          sorted.find((ms) => ms > untilMs),
        );
      }),
    );
  });
});

describe('a dial', () => {
  it('answers as the clock that it keeps, whenever it is turned', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 20 });
    const trigger = fc.constantFrom({ everySeconds: 30 }, { cron: '* * * * *', timezone: 'Europe/Berlin' });
    fc.assert(
      fc.property(trigger, steps, fc.nat(300_000), (spec, turns, width) => {
        const clock = readClock(spec);
        let nowMs = Date.parse('2026-03-29T00:55:00Z');
        const dial = new Dial(spec, nowMs);
        for (const ms of turns) {
          nowMs += ms;
          dial.turn(nowMs);
          assert.equal(dial.nextMs, clock.next(nowMs));
          assert.deepEqual(dial.between(nowMs - width, nowMs, 100), clock.between(nowMs - width, nowMs, 100));
          assert.equal(dial.last(nowMs - width, nowMs), clock.last(nowMs - width, nowMs));
        }
      }),
    );
  });
});
