import type { HistoryDatabase } from './database.ts';
import {
  readActs,
  readFailures,
  readPools,
  readSteps,
  readTransitions,
  type Act,
  type StepTimes,
  type Transition,
} from './run-queries.ts';

export interface PoolUse {
  /** Empty of attempts whose pool was not recorded. */
  readonly pool: string;
  readonly attemptSeconds: number;
  /** Null without a price of this pool: unknown, not free. */
  readonly cost: number | null;
}

export interface Failure {
  /** Empty when the run failed by itself, as at its deadline. */
  readonly step: string;
  readonly ref: string;
  readonly attempt: number;
  readonly reason: string;
  readonly atMs: number;
  /** As the store has it, while it keeps the run. */
  readonly error: unknown;
  /** What was left out behind it, in order; at most 100. */
  readonly skipped: readonly { readonly step: string; readonly ref: string; readonly reason: string }[];
  readonly skippedTotal: number;
}

export interface RunExplanation {
  readonly tenant: string;
  readonly run: string;
  readonly workflow: string;
  readonly definition: string;
  readonly state: string;
  readonly howLong: {
    readonly queuedMs: number;
    readonly runningMs: number;
    /** From the order to the end, or to `nowMs`. */
    readonly totalMs: number;
    /** Those that took longest, at most 1,000. */
    readonly steps: readonly StepTimes[];
    readonly stepsTotal: number;
  };
  readonly howMuch: {
    readonly attemptSeconds: number;
    readonly pools: readonly PoolUse[];
    /** Null while a pool that was used has no price. */
    readonly cost: number | null;
    readonly unpriced: readonly string[];
  };
  /** Null unless the run failed, or a step of it has. */
  readonly whyFailed: Failure | null;
  readonly whoDidIt: readonly Act[];
}

export interface ExplainOptions {
  readonly nowMs: number;
  /** Price of a second in a pool, in the settings' currency. */
  readonly prices: ReadonlyMap<string, number>;
  /** The error of a step, while the store keeps the run. */
  readonly errorOf?: (run: string, ref: string) => Promise<unknown>;
}

const endStates = new Set(['succeeded', 'failed', 'cancelled']);

/** How long, how much, why failed, who did it: from the history alone, also long after the run is forgotten. Null of no such run. */
export async function explainRun(
  database: HistoryDatabase,
  place: { readonly tenant: string; readonly run: string },
  options: ExplainOptions,
): Promise<RunExplanation | null> {
  const transitions = await readTransitions(database, place);
  const [first, last] = [transitions[0], transitions.at(-1)];
  if (first === undefined || last === undefined) return null;
  const asOfMs = endStates.has(last.to) ? last.atMs : Math.max(options.nowMs, last.atMs);
  const since = transitions.findLast(({ to }) => to === 'queued')?.sequence ?? 1;
  const [{ steps, stepsTotal }, pools, failures, whoDidIt] = await Promise.all([
    readSteps(database, place, asOfMs),
    readPools(database, place, asOfMs),
    readFailures(database, place, since),
    readActs(database, place, first.actor),
  ]);
  const { workflow, definition } = first;
  return {
    ...{ ...place, workflow, definition, state: last.to },
    howLong: { ...spans(transitions, asOfMs), steps, stepsTotal },
    howMuch: price(pools, options.prices),
    whyFailed: await explainFailure(place.run, last, failures, options.errorOf),
    whoDidIt,
  };
}

/** Over all lives of the run. */
function spans(transitions: readonly Transition[], asOfMs: number) {
  let [queuedMs, runningMs] = [0, 0];
  for (const [index, { to, atMs }] of transitions.entries()) {
    const spent = Math.max(0, (transitions[index + 1]?.atMs ?? asOfMs) - atMs);
    if (to === 'queued') queuedMs += spent;
    else if (!endStates.has(to)) runningMs += spent;
  }
  return { queuedMs, runningMs, totalMs: Math.max(0, asOfMs - (transitions[0]?.atMs ?? asOfMs)) };
}

function price(used: readonly { pool: string; runningMs: number }[], prices: ReadonlyMap<string, number>) {
  const pools = used.map(({ pool, runningMs }): PoolUse => {
    const attemptSeconds = runningMs / 1000;
    const each = prices.get(pool);
    return { pool, attemptSeconds, cost: each === undefined ? null : each * attemptSeconds };
  });
  const unpriced = pools.filter(({ cost }) => cost === null).map(({ pool }) => pool);
  return {
    attemptSeconds: pools.reduce((sum, { attemptSeconds }) => sum + attemptSeconds, 0),
    pools,
    cost: unpriced.length > 0 ? null : pools.reduce((sum, { cost }) => sum + (cost ?? 0), 0),
    unpriced,
  };
}

async function explainFailure(
  run: string,
  last: Transition,
  { rows, skippedTotal }: Awaited<ReturnType<typeof readFailures>>,
  errorOf: ExplainOptions['errorOf'],
): Promise<Failure | null> {
  const found = rows.find(({ to }) => to === 'failed');
  if (found === undefined && last.to !== 'failed') return null;
  const { step, ref, attempt, reason, atMs } = found ?? { ...last, step: '', ref: '', attempt: 0 };
  const skipped = rows
    .filter(({ to, sequence }) => to === 'skipped' && sequence > (found?.sequence ?? 0))
    .slice(0, 100)
    .map((row) => ({ step: row.step, ref: row.ref, reason: row.reason }));
  const error = found === undefined ? null : ((await errorOf?.(run, ref)) ?? null);
  return { step, ref, attempt, reason, atMs, error, skipped, skippedTotal };
}
