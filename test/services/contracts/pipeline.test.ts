import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { formatProblem, readDefinition } from '#services/contracts/src/definition.ts';
import { planColumns } from '#services/contracts/src/definitions/pipeline-columns.ts';
import type { Pipeline } from '#services/contracts/src/definitions/pipeline.ts';
import { formatDay, formatTimestamp, parseDay, parseTimestamp } from '#services/contracts/src/definitions/wall-time.ts';

const flights = readFileSync(new URL('../../../definitions/pipelines/flights.yaml', import.meta.url), 'utf8');

function read(text: string): Pipeline {
  const result = readDefinition(text, 'flights.yaml');
  assert.ok(result.ok, JSON.stringify(result, null, 1));
  assert.equal(result.value.kind, 'Pipeline');
  return result.value;
}

const rides = `kind: Pipeline
schema: 1
name: rides
owner: data
source:
  files:
    - { dataset: rides, format: jsonl }
lookups:
  - { dataset: stations, format: csv, key: id }
contract:
  unknownColumns: reject
  columns:
    left: { type: timestamp, from: '2001-01-01T00:00', to: '2001-12-31T00:00' }
    late: { type: integer, minimum: 0, maximum: 90 }
    station: { type: string, pattern: '^[a-z]{3}$' }
    line: { type: string }
  rules:
    - { name: line_is_no_station, different: [line, station] }
steps:
  - uses: normalise
    with: { upperCase: [station], rename: { late: delay } }
  - uses: plan-departure
    with: { departure: left, delayMinutes: delay }
  - uses: enrich
    with: { lookup: stations, key: station, prefix: station_, columns: { city: string }, onMiss: reject }
sink: { table: rides, batchRowsMax: 1000, ttlDays: 10 }
`;

/** What a person reads after changing the definition from right to wrong. */
function broken(from: string, to: string): string[] {
  assert.ok(rides.includes(from), `the definition has no "${from}"`);
  const result = readDefinition(rides.replace(from, to), 'rides.yaml');
  assert.ok(!result.ok, 'the definition was accepted');
  return result.problems.map((problem) => formatProblem(problem).replace(/\n +/, ' | '));
}

