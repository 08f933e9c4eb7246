import { formatDay } from '@orrery/contracts/definitions/wall-time';
import { columnOf, type Batch, type OutputColumn, type Reject, type Value } from './batch.ts';

/** A body of one insert and the rows that it holds: first and last row number. */
export interface Piece {
  readonly lo: number;
  readonly hi: number;
  readonly rows: number;
  readonly body: Buffer;
}

/**
 * A body stays below 10 MiB: from there ClickHouse cuts it into blocks by size, a repeated insert may be cut elsewhere, and the token no
 * longer tells that it is the same.
 */
export const bodyBytesMax = 8_000_000;

/** Columns that are the same for all rows of a file, before those of the batch. */
export interface Constants {
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** Encodes a batch for a table. Where one body ends and the next begins depends on the rows alone. */
export function encodeBatch(batch: Batch, columns: readonly OutputColumn[], constants: Constants): Piece[] {
  const start = constants.values.map(escapeText).join('\t');
  const fields = columns.map(({ name, shape }) => ({ values: columnOf(batch, name), isDay: shape.type === 'day' }));
  return cutPieces(batch.positions.length, {
    numberOf: (row) => batch.raw.lo + (batch.positions[row] ?? 0),
    lineOf: (row, number) => {
      let line = `${start}\t${number}`;
      for (const { values, isDay } of fields) line += `\t${encodeValue(values[row] ?? null, isDay)}`;
      return line;
    },
  });
}

/** The names in the order in which `encodeBatch` writes the values. */
export function batchColumns(columns: readonly OutputColumn[], constants: Constants): string[] {
  return [...constants.names, 'row_number', ...columns.map((column) => column.name)];
}

export const rejectColumns = ['kind', 'column_name', 'value', 'reason', 'body'] as const;

export function encodeRejects(rejects: readonly Reject[], constants: Constants): Piece[] {
  const start = constants.values.map(escapeText).join('\t');
  return cutPieces(rejects.length, {
    numberOf: (row) => rejects[row]?.rowNumber ?? 0,
    lineOf: (row, number) => {
      const { kind = '', column = '', value = '', reason = '', body = '' } = rejects[row] ?? {};
      return `${start}\t${number}\t${[kind, column, value, reason, body].map(escapeText).join('\t')}`;
    },
  });
}

interface Lines {
  readonly numberOf: (row: number) => number;
  readonly lineOf: (row: number, number: number) => string;
}

function cutPieces(rows: number, { numberOf, lineOf }: Lines): Piece[] {
  const pieces: Piece[] = [];
  let text = '';
  let bytes = 0;
  let first = 0;
  const close = (end: number) => {
    if (end === first) return;
    pieces.push({ lo: numberOf(first), hi: numberOf(end - 1), rows: end - first, body: Buffer.from(text) });
    [text, bytes, first] = ['', 0, end];
  };
  for (let row = 0; row < rows; row += 1) {
    const line = `${lineOf(row, numberOf(row))}\n`;
    const lineBytes = Buffer.byteLength(line);
    if (bytes + lineBytes > bodyBytesMax) close(row);
    text += line;
    bytes += lineBytes;
  }
  close(rows);
  return pieces;
}

const days = new Map<number, string>();
const daysMax = 10_000;

function encodeValue(value: Value, isDay: boolean): string {
  if (typeof value === 'string') return escapeText(value);
  if (value === null) return '\\N';
  return isDay ? encodeDay(value) : String(value);
}

/** Formatting a day costs more than all else in a row, and a file has few of them. */
function encodeDay(day: number): string {
  const known = days.get(day);
  if (known !== undefined) return known;
  if (days.size >= daysMax) days.clear();
  const text = formatDay(day);
  days.set(day, text);
  return text;
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\b': '\\b',
  '\f': '\\f',
  '\0': '\\0',
};

function escapeText(text: string): string {
  return /[\\\t\n\r\b\f\0]/.test(text) ? text.replace(/[\\\t\n\r\x08\f\0]/g, (found) => escapes[found] ?? found) : text;
}
