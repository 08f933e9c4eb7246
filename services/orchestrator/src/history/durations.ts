import type { HistoryDatabase } from './database.ts';

/** Of those that succeeded. */
export interface Durations {
  readonly n: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
}

export interface PastDurations {
  /** Null of a workflow that never succeeded since. */
  readonly run: Durations | null;
  /** By the step's name: of one attempt, from the claim to its end; of a map's items each. */
  readonly steps: ReadonlyMap<string, Durations>;
}

const runsMax = 1000;

/** How long a workflow and its steps took since a time: what an estimate rests on. */
export async function pastDurations(
  database: HistoryDatabase,
  place: { readonly tenant: string; readonly workflow: string; readonly sinceMs: number },
): Promise<PastDurations> {
  type Column = keyof Durations;
  const doing = `reading how long ${place.workflow} took`;
  const [run] = await database.select<Column>('select_run_durations', { ...place, runs: runsMax }, doing);
  const steps = await database.select<Column | 'step'>('select_step_durations', place, doing);
  return {
    run: run === undefined || Number(run.n) === 0 ? null : durationsOf(run),
    steps: new Map(steps.map((row) => [String(row.step), durationsOf(row)])),
  };
}

function durationsOf(row: Record<keyof Durations, string | number>): Durations {
  return { n: Number(row.n), p50Ms: Number(row.p50Ms), p90Ms: Number(row.p90Ms) };
}
