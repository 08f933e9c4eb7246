import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { readClock } from '#services/orchestrator/src/triggers/clock.ts';
import type { ClockTrigger } from '#services/orchestrator/src/triggers/types.ts';

const at = (text: string) => Date.parse(text);
const short = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

/** The times of a cron trigger in (after, until], to the minute, in UTC. */
function times(cron: string, timezone: string, [after, until]: [string, string]): string[] {
  return readClock({ cron, timezone }).between(at(after), at(until), 1000).map(short);
}

describe('a cron trigger', () => {
  it('is in UTC unless it names a zone', () => {
    assert.equal(readClock({ cron: '0 6 * * *' }).next(at('2026-03-29T12:00Z')), at('2026-03-30T06:00Z'));
  });

  it('is due at its very moment, after the start of a window and up to its end', () => {
    const clock = readClock({ cron: '0 6 * * *' });
    const six = at('2026-01-02T06:00Z');
    assert.deepEqual(clock.between(six - 1, six, 10), [six]);
    assert.deepEqual(clock.between(six, six + 1000, 10), []);
    assert.deepEqual(clock.between(six - 1000, six - 1, 10), []);
    assert.equal(clock.last(six - 1, six), six);
    assert.equal(clock.last(six, six + 1000), undefined);
  });

  it('keeps the hour of its zone over a change of clocks', () => {
    assert.deepEqual(times('0 6 * * *', 'Europe/Berlin', ['2026-03-28T00:00Z', '2026-03-30T23:00Z']), [
      '2026-03-28 05:00',
      '2026-03-29 04:00',
      '2026-03-30 04:00',
    ]);
  });

  it('fires a time that Berlin or New York skips once, at the jump', () => {
    assert.deepEqual(times('30 2 * * *', 'Europe/Berlin', ['2026-03-28T00:00Z', '2026-03-30T23:00Z']), [
      '2026-03-28 01:30',
      '2026-03-29 01:00',
      '2026-03-30 00:30',
    ]);
    assert.deepEqual(times('0,15,30 2 * * *', 'America/New_York', ['2026-03-08T00:00Z', '2026-03-08T23:00Z']), [
      '2026-03-08 07:00',
    ]);
    assert.deepEqual(times('30 2,3 * * *', 'America/New_York', ['2026-03-08T00:00Z', '2026-03-08T23:00Z']), [
      '2026-03-08 07:00',
      '2026-03-08 07:30',
    ]);
  });

  it('fires a time that Berlin or New York shows twice once, at the first', () => {
    assert.deepEqual(times('30 2 * * *', 'Europe/Berlin', ['2026-10-24T00:00Z', '2026-10-26T23:00Z']), [
      '2026-10-24 00:30',
      '2026-10-25 00:30',
      '2026-10-26 01:30',
    ]);
    assert.deepEqual(times('0 1,2 * * *', 'America/New_York', ['2026-11-01T00:00Z', '2026-11-01T23:00Z']), [
      '2026-11-01 05:00',
      '2026-11-01 07:00',
    ]);
  });

  it('that names no hour fires after each hour that has passed, in the night with 23 hours and in that with 25', () => {
    assert.deepEqual(times('0 * * * *', 'Europe/Berlin', ['2026-03-28T23:30Z', '2026-03-29T03:00Z']), [
      '2026-03-29 00:00',
      '2026-03-29 01:00',
      '2026-03-29 02:00',
      '2026-03-29 03:00',
    ]);
    assert.deepEqual(times('30 * * * *', 'Europe/Berlin', ['2026-10-25T00:00Z', '2026-10-25T03:00Z']), [
      '2026-10-25 00:30',
      '2026-10-25 01:30',
      '2026-10-25 02:30',
    ]);
  });

  it('knows the half hour by which Lord Howe jumps', () => {
    assert.deepEqual(times('15 2 * * *', 'Australia/Lord_Howe', ['2026-10-02T12:00Z', '2026-10-05T00:00Z']), [
      '2026-10-02 15:45',
      '2026-10-03 15:30',
      '2026-10-04 15:15',
    ]);
    assert.deepEqual(times('45 1 * * *', 'Australia/Lord_Howe', ['2026-04-04T00:00Z', '2026-04-06T00:00Z']), [
      '2026-04-04 14:45',
      '2026-04-05 15:15',
    ]);
  });

  it('fires once for the day that Samoa left out', () => {
    assert.deepEqual(times('0 6 * * *', 'Pacific/Apia', ['2011-12-29T00:00Z', '2012-01-01T00:00Z']), [
      '2011-12-29 16:00',
      '2011-12-30 10:00',
      '2011-12-30 16:00',
      '2011-12-31 16:00',
    ]);
    assert.deepEqual(times('0 6 30 12 *', 'Pacific/Apia', ['2011-12-01T00:00Z', '2012-12-31T00:00Z']), [
      '2011-12-30 10:00',
      '2012-12-29 16:00',
    ]);
  });

  it('waits for a leap day, over the year 2100 too, and for the last day of a month', () => {
    const clock = readClock({ cron: '0 0 29 2 *' });
    assert.equal(clock.next(at('2026-01-01T00:00Z')), at('2028-02-29T00:00Z'));
    assert.equal(clock.next(at('2096-03-01T00:00Z')), at('2104-02-29T00:00Z'));
    assert.deepEqual(times('0 0 L * *', 'UTC', ['2026-01-15T00:00Z', '2026-03-01T00:00Z']), [
      '2026-01-31 00:00',
      '2026-02-28 00:00',
    ]);
  });

  it('says when it never comes', () => {
    const clock = readClock({ cron: '0 0 31 2 *', timezone: 'Europe/Berlin' });
    assert.equal(clock.next(at('2026-01-01T00:00Z')), undefined);
    assert.deepEqual(clock.between(0, at('2026-01-01T00:00Z'), 10), []);
    assert.equal(clock.last(at('2025-01-01T00:00Z'), at('2026-01-01T00:00Z')), undefined);
  });

  it('counts seconds where a sixth field stands before the others', () => {
    const clock = readClock({ cron: '*/20 * * * * *', timezone: 'Europe/Berlin' });
    assert.deepEqual(
      clock.between(at('2026-01-01T00:00:00Z'), at('2026-01-01T00:01:00Z'), 10).map((ms) => ms / 1000 - 1767225600),
      [20, 40, 60],
    );
  });
});

