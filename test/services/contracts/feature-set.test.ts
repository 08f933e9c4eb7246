import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readDefinition } from '#services/contracts/src/definition.ts';

const valid = `kind: FeatureSet
schema: 1
name: delays
owner: data
rows:
  table: flights
  day: day
  identity: [file_digest]
  columns: { day: Date, origin: String }
  label: { column: delay_minutes, type: Int16 }
history:
  table: flights_by_hour
  day: day
  keys: [origin]
  measures: { flights: UInt64 }
  daysMax: 28
sql: SELECT origin AS from_airport FROM {{ rows }}
features:
  - { name: from_airport, type: category }
`;

function problemsOf(from: string, to: string): string[] {
  assert.ok(valid.includes(from), from);
  const read = readDefinition(valid.replace(from, to), 'f.yaml');
  return read.ok ? [] : read.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe('the definition of a feature set', () => {
  it('is accepted as it stands in this test', () => {
    assert.equal(readDefinition(valid, 'f.yaml').ok, true);
  });

  it('declares types that JSON carries exactly, and sums that no order changes', () => {
    assert.match(problemsOf('origin: String', 'origin: UInt64')[0] ?? '', /^9:\d+ .*"UInt64"/);
    assert.match(problemsOf('origin: String', 'origin: Nullable(String)')[0] ?? '', /^9:\d+ /);
    assert.match(problemsOf('flights: UInt64', 'flights: Float64')[0] ?? '', /^15:\d+ .*"Float64"/);
  });

  it('refuses keys that it does not know, with the nearest one', () => {
    const read = readDefinition(valid.replace('  measures:', '  mesures:'), 'f.yaml');
    const hints = read.ok ? [] : read.problems.map(({ hint }) => hint);
    assert.ok(
      hints.some((hint) => hint.includes('did you mean "measures"')),
      String(hints),
    );
  });

  it('has its day among the columns, as a Date', () => {
    assert.deepEqual(problemsOf('  day: day\n  identity', '  day: departure\n  identity'), [
      '7:3 the day "departure" is none of the columns of the rows',
    ]);
    assert.deepEqual(problemsOf('day: Date', 'day: String'), ['7:3 the day "day" has the type String']);
  });

  it('hides the label and what names a row from the features', () => {
    assert.deepEqual(problemsOf('origin: String }', 'origin: String, delay_minutes: Int16 }'), [
      '9:41 the label "delay_minutes" stands among the columns that a feature may read',
    ]);
    assert.deepEqual(problemsOf('origin: String }', 'origin: String, file_digest: String }'), [
      '9:41 "file_digest" names a row and stands among the columns that a feature may read',
    ]);
    assert.deepEqual(problemsOf('[file_digest]', '[delay_minutes]'), [
      '8:14 "delay_minutes" stands here a second time',
    ]);
  });

  it('looks the past up by columns that a row has', () => {
    assert.deepEqual(problemsOf('keys: [origin]', 'keys: [orign]'), ['14:10 the key "orign" is no column of the rows']);
    assert.deepEqual(problemsOf('keys: [origin]', 'keys: [day]'), ['14:10 the key "day" is no column of the rows']);
    assert.deepEqual(problemsOf('keys: [origin]', 'keys: [origin, origin]'), [
      '14:18 the key "origin" stands here a second time',
    ]);
    assert.deepEqual(problemsOf('flights: UInt64', 'origin: UInt64'), [
      '15:15 "origin" is a key, the day or the tenant, and can\'t be summed',
    ]);
  });

  it('gives features names of their own and bounds that some value keeps', () => {
    const feature = '{ name: from_airport, type: category }';
    for (const name of ['day', 'file_digest', 'delay_minutes', 'tenant']) {
      assert.match(problemsOf(feature, `{ name: ${name}, type: number }`)[0] ?? '', /^19:7 a feature can't be called/);
    }
    assert.deepEqual(problemsOf(feature, `${feature}\n  - ${feature}`), [
      '20:7 the feature "from_airport" stands here a second time',
    ]);
    assert.deepEqual(problemsOf(feature, '{ name: from_airport, type: category, minimum: 1 }'), [
      '19:5 the category "from_airport" has bounds',
    ]);
    assert.deepEqual(problemsOf(feature, '{ name: from_airport, type: number, minimum: 2, maximum: 1 }'), [
      '19:41 no value of "from_airport" lies between 2 and 1',
    ]);
  });
});
