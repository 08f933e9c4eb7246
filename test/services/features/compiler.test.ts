import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { FeatureSet } from '#services/contracts/src/definitions/feature-set.ts';
import { compileFeatureSet, type CompiledFeatureSet } from '#services/features/src/compiler.ts';
import { layOut } from '#services/features/src/emission.ts';

const template = `
SELECT
  past.delay_sum / past.flights AS mean,
  toHour AS hour
FROM {{ rows }}
LEFT JOIN {{ history(7, origin) }} AS past`;

const set: FeatureSet = {
  kind: 'FeatureSet',
  schema: 1,
  name: 'two-words',
  owner: 'data',
  rows: {
    table: 'flights',
    day: 'day',
    identity: ['file_digest', 'row_number'],
    columns: { day: 'Date', hour: 'UInt8', origin: 'String', destination: 'String' },
    label: { column: 'delay_minutes', type: 'Int16' },
  },
  history: {
    table: 'flights_by_hour',
    day: 'day',
    keys: ['origin', 'destination', 'hour'],
    measures: { flights: 'UInt64', delay_sum: 'Int64' },
    daysMax: 28,
  },
  sql: template.replace('toHour', 'hour'),
  features: [
    { name: 'mean', type: 'number', nullable: true },
    { name: 'hour', type: 'number' },
  ],
};

function compile(changes: Partial<FeatureSet> = {}): CompiledFeatureSet {
  const result = compileFeatureSet({ ...set, ...changes });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.compiled;
}

describe('the compiler', () => {
  it('writes a join that reaches from the day before back to the length of the window', () => {
    const { sql, history } = compile();
    const [table] = history;
    assert.equal(
      sql,
      `SELECT
  if(isFinite(toFloat32(past_1.delay_sum_7d / past_1.flights_7d) AS value_mean), value_mean, NULL) AS mean,
  if(isFinite(toFloat32(row.hour) AS value_hour), value_hour, NULL) AS hour
FROM {{ rows }} AS row
LEFT JOIN (
  SELECT as_of, origin AS of_origin, sumOrNullIf(flights, as_of - day <= 7) AS flights_7d, sumOrNullIf(delay_sum, as_of - day <= 7) AS delay_sum_7d
  FROM ${table?.name ?? ''}
  ARRAY JOIN arrayFilter(later -> later > day AND later - day <= 7, {days:Array(Date)}) AS as_of
  WHERE tenant = {tenant:String}
  AND day >= arrayMin({days:Array(Date)}) - 7 AND day < arrayMax({days:Array(Date)})
  GROUP BY as_of, origin
) AS past_1 ON past_1.as_of = row.day AND past_1.of_origin = row.origin`,
    );
  });

  it('gives the same fingerprint whatever a definition says to people and however it is laid out', () => {
    const laidOut = `-- the mean\n${set.sql.replaceAll('\n', ' /* gap */ \n\n')}`;
    const { fingerprint } = compile();
    assert.equal(compile({ sql: laidOut }).fingerprint, fingerprint);
    assert.equal(compile({ owner: 'science', description: 'the same' }).fingerprint, fingerprint);
    assert.equal(compile({ history: { ...set.history, daysMax: 14 } }).fingerprint, fingerprint);
    const described = set.features.map((feature) => ({ ...feature, description: 'minutes' }));
    assert.equal(compile({ features: described }).fingerprint, fingerprint);
  });

  it('gives another fingerprint, hence another table, for all that a value or its checks follow from', () => {
    const [mean = { name: 'mean', type: 'number' as const }, hour = mean] = set.features;
    const { rows, history, sql } = set;
    const others = [
      compile({ sql: sql.replace('history(7', 'history(8') }),
      compile({ sql: sql.replace('hour AS', 'hour + 1 AS') }),
      compile({ features: [hour, mean] }),
      compile({ features: [mean, { ...hour, maximum: 23 }] }),
      compile({ rows: { ...rows, table: 'other' } }),
      compile({ rows: { ...rows, label: { column: 'late', type: 'UInt8' } } }),
      compile({ history: { ...history, table: 'other' } }),
      compile({ name: 'three-words' }),
    ];
    const all = [compile(), ...others];
    assert.equal(new Set(all.map(({ fingerprint }) => fingerprint)).size, 9);
    assert.equal(new Set(all.map(({ table }) => table)).size, 9);
    assert.match(compile().table, /^features_two_words_[0-9a-f]{12}$/);
  });

  it('answers windows over the same columns by one join, and keeps the past by the fewest keys that answer all', () => {
    const sql = `
      SELECT a.flights AS mean, b.flights + c.flights + d.flights + e.flights AS hour
      FROM {{ rows }}
      LEFT JOIN {{ history(1, origin) }} AS a
      LEFT JOIN {{ history(28, origin) }} AS b
      LEFT JOIN {{ history(7, destination, origin) }} AS c
      LEFT JOIN {{ history(7) }} AS d
      LEFT JOIN {{ history(14, hour) }} AS e`;
    const compiled = compile({ sql });
    assert.equal(compiled.parts.joins.length, 4);
    assert.deepEqual(
      compiled.history.map(({ keys }) => keys.map(({ name }) => name)),
      [['origin', 'destination'], ['hour']],
    );
    assert.equal(compiled.historyDays, 28);
  });

  it('reads the past of given keys alone when the rows are few', () => {
    const { parts } = compile();
    const layout = { rows: '{{ rows }}', carried: ['position'] };
    const whole = layOut(parts, { ...layout, restricted: false }).split('\n');
    const restricted = layOut(parts, { ...layout, restricted: true }).split('\n');
    assert.deepEqual(
      restricted.filter((line) => !whole.includes(line)),
      ['  AND origin IN {of_origin:Array(String)}'],
    );
    assert.equal(restricted.length, whole.length + 1);
  });

  it('keeps no more of the past than features read', () => {
    const compiled = compile({ sql: set.sql.replace('past.delay_sum / past.flights', 'past.flights') });
    assert.equal(compiled.sql.includes('delay_sum'), false);
  });
});
