import { readFile } from 'node:fs/promises';

const names = [
  'count_rejects',
  'count_rows',
  'count_superseded',
  'delete_superseded',
  'select_columns',
  'select_latest_intake',
  'select_ranges',
  'select_rejects',
  'sum_view_rows',
] as const;

export type StatementName = (typeof names)[number];
export type Statements = Readonly<Record<StatementName, string>>;

/** The folder of migrations (`NNN_…`) and statements. */
export const sqlFolder = new URL('../sql/', import.meta.url);

export async function loadStatements(): Promise<Statements> {
  const texts = await Promise.all(names.map((name) => readFile(new URL(`${name}.sql`, sqlFolder), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, texts[index]])) as Statements;
}
