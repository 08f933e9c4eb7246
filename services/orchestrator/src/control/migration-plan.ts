import { migrationRefused } from '../errors.ts';
import type { WorkflowPlan } from '../core/plan.ts';
import type { RunRecord } from '../runs/run-reader.ts';
import { DefinedPlan } from './plan-reader.ts';
import { planReset, type ResetPlan, type RunStates } from './reset-plan.ts';

export interface MigrationPlan {
  readonly plan: DefinedPlan;
  readonly reset: ResetPlan;
  /** Steps that ended well and have another number there: what they left lies under their number. */
  readonly moved: readonly { readonly name: string; readonly from: number; readonly to: number }[];
}

/**
 * A run under another definition: a step that has ended well and is there under the same name and number stays so, whatever it does
 * there; all others go. What was removed is forgotten.
 */
export function planMigration(run: RunStates, next: Pick<WorkflowPlan, 'steps' | 'profiles'>): MigrationPlan {
  const plan = new DefinedPlan(next.steps, next.profiles);
  const unfinished = new Set(planReset(run, []).again);
  const ended = new Map<string, number>();
  for (const [number, [name]] of run.plan.steps.entries()) if (!unfinished.has(number)) ended.set(name, number);
  const moved = plan.steps.flatMap(([name], to) => {
    const from = ended.get(name);
    return from === undefined || from === to ? [] : [{ name, from, to }];
  });
  const states = plan.steps.map(([name], number) => (ended.get(name) === number ? 'succeeded' : 'waiting'));
  // What lies under the number of a step that goes is of the old definition.
  const counted = new Set(run.counted);
  for (const [number, state] of run.states.entries()) if (state !== 'waiting') counted.add(number);
  return { plan, reset: planReset({ plan, states, counted, maps: run.maps }, []), moved };
}

/** Throws `MIGRATION_REFUSED` for a run that has the definition, or whose ended steps have other numbers there. */
export function assertMigrates(
  { run, summary }: Pick<RunRecord, 'run' | 'summary'>,
  next: WorkflowPlan,
  planned: MigrationPlan,
): void {
  if (summary.definition === next.digest) {
    throw migrationRefused(
      run,
      `it has that already (${next.digest})`,
      'deploy the release with the new definition first',
    );
  }
  const [first] = planned.moved;
  if (first !== undefined) {
    const why = `the step ${first.name} has ended as number ${first.from + 1} and is number ${first.to + 1} there`;
    throw migrationRefused(
      run,
      why,
      'keep the order of the steps that have ended and add new ones at the end, or start a new run',
    );
  }
  if (planned.reset.again.length === 0) {
    throw migrationRefused(run, 'every step of it has ended well', 'start a new run, or reset it from a step');
  }
}
