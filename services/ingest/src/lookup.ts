import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { closest } from 'fastest-levenshtein';
import { messageOf } from '@orrery/kit/errors';
import type { Value } from './batch.ts';
import { lookupInvalid } from './errors.ts';

/** A small table in memory, by key. */
export interface Lookup {
  readonly columns: readonly string[];
  /** The values of `columns` for a key; undefined when the table has no such key. */
  find(key: Value): readonly Value[] | undefined;
}

export interface LookupOptions {
  readonly dataset: string;
  readonly path: string;
  readonly key: string;
  /** The columns that steps ask for, with their types. */
  readonly columns: Readonly<Record<string, 'string' | 'number'>>;
}

const lookupRowsMax = 1_000_000;

/** Reads a CSV with a header line. Throws `LOOKUP_INVALID`, naming the line, for what would enrich rows wrongly. */
export async function loadLookup(options: LookupOptions): Promise<Lookup> {
  const [header = [], ...rows] = parseCsv(options, await readFile(options.path, 'utf8'));
  const names = Object.keys(options.columns);
  const place = (name: string) => {
    const index = header.indexOf(name);
    if (index !== -1) return index;
    const nearest = header.length === 0 ? '' : `; did you mean "${closest(name, header)}"?`;
    throw lookupInvalid(
      options.dataset,
      `it has no column "${name}"`,
      `its columns are ${header.join(', ')}${nearest}`,
    );
  };
  const keyPlace = place(options.key);
  const places = names.map((name) => ({ name, index: place(name), type: options.columns[name] }));
  const entries = new Map<string, Value[]>();
  rows.forEach((row, index) => {
    const line = index + 2;
    const key = row[keyPlace] ?? '';
    if (entries.has(key)) {
      throw lookupInvalid(
        options.dataset,
        `the key "${key}" stands a second time, in record ${line}`,
        'keep one of the two',
      );
    }
    entries.set(
      key,
      places.map((column) => convert(row[column.index] ?? '', { ...column, line, dataset: options.dataset })),
    );
  });
  return { columns: names, find: (key) => (typeof key === 'string' ? entries.get(key) : undefined) };
}

function parseCsv(options: LookupOptions, text: string): string[][] {
  try {
    return parse(text, { bom: true, to: lookupRowsMax + 1, skip_empty_lines: true });
  } catch (error) {
    throw lookupInvalid(
      options.dataset,
      messageOf(error),
      'mend the file: comma-separated, one header line, quotes doubled',
    );
  }
}

function convert(
  text: string,
  column: { name: string; type: 'string' | 'number' | undefined; line: number; dataset: string },
): Value {
  if (column.type !== 'number') return text;
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number)) return number;
  const message = `"${column.name}" is "${text}" in record ${column.line}, which is no number`;
  throw lookupInvalid(column.dataset, message, 'mend the file or declare the column a string');
}
