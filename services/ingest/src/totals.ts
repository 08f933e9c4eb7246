import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import type { Database } from './database.ts';
import { rowsUnaccounted } from './errors.ts';
import { readRanges, type Intake } from './intakes.ts';
import { cutRanges, missingRanges } from './ranges.ts';

export interface Totals {
  readonly read: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly rejects: readonly { readonly kind: string; readonly rows: number }[];
}

interface Counted {
  readonly rows: number | string;
}

export interface Standing {
  readonly tenant: string;
  readonly pipeline: Pipeline;
  readonly intakes: readonly Intake[];
}

/** Removes what earlier intakes of this pipeline left in its tables: a changed file or contract, a dataset no longer named. */
export async function removeSuperseded(database: Database, { tenant, pipeline, intakes }: Standing): Promise<number> {
  const tables = [...(pipeline.sink.views ?? []).map((view) => view.table), 'rejects', pipeline.sink.table];
  let removed = 0;
  for (const table of tables) {
    const current = intakes.map((intake) => intake.name);
    const parameters = { table, tenant, prefix: `${pipeline.name}/`, current };
    const [found] = await database.select<Counted>('count_superseded', parameters);
    const rows = Number(found?.rows ?? 0);
    if (rows === 0) continue;
    await database.command('delete_superseded', parameters);
    removed += rows;
  }
  return removed;
}

/**
 * Counts what stands, by queries only, and compares: rows of the file, ranges recorded, rows in the table, in each view, and rejects.
 * Throws `ROWS_UNACCOUNTED` with every figure that differs.
 */
export async function accountRows(database: Database, standing: Standing): Promise<Totals> {
  const { tenant, pipeline, intakes } = standing;
  const problems: string[] = [];
  let [read, accepted, rejected] = [0, 0, 0];
  for (const intake of intakes) {
    const found = await accountIntake(database, standing, intake);
    problems.push(...found.problems);
    read += intake.rows;
    accepted += found.accepted;
    rejected += found.rejected;
  }
  const counted = await database.select<{ kind: string; rows: number | string }>('count_rejects', {
    tenant,
    intakes: intakes.map((intake) => intake.name),
  });
  const rejects = counted.map(({ kind, rows }) => ({ kind, rows: Number(rows) }));
  if (read !== accepted + rejected) {
    problems.push(`${read} rows were read, ${accepted} accepted and ${rejected} rejected`);
  }
  if (problems.length > 0) throw rowsUnaccounted(pipeline.name, problems);
  return { read, accepted, rejected, rejects };
}

async function accountIntake(
  database: Database,
  { tenant, pipeline }: Standing,
  intake: Intake,
): Promise<{ accepted: number; rejected: number; problems: string[] }> {
  const ranges = await readRanges(database, tenant, intake);
  const missing = missingRanges(cutRanges(intake.rows, intake.batchRows), ranges);
  const recorded = ranges.reduce(
    (sum, range) => ({ accepted: sum.accepted + range.accepted, rejected: sum.rejected + range.rejected }),
    { accepted: 0, rejected: 0 },
  );
  const accepted = await countRows(database, { table: pipeline.sink.table, tenant, intake: intake.name });
  const rejected = await countRows(database, { table: 'rejects', tenant, intake: intake.name });
  const problems: string[] = [];
  const compare = (where: string, rows: number, expected: number) => {
    if (rows !== expected) problems.push(`${intake.name}: ${where} has ${rows} rows where ${expected} were written`);
  };
  if (missing.length > 0) problems.push(`${intake.name}: ${missing.length} ranges were not recorded`);
  compare(pipeline.sink.table, accepted, recorded.accepted);
  compare('rejects', rejected, recorded.rejected);
  for (const view of pipeline.sink.views ?? []) {
    const parameters = { table: view.table, column: view.rows, tenant, intake: intake.name };
    const [sum] = await database.select<Counted>('sum_view_rows', parameters);
    compare(view.table, Number(sum?.rows ?? 0), recorded.accepted);
  }
  return { accepted, rejected, problems };
}

async function countRows(
  database: Database,
  parameters: { table: string; tenant: string; intake: string },
): Promise<number> {
  const [found] = await database.select<Counted>('count_rows', parameters);
  return Number(found?.rows ?? 0);
}
