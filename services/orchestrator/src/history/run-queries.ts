import type { HistoryDatabase } from './database.ts';

interface Place {
  readonly tenant: string;
  readonly run: string;
}

export interface StepTimes {
  readonly step: string;
  readonly state: string;
  /** 1, or with the items of a map as many as were touched and one. */
  readonly refs: number;
  readonly tries: number;
  /** Ready, until a worker took it. */
  readonly waitingMs: number;
  readonly runningMs: number;
  /** Between tries. */
  readonly retryingMs: number;
  /** For a timer, an event, an approval, a child or its items. */
  readonly suspendedMs: number;
  readonly readyAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** How many of its refs succeeded with the result of their fallback. */
  readonly degraded: number;
}

export interface Act {
  readonly actor: string;
  readonly sequence: number;
  readonly atMs: number;
  /** Empty for the run itself. */
  readonly step: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly times: number;
}

export interface Transition {
  readonly sequence: number;
  readonly workflow: string;
  readonly definition: string;
  readonly to: string;
  readonly reason: string;
  readonly actor: string;
  readonly atMs: number;
}

export interface FailureRow {
  readonly sequence: number;
  readonly ref: string;
  readonly step: string;
  readonly attempt: number;
  readonly to: string;
  readonly reason: string;
  readonly atMs: number;
}

const transitionsMax = 10_000;
const stepsMax = 1000;
const failuresMax = 1000;

export async function readTransitions(database: HistoryDatabase, place: Place): Promise<Transition[]> {
  const asked = { ...place, limit: transitionsMax };
  const rows = await database.select<keyof Transition>('select_run_transitions', asked, `reading ${place.run}`);
  return rows.map((row) => ({
    sequence: Number(row.sequence),
    workflow: String(row.workflow),
    definition: String(row.definition),
    to: String(row.to),
    reason: String(row.reason),
    actor: String(row.actor),
    atMs: Number(row.atMs),
  }));
}

export async function readSteps(
  database: HistoryDatabase,
  place: Place,
  asOfMs: number,
): Promise<{ steps: StepTimes[]; stepsTotal: number }> {
  const asked = { ...place, asOfMs, limit: stepsMax };
  const doing = `reading the steps of ${place.run}`;
  const rows = await database.select<keyof StepTimes | 'steps'>('select_run_steps', asked, doing);
  const steps = rows.map((row) => ({
    step: String(row.step),
    state: String(row.state),
    refs: Number(row.refs),
    tries: Number(row.tries),
    waitingMs: Number(row.waitingMs),
    runningMs: Number(row.runningMs),
    retryingMs: Number(row.retryingMs),
    suspendedMs: Number(row.suspendedMs),
    readyAtMs: Number(row.readyAtMs),
    startedAtMs: timeOf(row.startedAtMs),
    endedAtMs: timeOf(row.endedAtMs),
    degraded: Number(row.degraded),
  }));
  return { steps, stepsTotal: Number(rows[0]?.steps ?? 0) };
}

export async function readPools(
  database: HistoryDatabase,
  place: Place,
  asOfMs: number,
): Promise<{ pool: string; runningMs: number }[]> {
  const asked = { ...place, asOfMs };
  const rows = await database.select<'pool' | 'runningMs'>(
    'select_run_pools',
    asked,
    `reading the pools of ${place.run}`,
  );
  return rows.map(({ pool, runningMs }) => ({ pool: String(pool), runningMs: Number(runningMs) }));
}

export async function readFailures(
  database: HistoryDatabase,
  place: Place,
  since: number,
): Promise<{ rows: FailureRow[]; skippedTotal: number }> {
  const asked = { ...place, since, limit: failuresMax };
  const doing = `reading what failed of ${place.run}`;
  const found = await database.select<keyof FailureRow | 'skipped'>('select_run_failures', asked, doing);
  const rows = found.map((row) => ({
    sequence: Number(row.sequence),
    ref: String(row.ref),
    step: String(row.step),
    attempt: Number(row.attempt),
    to: String(row.to),
    reason: String(row.reason),
    atMs: Number(row.atMs),
  }));
  return { rows, skippedTotal: Number(found[0]?.skipped ?? 0) };
}

export async function readActs(database: HistoryDatabase, place: Place, owner: string): Promise<Act[]> {
  const asked = { ...place, owner };
  const doing = `reading who stepped in at ${place.run}`;
  const rows = await database.select<Exclude<keyof Act, 'sequence'> | 'first'>('select_run_acts', asked, doing);
  return rows.map((row) => ({
    actor: String(row.actor),
    sequence: Number(row.first),
    atMs: Number(row.atMs),
    step: String(row.step),
    from: String(row.from),
    to: String(row.to),
    reason: String(row.reason),
    times: Number(row.times),
  }));
}

function timeOf(value: string | number): number | null {
  return Number(value) === 0 ? null : Number(value);
}
