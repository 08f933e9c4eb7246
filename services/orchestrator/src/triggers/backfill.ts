import { createHash } from 'node:crypto';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { canonicalJson } from '@orrery/contracts/digest';
import { OrreryError } from '@orrery/kit/errors';
import type { DueTimes } from './clock.ts';
import type { TriggerPlace } from './types.ts';

/** The logical times of a clocked trigger in a range, to be run now. */
export interface BackfillRequest extends TriggerPlace {
  /** Included. */
  readonly fromMs: number;
  /** Not included. */
  readonly untilMs: number;
  readonly order: 'oldest-first' | 'newest-first';
  /** Runs of the backfill at the same time, 1 to 100. The workflow's own `runsMax` holds besides. */
  readonly atOnceMax: number;
  /** 0 runs what has not run. 1 and above run the whole range another time, each number once. */
  readonly again: number;
}

/** What a run of the workflow took, and what it cost where that is known. */
export interface PastRun {
  readonly durationMs: number;
  readonly costUsd?: number;
}

export interface Spread {
  readonly p50: number;
  readonly p90: number;
}

export interface BackfillEstimate {
  /** Logical times in the range. */
  readonly times: number;
  /** Of these, how many have a run already. */
  readonly existing: number;
  readonly starts: number;
  readonly first: string;
  readonly last: string;
  /** From the first start to the last end: as if every run took the median, or the ninth longest of ten. */
  readonly durationMs: Spread | 'unknown';
  readonly costUsd: Spread | 'unknown';
  /** Past runs on which the duration rests. */
  readonly pastRuns: number;
}

export const backfillRunsMax = 10_000;
export const atOnceLimit = 100;
export const pastRunsAsked = 100;
const pageMax = 100;

/** The logical times in the order in which they start. Throws `BACKFILL_INVALID`, `BACKFILL_EMPTY`, `BACKFILL_TOO_LARGE`. */
export async function planBackfill(times: DueTimes, request: BackfillRequest): Promise<number[]> {
  checkRequest(request);
  const { fromMs, untilMs, order } = request;
  const found: number[] = [];
  for (let afterMs: number | undefined = fromMs - 1; afterMs !== undefined && found.length <= backfillRunsMax;) {
    const page = times.between(afterMs, untilMs - 1, pageMax);
    found.push(...page);
    afterMs = page.length < pageMax ? undefined : page.at(-1);
    // Ten thousand times of a pattern take half a second, which leases and other triggers must not wait.
    await yieldToOthers();
  }
  if (found.length === 0) throw empty(request);
  if (found.length > backfillRunsMax) throw tooLarge(request, found[backfillRunsMax] ?? untilMs);
  return order === 'oldest-first' ? found : found.reverse();
}

export function estimateBackfill(
  times: readonly number[],
  { existing, atOnceMax, past }: { existing: number; atOnceMax: number; past: readonly PastRun[] },
): BackfillEstimate {
  const starts = times.length - existing;
  // The last wave may be smaller, and takes as long.
  const waves = Math.ceil(starts / atOnceMax);
  const costs = past.flatMap(({ costUsd }) => costUsd ?? []);
  return {
    ...{ times: times.length, existing, starts, pastRuns: past.length },
    first: new Date(Math.min(...times)).toISOString(),
    last: new Date(Math.max(...times)).toISOString(),
    durationMs: spread(
      past.map(({ durationMs }) => durationMs),
      waves,
    ),
    costUsd: spread(costs, starts),
  };
}

/** The trigger in the names of the runs. The first time over a range has the names that the trigger itself gives, so what ran is known. */
export function backfillTrigger({ trigger, again }: Pick<BackfillRequest, 'trigger' | 'again'>): string {
  return again === 0 ? trigger : `${trigger}\nagain ${again}`;
}

/** The same request is the same backfill: asked for twice, it is carried out once. */
export function backfillName(request: BackfillRequest): string {
  return createHash('sha256').update(canonicalJson(request)).digest('hex').slice(0, 16);
}

function spread(values: readonly number[], times: number): Spread | 'unknown' {
  if (values.length === 0) return 'unknown';
  const sorted = values.toSorted((left, right) => left - right);
  const at = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * times;
  return { p50: at(0.5), p90: at(0.9) };
}

function checkRequest({ fromMs, untilMs, atOnceMax, again }: BackfillRequest): void {
  const problems = [
    ...(Number.isInteger(fromMs) && Number.isInteger(untilMs) && fromMs >= 0 && fromMs < untilMs
      ? []
      : [`the range is [${fromMs}, ${untilMs}): from must lie before to`]),
    ...(Number.isInteger(atOnceMax) && atOnceMax >= 1 && atOnceMax <= atOnceLimit
      ? []
      : [`at most ${atOnceMax} at once: it must be 1 to ${atOnceLimit}`]),
    ...(Number.isInteger(again) && again >= 0 ? [] : [`again is ${again}: it must be 0 or a number of repetitions`]),
  ];
  if (problems.length === 0) return;
  const hint = 'npx orrery backfill --help has an example';
  throw new OrreryError({ code: 'BACKFILL_INVALID', message: problems.join('; '), hint });
}

function empty({ workflow, trigger, fromMs, untilMs }: BackfillRequest): OrreryError {
  const range = [fromMs, untilMs].map((ms) => new Date(ms).toISOString()).join(' to ');
  return new OrreryError({
    code: 'BACKFILL_EMPTY',
    message: `"${trigger}" of ${workflow} has no logical time from ${range}`,
    hint: 'the end of the range is not included; name a wider one',
  });
}

function tooLarge({ workflow, trigger }: BackfillRequest, beyondMs: number): OrreryError {
  return new OrreryError({
    code: 'BACKFILL_TOO_LARGE',
    message: `"${trigger}" of ${workflow} has more than ${backfillRunsMax} logical times in this range`,
    hint: `end the range at ${new Date(beyondMs).toISOString()} and begin another there`,
  });
}
