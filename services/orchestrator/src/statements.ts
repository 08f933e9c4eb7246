import { readFile } from 'node:fs/promises';

const names = [
  'kill_query',
  'select_chain_ends',
  'select_chain_of_run',
  'select_chains',
  'select_log_digests',
  'select_log_gaps',
  'select_log_losses',
  'select_run_acts',
  'select_run_durations',
  'select_run_events',
  'select_run_failures',
  'select_run_pools',
  'select_run_steps',
  'select_run_transitions',
  'select_step_durations',
] as const;

export type StatementName = (typeof names)[number];
export type Statements = Readonly<Record<StatementName, string>>;

/** The folder of migrations (`NNN_…`) and statements. Named directly in `src/`, because a bundle keeps `../sql/` beside itself. */
export const sqlFolder = new URL('../sql/', import.meta.url);

export async function loadStatements(): Promise<Statements> {
  const texts = await Promise.all(names.map((name) => readFile(new URL(`${name}.sql`, sqlFolder), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, texts[index]])) as Statements;
}
