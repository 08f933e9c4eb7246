import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Two hundred rows that break the contract of `definitions/pipelines/flights.yaml`, 25 for each of 8 kinds, and apart from them what
 * is to be found wrong. Run this file to write both: `node test/support/planted-rows.ts`. The same code always writes the same bytes.
 */
export const plantedFile = new URL('../../definitions/pipelines/datasets/planted-rows.jsonl', import.meta.url);
export const expectedFile = new URL('../services/ingest/fixtures/planted-rows.json', import.meta.url);

/** What must stand among the rejects for one row. The reason begins with this text. */
export interface ExpectedReject {
  readonly row: number;
  readonly kind: string;
  readonly column: string;
  readonly value: string;
  readonly reason: string;
}

interface Planted extends Omit<ExpectedReject, 'row'> {
  readonly line: string;
}

type Row = Readonly<Record<string, unknown>>;
type Planter = (row: Row, round: number) => Planted;

const rounds = 25;
const airports = ['LAS', 'PHL', 'ATL', 'SEA', 'ORD', 'BOS', 'DEN', 'MIA', 'JFK', 'SFO', 'PHX', 'MSP'];
const columns = ['date', 'delay', 'distance', 'origin', 'destination'] as const;

/** A sound flight, another one for each number. */
function soundRow(number: number): Row {
  const two = (value: number) => String(value).padStart(2, '0');
  const [month, day, hour, minute] = [1 + (number % 6), 1 + ((number * 7) % 28), (number * 5) % 24, (number * 11) % 60];
  const origin = airports[number % airports.length];
  return {
    date: `2001-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:00`,
    delay: ((number * 13) % 95) - 20,
    distance: 200 + ((number * 37) % 2400),
    origin,
    destination:
      airports[(number * 5 + 1) % airports.length] === origin ? 'MEM' : airports[(number * 5 + 1) % airports.length],
  };
}

function pick<T>(list: readonly T[], round: number): T {
  return list[round % list.length] as T;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

const plantMissing: Planter = (row, round) => {
  const column = pick(columns, round);
  const isNull = round % 2 === 1;
  const broken = isNull
    ? { ...row, [column]: null }
    : Object.fromEntries(Object.entries(row).filter(([name]) => name !== column));
  const reason = isNull ? `"${column}" is null` : `the row has no "${column}"`;
  return { line: JSON.stringify(broken), kind: 'missing_column', column, value: isNull ? 'null' : '', reason };
};

const plantUnknown: Planter = (row, round) => {
  const [column, value] = pick(
    [
      ['carrier', 'WN'],
      ['cancelled', false],
      ['tail_number', 'N407'],
      ['Delay', 12],
      ['seats', 137],
    ] as const,
    round,
  );
  const reason = `the contract knows no column "${column}"`;
  return {
    line: JSON.stringify({ ...row, [column]: value }),
    kind: 'unknown_column',
    column,
    value: shown(value),
    reason,
  };
};

const plantTimestamp: Planter = (row, round) => {
  const wrong = [
    'yesterday',
    '2001-02-30T10:15:00',
    '15.06.2001 17:30',
    992_626_200,
    '2001-06-15T25:00:00',
    '2001-06-15',
    '',
  ];
  const date = pick(wrong, round);
  const reason = '"date" is no time of the calendar written like 2001-06-15T17:30';
  return {
    line: JSON.stringify({ ...row, date }),
    kind: 'not_a_timestamp',
    column: 'date',
    value: shown(date),
    reason,
  };
};

const plantInteger: Planter = (row, round) => {
  const [column, value] = pick(
    [
      ['delay', 12.5],
      ['delay', '7'],
      ['distance', '2176 miles'],
      ['distance', true],
      ['delay', [3]],
    ] as const,
    round,
  );
  const line = JSON.stringify({ ...row, [column]: value });
  return { line, kind: 'not_an_integer', column, value: shown(value), reason: `"${column}" is no whole number` };
};

const plantRange: Planter = (row, round) => {
  const [column, value, reason] = pick(
    [
      ['delay', 99_999, '"delay" is above 2880, the most that is taken'],
      ['delay', -5000, '"delay" is below -1440, the least that is taken'],
      ['distance', 0, '"distance" is below 1, the least that is taken'],
      ['distance', 21_760, '"distance" is above 6000, the most that is taken'],
      ['date', '2011-06-15T17:30:00', '"date" is above 2001-07-01T00:00:00, the most that is taken'],
      ['date', '1901-06-15T17:30:00', '"date" is below 2001-01-01T00:00:00, the least that is taken'],
    ] as const,
    round,
  );
  return {
    line: JSON.stringify({ ...row, [column]: value }),
    kind: 'out_of_range',
    column,
    value: shown(value),
    reason,
  };
};

const plantAirport: Planter = (row, round) => {
  const column = round % 2 === 0 ? 'origin' : 'destination';
  const value = pick(['ZZZ', 'QQQ', 'XXW', 'ZZQ', 'QXQ'], round);
  const reason = `"${column}" is ${value}, which airports does not hold`;
  return { line: JSON.stringify({ ...row, [column]: value }), kind: 'not_in_airports', column, value, reason };
};

const plantSame: Planter = (row) => {
  const value = shown(row['origin']);
  const line = JSON.stringify({ ...row, destination: value });
  const reason = `"origin" and "destination" are both ${value}`;
  return { line, kind: 'same_origin_and_destination', column: 'destination', value, reason };
};

const plantBrokenLine: Planter = (row, round) => {
  const whole = JSON.stringify(row);
  const line = pick(
    [
      whole.slice(0, -1),
      whole.replace('"delay":', '"delay":,'),
      whole.replaceAll('"', "'"),
      Object.values(row).join(','),
      whole.replace(/"delay":-?\d+/, '"delay":NaN'),
    ],
    round,
  );
  return { line, kind: 'not_json', column: '', value: line, reason: 'the line is no JSON: ' };
};

const planters = [
  plantMissing,
  plantUnknown,
  plantTimestamp,
  plantInteger,
  plantRange,
  plantAirport,
  plantSame,
  plantBrokenLine,
];

/** Both files' text. */
export function plantRows(): { rows: string; expected: string } {
  const planted = Array.from({ length: rounds }, (_, round) =>
    planters.map((plant, kind) => plant(soundRow(round * planters.length + kind), round)),
  ).flat();
  const expected = planted.map(({ kind, column, value, reason }, index) =>
    JSON.stringify({ row: index + 1, kind, column, value, reason } satisfies ExpectedReject),
  );
  return {
    rows: planted.map(({ line }) => `${line}\n`).join(''),
    expected: `[\n${expected.join(',\n')}\n]\n`,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { rows, expected } = plantRows();
  writeFileSync(plantedFile, rows);
  writeFileSync(expectedFile, expected);
}
