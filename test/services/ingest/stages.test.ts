import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { RawBatch, Reject } from '#services/ingest/src/batch.ts';
import { createStages } from '#services/ingest/src/stages.ts';
import { createLookup, flightsPipeline } from './flights-pipeline.ts';

const pipeline = flightsPipeline();
const lookups = new Map([
  [2, createLookup()],
  [3, createLookup()],
]);

/** Rows as a file of lines brings them, numbered from 101. */
function raw(rows: readonly Readonly<Record<string, unknown>>[]): RawBatch {
  const names = ['date', 'delay', 'distance', 'origin', 'destination'];
  return {
    lo: 101,
    rows: rows.length,
    columns: new Map(names.map((name) => [name, rows.map((row) => row[name])])),
    faults: new Map(),
    body: (position) => JSON.stringify(rows[position]),
  };
}

const sound = { date: '2001-06-15T17:30', delay: 40, distance: 2176, origin: 'LAS', destination: 'PHL' };

function pass(...rows: readonly Readonly<Record<string, unknown>>[]) {
  return createStages(pipeline, lookups, 'text')(raw(rows));
}

function onlyReject(row: Readonly<Record<string, unknown>>): Reject {
  const { batch, rejects } = pass(row);
  assert.equal(batch.positions.length, 0);
  const [reject] = rejects;
  assert.ok(reject !== undefined && rejects.length === 1);
  return reject;
}

describe('the stages of a pipeline', () => {
  it('make of a sound row the row of the table', () => {
    const { batch, rejects } = pass({ ...sound, origin: 'las' });
    assert.deepEqual(rejects, []);
    assert.deepEqual(Object.fromEntries([...batch.columns].map(([name, values]) => [name, values[0]])), {
      departure: 992_626_200,
      delay_minutes: 40,
      distance_miles: 2176,
      origin: 'LAS',
      destination: 'PHL',
      day: 11_488,
      scheduled_hour: 16,
      origin_city: 'Las Vegas',
      origin_state: 'NV',
      origin_latitude: 36.08,
      origin_longitude: -115.15,
      destination_city: 'Philadelphia',
      destination_state: 'PA',
      destination_latitude: 39.87,
      destination_longitude: -75.24,
    });
  });

  it('reconstruct the scheduled hour and day across midnight, in both directions', () => {
    const { batch } = pass(
      { ...sound, date: '2001-06-15T00:10', delay: 15 },
      { ...sound, date: '2001-06-15T23:55', delay: -10 },
      { ...sound, date: '2001-06-15T00:00', delay: 0 },
      { ...sound, date: '2001-06-15T12:00', delay: 1440 },
    );
    assert.deepEqual(batch.columns.get('day'), [11_487, 11_489, 11_488, 11_487]);
    assert.deepEqual(batch.columns.get('scheduled_hour'), [23, 0, 0, 12]);
  });

  it('keep the others when one row is rejected, each with its own number', () => {
    const { batch, rejects } = pass(
      sound,
      { ...sound, origin: 'ZZZ' },
      { ...sound, delay: 41 },
      { ...sound, delay: 'late' },
      { ...sound, delay: 42 },
    );
    assert.deepEqual(
      batch.positions.map((position) => 101 + position),
      [101, 103, 105],
    );
    assert.deepEqual(batch.columns.get('delay_minutes'), [40, 41, 42]);
    assert.deepEqual(batch.columns.get('origin_city'), ['Las Vegas', 'Las Vegas', 'Las Vegas']);
    assert.deepEqual(
      rejects.map(({ rowNumber, kind }) => [rowNumber, kind]),
      [
        [102, 'not_in_airports'],
        [104, 'not_an_integer'],
      ],
    );
  });

  it('tell a reject by kind, column, value, reason, and keep the row as it came', () => {
    const row = { ...sound, delay: 99_999 };
    assert.deepEqual(onlyReject(row), {
      rowNumber: 101,
      kind: 'out_of_range',
      column: 'delay',
      value: '99999',
      reason: '"delay" is above 2880, the most that is taken',
      body: JSON.stringify(row),
    });
  });

  it('tell the first thing wrong with a row: columns in the order of the contract, then rules, then lookups', () => {
    assert.equal(onlyReject({ ...sound, distance: 0, delay: 'x' }).column, 'delay');
    assert.equal(onlyReject({ ...sound, origin: 'ZZZ', destination: 'ZZZ' }).kind, 'same_origin_and_destination');
    assert.equal(onlyReject({ ...sound, origin: 'ZZZ', destination: 'QQQ' }).column, 'origin');
  });

  it('take bounds themselves and refuse what is beyond them', () => {
    const kept = [{ delay: -1440 }, { delay: 2880 }, { distance: 1 }, { distance: 6000 }, { date: '2001-07-01T00:00' }];
    assert.equal(pass(...kept.map((change) => ({ ...sound, ...change }))).rejects.length, 0);
    const beyond = [
      { delay: -1441 },
      { delay: 2881 },
      { distance: 0 },
      { distance: 6001 },
      { date: '2001-07-01T00:01' },
    ];
    for (const change of beyond) assert.equal(onlyReject({ ...sound, ...change }).kind, 'out_of_range');
  });

  it('never convert between text and number', () => {
    assert.equal(onlyReject({ ...sound, delay: '40' }).kind, 'not_an_integer');
    assert.equal(onlyReject({ ...sound, delay: 40.5 }).kind, 'not_an_integer');
    assert.equal(onlyReject({ ...sound, delay: Number.NaN }).kind, 'not_an_integer');
    assert.equal(onlyReject({ ...sound, origin: 7 }).kind, 'not_a_string');
    assert.equal(onlyReject({ ...sound, date: 992_626_200 }).kind, 'not_a_timestamp');
  });

  it('tell a value that is missing from one that is null', () => {
    const { date: _date, ...without } = sound;
    assert.deepEqual([onlyReject(without).kind, onlyReject(without).value], ['missing_column', '']);
    assert.deepEqual(
      [onlyReject({ ...sound, date: null }).kind, onlyReject({ ...sound, date: null }).value],
      ['missing_column', 'null'],
    );
  });

  it('bound what a reject keeps', () => {
    const reject = onlyReject({ ...sound, origin: 'x'.repeat(100_000) });
    assert.equal(reject.kind, 'string_too_long');
    assert.equal(reject.value.length, 200);
    assert.equal(reject.body.length, 65_536);
    assert.match(reject.reason, /100000 characters, at most 10000 .* \(the body is cut to 65536 of \d+ characters\)$/);
  });

  it('leave nulls where a lookup has no such key and the step says so', () => {
    const lenient = flightsPipeline((text) => text.replaceAll('onMiss: reject', 'onMiss: empty'));
    const { batch, rejects } = createStages(lenient, lookups, 'text')(raw([{ ...sound, origin: 'ZZZ' }]));
    assert.equal(rejects.length, 0);
    assert.deepEqual(batch.columns.get('origin_city'), [null]);
    assert.deepEqual(batch.columns.get('destination_city'), ['Philadelphia']);
  });

  it('give the same answer for the same rows', () => {
    const rows = [sound, { ...sound, origin: 'ZZZ' }, { ...sound, delay: 41 }];
    const [first, second] = [pass(...rows), pass(...rows)];
    assert.deepEqual([...first.batch.columns], [...second.batch.columns]);
    assert.deepEqual(first.rejects, second.rejects);
  });
});