describe('an interval', () => {
  it('is aligned to 1970 plus its offset, whenever the process began', () => {
    const clock = readClock({ everySeconds: 90, offsetSeconds: 30 });
    assert.deepEqual(clock.between(0, 300_000, 10), [30_000, 120_000, 210_000, 300_000]);
    assert.deepEqual(clock.between(30_000, 209_999, 10), [120_000]);
    assert.deepEqual(clock.between(0, 300_000, 2), [30_000, 120_000]);
    assert.deepEqual(clock.between(30_000, 119_999, 10), []);
    assert.equal(clock.next(30_000), 120_000);
    assert.equal(clock.last(0, 299_999), 210_000);
    assert.equal(clock.last(210_000, 299_999), undefined);
  });
});

describe('adjoining windows', () => {
  const minute = 60_000;
  const zone = fc.constantFrom(
    ...['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca'],
  );
  const cron = fc.constantFrom(
    ...[
      '30 2 * * *',
      '*/7 1-3 * * *',
      '0 * * * *',
      '0 0 * * 0',
      '15,45 */2 * * *',
      '59 23 30,31 * *',
      '*/20 2 * 3,10 *',
    ],
  );
  const clock = fc.oneof(
    fc.record({ cron, timezone: zone }),
    fc.record({
      everySeconds: fc.integer({ min: 1, max: 100_000 }),
      offsetSeconds: fc.integer({ min: 0, max: 99_999 }),
    }),
  );
  const start = fc
    .constantFrom(
      '2011-12-25T00:00Z',
      '2026-03-25T00:00Z',
      '2026-04-01T00:00Z',
      '2026-10-20T00:00Z',
      '2026-11-01T00:00Z',
    )
    .map(at);

  it('hold no time twice and miss none, however the range is cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 3 * 24 * 60 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(clock, start, cuts, (trigger: ClockTrigger, fromMs, widths) => {
        const due = readClock(trigger);
        let edgeMs = fromMs;
        const pieces = widths.flatMap((width) => {
          const piece = due.between(edgeMs, edgeMs + width * minute, Infinity);
          edgeMs += width * minute;
          return piece;
        });
        // Another instance: what the first one keeps of its last answers can't hide a difference.
        assert.deepEqual(pieces, readClock(trigger).between(fromMs, edgeMs, Infinity));
      }),
      { numRuns: 200 },
    );
  });

  it('agree with walking from each time to the next, and with the last of each window', () => {
    const hours = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(clock, start, hours, (trigger: ClockTrigger, fromMs, width) => {
        const due = readClock(trigger);
        const untilMs = fromMs + width * 60 * minute;
        const found = due.between(fromMs, untilMs, 300);
        let edgeMs = fromMs;
        for (const ms of found) {
          assert.equal(due.next(edgeMs), ms);
          edgeMs = ms;
        }
        if (found.length < 300) assert.equal(due.last(fromMs, untilMs), found.at(-1));
      }),
      { numRuns: 60 },
    );
  });
});