describe('a pipeline definition', () => {
  it('that ships is valid, and its columns are those of the table', () => {
    const { columns, problems } = planColumns(read(flights));
    assert.deepEqual(problems, []);
    assert.deepEqual([...columns.keys()].sort(), [
      'day',
      'delay_minutes',
      'departure',
      'destination',
      'destination_city',
      'destination_latitude',
      'destination_longitude',
      'destination_state',
      'distance_miles',
      'origin',
      'origin_city',
      'origin_latitude',
      'origin_longitude',
      'origin_state',
      'scheduled_hour',
    ]);
    // 2001-01-01T00:00 less 2,880 minutes, and 2001-07-01T00:00 plus 1,440 minutes.
    assert.deepEqual(columns.get('day'), { type: 'day', nullable: false, minimum: 11_321, maximum: 11_505 });
    assert.equal(formatDay(11_321), '2000-12-30');
    assert.equal(formatDay(11_505), '2001-07-02');
  });

  it('is read whole when nothing is wrong', () => {
    assert.equal(read(rides).name, 'rides');
  });

  const mistakes: [what: string, from: string, to: string, told: string[]][] = [
    [
      'a misspelt step, with the nearest',
      'uses: normalise',
      'uses: normalize',
      [
        'rides.yaml:20:5 steps.0.uses is "normalize" | did you mean "normalise"? allowed: normalise, plan-departure, enrich',
      ],
    ],
    [
      'an unknown format, with the nearest',
      'format: jsonl',
      'format: json',
      ['rides.yaml:7:25 source.files.0.format is "json" | did you mean "jsonl"? allowed: parquet, jsonl'],
    ],
    [
      'a misspelt key and that its right form is missing',
      'ttlDays: 10',
      'ttlDay: 10',
      [
        'rides.yaml:26:1 sink lacks "ttlDays" | add the key "ttlDays"',
        'rides.yaml:26:43 unknown key "ttlDay" in sink | did you mean "ttlDays"? known keys: table, views, batchRowsMax, ttlDays',
      ],
    ],
    [
      "a bound that the column's type does not have",
      "pattern: '^[a-z]{3}$'",
      'minimum: 3',
      [
        'rides.yaml:15:30 unknown key "minimum" in contract.columns.station | did you mean "type"? known keys: type, required, pattern',
      ],
    ],
    [
      'a batch above the bound',
      'batchRowsMax: 1000',
      'batchRowsMax: 1000000',
      [
        'rides.yaml:26:23 sink.batchRowsMax is 1000000: it must be <= 100000 | rows of one range: written and recorded as one',
      ],
    ],
    [
      'a column that a step does not find, with those that are there',
      'key: station',
      'key: staton',
      [
        'rides.yaml:25:31 there is no column "staton" at this step | did you mean "station"? there are: left, station, line, delay, day, scheduled_hour',
      ],
    ],
    [
      'a column that was renamed before',
      'delayMinutes: delay',
      'delayMinutes: late',
      [
        'rides.yaml:23:30 there is no column "late" at this step | did you mean "line"? there are: left, station, line, delay',
      ],
    ],
    [
      'a column of the wrong type',
      'departure: left',
      'departure: line',
      ['rides.yaml:23:13 the column "line" is a string, this step needs a timestamp | name a timestamp column'],
    ],
    [
      'a lookup that is not declared',
      'lookup: stations',
      'lookup: station',
      ['rides.yaml:25:13 there is no lookup "station" | did you mean "stations"? there are: stations'],
    ],
    [
      'a column that is added twice',
      'rename: { late: delay }',
      'rename: { late: delay, left: line }',
      [
        'rides.yaml:21:58 this step adds the column "line", which is there already | rename one of the two',
        'rides.yaml:23:13 there is no column "left" at this step | did you mean "line"? there are: station, line, delay',
      ],
    ],
    [
      'a column that ingest adds itself',
      'rename: { late: delay }',
      'rename: { late: delay, line: tenant }',
      ['rides.yaml:12:3 a row ends with the column "tenant", which ingest adds itself | rename it in a normalise step'],
    ],
    [
      'bounds in the wrong order',
      'minimum: 0, maximum: 90',
      'minimum: 90, maximum: 0',
      [
        'rides.yaml:14:5 the column "late" has no possible value: its least is above its greatest | exchange the two bounds',
      ],
    ],
    [
      'a bound that is no time',
      "from: '2001-01-01T00:00'",
      "from: '2001-02-30T00:00'",
      ['rides.yaml:13:30 "2001-02-30T00:00" is no timestamp | write it as 2001-06-15T17:30'],
    ],
    [
      'a pattern that is no regular expression',
      '^[a-z]{3}$',
      '^[a-z',
      [
        'rides.yaml:15:30 "^[a-z" is no regular expression: Invalid regular expression: /^[a-z/u: Unterminated character class | mend the pattern, for example ^[A-Z]{3}$',
      ],
    ],
    [
      'a rule over a column that is not there',
      'different: [line, station]',
      'different: [line, statoin]',
      ['rides.yaml:18:53 there is no column "statoin" | did you mean "station"? there are: left, late, station, line'],
    ],
    [
      'a dataset that is named twice',
      '- { dataset: stations, format: csv, key: id }',
      '- { dataset: rides, format: csv, key: id }',
      [
        'rides.yaml:9:7 the dataset "rides" stands here a second time | a dataset is read once: delete one',
        'rides.yaml:25:13 there is no lookup "stations" | did you mean "rides"? there are: rides',
      ],
    ],
  ];
  for (const [what, from, to, told] of mistakes) {
    it(`tells ${what}`, () => assert.deepEqual(broken(from, to), told));
  }
});

describe('wall-clock times', () => {
  it('are counted as written, without a zone', () => {
    assert.equal(parseTimestamp('2001-06-15T17:30'), 992_626_200);
    assert.equal(parseTimestamp('2001-06-15 17:30:00'), 992_626_200);
    assert.equal(parseTimestamp('2001-06-15T17:30:59.999'), 992_626_259);
    assert.equal(formatTimestamp(992_626_200), '2001-06-15T17:30:00');
    assert.equal(parseDay('2001-06-15'), 11_488);
    assert.equal(formatDay(11_488), '2001-06-15');
  });

  it('refuse what no calendar or clock has, zones and other spellings', () => {
    const wrong = [
      '2001-02-29T10:00',
      '2001-13-01T10:00',
      '2001-06-15T24:00',
      '2001-06-15T10:60',
      '2001-06-15T10:00:60',
    ];
    const foreign = [
      '2001-06-15',
      '2001-06-15T17:30Z',
      '2001-06-15T17:30+02:00',
      ' 2001-06-15T17:30',
      '15.06.2001 17:30',
      '',
    ];
    for (const text of [...wrong, ...foreign]) assert.equal(parseTimestamp(text), undefined, text);
    for (const text of ['2001-02-29', '2001-00-10', '2001-6-15', '01-06-15', ''])
      assert.equal(parseDay(text), undefined, text);
  });
});
