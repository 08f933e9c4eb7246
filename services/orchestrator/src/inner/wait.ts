import { OrreryError } from '@orrery/kit/errors';
import { Suspended, type Given, type StepExecutor, type StepTask } from '../executors/types.ts';
import { wordOf } from '../work/limit-keys.ts';
import type { Suspension } from '../core/step-lease.ts';

export type Wait = Given<'wait'>;

/** When a step that waits was claimed, by Redis's clock, and how long it may wait; 0 for as long as its run. */
export interface WaitPlace {
  readonly nowMs: number;
  readonly totalMs: number;
}

export interface WaitDeps {
  /** The time up to which each dataset of a tenant is; undefined for one that was never updated. */
  readonly updatedAt: (tenant: string, datasets: readonly string[]) => Promise<readonly (number | undefined)[]>;
  /**
   * Says that somebody waits for a dataset to be at least so far, and under which place. Called before `updatedAt`, so that no update
   * falls between the two.
   */
  readonly expect: (tenant: string, dataset: string, leastMs: number) => Promise<string>;
  /** When the run of a step started. */
  readonly startedAtMs: (run: string) => Promise<number>;
}

/** The place under which an event is delivered, as the functions of Redis name it. */
export function eventPlace(event: string, key = ''): string {
  return `${event}|${key}`;
}

/** What a step waits for that waits for no dataset. Throws `WAIT_WRONG` when its expressions have brought no time or key. */
export function planWait(wait: Wait, place: WaitPlace): Suspension {
  const { forMs, until, event, key } = wait;
  if (forMs !== undefined) return { on: 'timer', due: place.nowMs + forMs };
  // A time that is over is over at once: a due time of 0 would mean never.
  if (until !== undefined) return { on: 'timer', due: Math.max(1, timeOf('until', until)) };
  if (event === undefined) throw waitWrong('a wait has', 'exactly one of forMs, until, event and dataset');
  const known = key === undefined ? '' : wordOf(key);
  if (known === undefined)
    throw waitWrong(`key is ${shown(key)}`, 'it must be a text, number or boolean that is not empty');
  return { on: 'event', key: eventPlace(event, known), ...expiryOf(place) };
}

export function expiryOf({ nowMs, totalMs }: WaitPlace): { readonly due?: number } {
  return totalMs === 0 ? {} : { due: nowMs + totalMs };
}

export function totalOf({ defined }: StepTask): number {
  return (defined.timeouts?.totalSeconds ?? 0) * 1000;
}

/** Times in RFC 3339; a day alone is its beginning in UTC. */
function timeOf(field: string, text: unknown): number {
  const time = typeof text === 'string' && /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  throw waitWrong(
    `${field} is ${shown(text)}`,
    'it must be a time as RFC 3339 has it, for example 2026-03-01T06:00:00Z',
  );
}

function shown(value: unknown): string {
  return (value === undefined ? 'nothing' : JSON.stringify(value)).slice(0, 200);
}

function waitWrong(message: string, hint: string): OrreryError {
  return new OrreryError({ code: 'WAIT_WRONG', message, hint });
}

export function createWaitExecutor(deps: WaitDeps): StepExecutor<Wait> {
  return {
    async execute(task) {
      const place = { nowMs: Math.floor(task.claimed.nowMs), totalMs: totalOf(task) };
      const { dataset } = task.given;
      if (dataset === undefined) return new Suspended(planWait(task.given, place));
      return waitForDataset(task, { dataset, place, deps });
    },
  };
}

/** Its result is what the dataset has reached, at once where that is enough. */
async function waitForDataset(
  task: StepTask<Wait>,
  { dataset, place, deps }: { readonly dataset: string; readonly place: WaitPlace; readonly deps: WaitDeps },
): Promise<unknown> {
  const { run, tenant, given } = task;
  const leastMs = given.atLeast === undefined ? await deps.startedAtMs(run) : timeOf('atLeast', given.atLeast);
  const key = await deps.expect(tenant, dataset, leastMs);
  const [atMs] = await deps.updatedAt(tenant, [dataset]);
  const reached = atMs !== undefined && atMs >= leastMs;
  return reached ? datasetResult(dataset, atMs) : new Suspended({ on: 'event', key, ...expiryOf(place) });
}

/** What a step gets that has waited for a dataset, at once or by the event. */
export function datasetResult(dataset: string, atMs: number): Record<string, string> {
  return { dataset, at: new Date(atMs).toISOString() };
}
