import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { readFeatureSet } from '#services/features/src/definitions.ts';

/** `sql: |` stands on line 23, so the template begins on line 24, moved right by two. */
function definition(template: string, features = '  - { name: hour, type: number }'): string {
  return `kind: FeatureSet
schema: 1
name: delays
owner: data
rows:
  table: flights
  day: day
  identity: [file_digest, row_number]
  columns:
    day: Date
    scheduled_hour: UInt8
    origin: String
    destination: String
  label:
    column: delay_minutes
    type: Int16
history:
  table: flights_by_hour
  day: day
  keys: [origin, destination]
  measures: { flights: UInt64, delay_sum: Int64 }
  daysMax: 28
sql: |
${template
  .trim()
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}
features:
${features}
`;
}

/** Each problem as `line:column message`. */
function problemsOf(template: string, features?: string): string[] {
  const read = readFeatureSet(definition(template, features), 'features/delays.yaml');
  if (read.ok) throw new Error('it was accepted');
  return read.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

function hintOf(template: string): string {
  const read = readFeatureSet(definition(template), 'features/delays.yaml');
  return read.ok ? '' : (read.problems[0]?.hint ?? '');
}

const hour = 'SELECT scheduled_hour AS hour FROM {{ rows }}';

describe('a template', () => {
  it('is accepted when it reads the rows alone', () => {
    assert.equal(readFeatureSet(definition(hour), 'features/delays.yaml').ok, true);
  });

  it("can't read the label, by whatever spelling, and says where", () => {
    assert.deepEqual(problemsOf('SELECT delay_minutes AS hour\nFROM {{ rows }}'), [
      '24:10 the label "delay_minutes" can\'t be read',
    ]);
    assert.deepEqual(problemsOf('SELECT rows.delay_minutes AS hour FROM {{ rows }}'), [
      '24:10 "rows" is no window of the past',
    ]);
    assert.deepEqual(problemsOf('SELECT "delay_minutes" AS hour FROM {{ rows }}'), [
      '24:10 " quotes no name here',
      '24:24 " quotes no name here',
    ]);
    assert.deepEqual(problemsOf('SELECT `delay_minutes` AS hour FROM {{ rows }}'), [
      '24:10 ` quotes no name here',
      '24:24 ` quotes no name here',
    ]);
    assert.deepEqual(problemsOf('SELECT * AS hour FROM {{ rows }}'), ['24:10 "*" names no feature']);
    assert.deepEqual(problemsOf("SELECT COLUMNS('delay.*') AS hour FROM {{ rows }}"), [
      "24:10 the function COLUMNS isn't allowed",
    ]);
    assert.deepEqual(
      problemsOf('SELECT past.delay_minutes AS hour\nFROM {{ rows }}\nLEFT JOIN {{ history(7) }} AS past'),
      ['24:15 "delay_minutes" is no measure of the past'],
    );
  });

  it("can't read what only names a row", () => {
    assert.deepEqual(problemsOf('SELECT row_number AS hour FROM {{ rows }}'), [
      '24:10 "row_number" only names a row and can\'t be read',
    ]);
  });

  it("can't read a table, a table function or another query", () => {
    assert.deepEqual(problemsOf('SELECT scheduled_hour AS hour FROM flights'), ['24:38 "flights" can\'t be read']);
    assert.deepEqual(problemsOf("SELECT scheduled_hour AS hour FROM url('http://x')"), [
      '24:38 "url" can\'t be read',
      '24:41 "(" can\'t follow here',
    ]);
    assert.deepEqual(problemsOf('SELECT scheduled_hour AS hour FROM {{ rows }} LEFT JOIN flights AS f'), [
      '24:59 "flights" can\'t be joined',
    ]);
    assert.deepEqual(problemsOf('SELECT (SELECT 1) AS hour FROM {{ rows }}'), [
      '24:11 "SELECT" is no column of the rows',
    ]);
    assert.deepEqual(problemsOf('SELECT scheduled_hour IN airports AS hour FROM {{ rows }}'), [
      '24:25 IN has no list',
      '24:28 "airports" is no column of the rows',
    ]);
    assert.match(hintOf('SELECT scheduled_hour AS hour FROM flights'), /\{\{ rows \}\}/);
  });

  it("can't look at the clock, at chance, at another row or at what approximates", () => {
    for (const call of ['now()', 'today()', 'rand()', 'generateUUIDv4()', 'sum(scheduled_hour)', 'count()', 'exp(1)']) {
      const name = call.split('(')[0] ?? '';
      assert.deepEqual(problemsOf(`SELECT ${call} AS hour FROM {{ rows }}`), [
        `24:10 the function ${name} isn't allowed`,
      ]);
    }
    for (const call of ['neighbor(scheduled_hour, 1)', "dictGet('d', 'a', 1)", "file('x')", 'arrayJoin(1)']) {
      assert.match(problemsOf(`SELECT ${call} AS hour FROM {{ rows }}`)[0] ?? '', /isn't allowed/);
    }
    assert.match(hintOf('SELECT now() AS hour FROM {{ rows }}'), /carries its own day/);
    assert.match(hintOf('SELECT sum(scheduled_hour) AS hour FROM {{ rows }}'), /own row/);
    assert.match(problemsOf('SELECT scheduled_hour OVER (1) AS hour FROM {{ rows }}')[0] ?? '', /OVER/);
  });

  it("can't go on after its sources", () => {
    for (const clause of [
      'WHERE 1',
      'GROUP BY origin',
      'ORDER BY day',
      'LIMIT 1',
      'UNION ALL',
      'SETTINGS a = 1',
      'INNER JOIN x',
    ]) {
      const word = clause.split(' ')[0] ?? '';
      assert.deepEqual(problemsOf(`${hour} ${clause}`), [`24:49 "${word}" can't follow here`]);
    }
    assert.deepEqual(problemsOf(`${hour}; DROP TABLE flights`)[0], '24:48 ";" has no place in a template');
    assert.deepEqual(problemsOf(`${hour} INTO OUTFILE 'x'`), ['24:49 "INTO" can\'t follow here']);
  });

  it("can't close the call that is laid around an expression", () => {
    assert.deepEqual(problemsOf('SELECT 1) AS hour FROM {{ rows }}'), ['24:11 this ) closes nothing']);
    assert.deepEqual(problemsOf('SELECT (1 AS hour FROM {{ rows }}')[0], '24:10 this ( is never closed');
  });

  it('joins the past only by its own keys, no further back than declared, and reads each window', () => {
    const join = (history: string) =>
      `SELECT past.flights AS hour\nFROM {{ rows }}\nLEFT JOIN {{ ${history} }} AS past`;
    assert.equal(readFeatureSet(definition(join('history(28, origin)')), 'f').ok, true);
    assert.deepEqual(problemsOf(join('history(29)')), ['26:13 the window "past" is 29 days long']);
    assert.deepEqual(problemsOf(join('history(0)')), ['26:13 the window "past" is 0 days long']);
    assert.deepEqual(problemsOf(join('history(-1)')), ['26:13 "history(-1)" can\'t be joined']);
    assert.deepEqual(problemsOf(join('history(7, day)')), ['26:13 the past can\'t be looked up by "day"']);
    assert.deepEqual(problemsOf(join('history(7, origin, origin)')), [
      '26:13 the past can\'t be looked up by "origin"',
    ]);
    assert.deepEqual(problemsOf(join('rows')), ['26:13 "rows" can\'t be joined']);
    assert.deepEqual(problemsOf(`${join('history(7)')} ON past.day = day`), ['26:38 "ON" can\'t follow here']);
    assert.deepEqual(problemsOf(`${hour} LEFT JOIN {{ history(7) }} AS past`), [
      '24:59 no feature reads the window "past"',
    ]);
  });

  it('computes each declared feature once, and none that is not declared', () => {
    const two = '  - { name: hour, type: number }\n  - { name: from, type: category }';
    assert.deepEqual(problemsOf(hour, two), ['24:3 the feature "from" is declared and not computed']);
    assert.deepEqual(problemsOf('SELECT 1 AS hour, 2 AS hour FROM {{ rows }}'), [
      '24:26 the feature "hour" is computed a second time',
    ]);
    assert.deepEqual(problemsOf('SELECT 1 AS huor FROM {{ rows }}'), [
      '24:15 "huor" isn\'t declared under features',
      '24:3 the feature "hour" is declared and not computed',
    ]);
    assert.match(hintOf('SELECT 1 AS huor FROM {{ rows }}'), /did you mean "hour"/);
  });

  it('names the nearest column', () => {
    assert.deepEqual(problemsOf('SELECT scheduled_huor AS hour FROM {{ rows }}'), [
      '24:10 "scheduled_huor" is no column of the rows',
    ]);
    assert.match(hintOf('SELECT scheduled_huor AS hour FROM {{ rows }}'), /did you mean "scheduled_hour"/);
  });
});

describe('the feature sets of the repository', () => {
  it('compile', () => {
    const text = readFileSync(new URL('../../../definitions/features/flight-delay.yaml', import.meta.url), 'utf8');
    const read = readFeatureSet(text, 'features/flight-delay.yaml');
    assert.deepEqual(read.ok ? [] : read.problems, []);
  });
});
