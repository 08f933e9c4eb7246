import { canonicalJson } from '@orrery/contracts/digest';
import { OrreryError } from '@orrery/kit/errors';
import { retry } from '@orrery/kit/retry';
import { ClassedError } from '../work/error-class.ts';
import { overloaded, parametersInvalid, workflowMissing, workflowUnavailable } from '../errors.ts';
import { Suspended, type Given, type StepExecutor, type StepTask } from '../executors/types.ts';
import { shardOfRun } from '../core/keys.ts';
import { limitKeysOf } from '../work/limit-keys.ts';
import { bindParameters } from '../runs/parameters.ts';
import type { WorkflowPlan } from '../core/plan.ts';
import type { Suspension } from '../core/step-lease.ts';
import type { Submission, SubmitOutcome } from '../core/submission.ts';
import type { Transitions } from '../core/transitions.ts';
import { childRunName } from './child-run.ts';

/** A workflow that a step may start. */
export interface ChildWorkflow {
  readonly plan: WorkflowPlan;
  /** What this environment lacks for it. */
  readonly lacks: readonly string[];
}

/** What is read of the run that starts another. */
export interface Family {
  /** How many runs stand above it. */
  readonly depth: number;
  readonly pins: Readonly<Record<string, string>>;
  /** How often the lease of the step was lost since it last ended. */
  readonly lapses: number;
}

export interface ChildDeps {
  readonly find: (tenant: string, workflow: string) => ChildWorkflow | undefined;
  /** Of a tenant, for hints. */
  readonly known: (tenant: string) => readonly string[];
  readonly family: (run: string, ref: string) => Promise<Family>;
  /** Throws while no runs are taken in. */
  readonly admit: () => Promise<void>;
  readonly transitions: Pick<Transitions, 'submit'>;
}

export const depthMax = 8;
const parametersLengthMax = 64 * 1024;
const refusedWaitMs = 1000;
const submitTries = { attemptsMax: 60, backoffMs: 50, backoffMaxMs: 1000 };

/** The run that a step starts. Throws what is wrong with its workflow, parameters or depth. */
export function planChild(
  task: StepTask<Given<'workflow'>>,
  family: Family,
  deps: Pick<ChildDeps, 'find' | 'known'>,
): Submission {
  const { run, ref, tenant, actor, given, claimed } = task;
  const found = deps.find(tenant, given.workflow);
  if (found === undefined) throw workflowMissing(given.workflow, deps.known(tenant));
  if (found.lacks.length > 0) throw workflowUnavailable(given.workflow, found.lacks);
  if (family.depth >= depthMax) throw tooDeep(given.workflow, family.depth);
  const { plan } = found;
  const bound = bindParameters(plan.workflow, given.parameters ?? {});
  const parameters = canonicalJson(bound);
  if (parameters.length > parametersLengthMax) {
    throw parametersInvalid([
      `the parameters have ${parameters.length} characters, the bound is ${parametersLengthMax}`,
    ]);
  }
  // A try whose lease was lost goes on with what the one before it started.
  const child = childRunName(run, ref, claimed.attempt - family.lapses);
  const { logicalMs } = claimed;
  return {
    run: child,
    ...{ tenant, actor, workflow: given.workflow, plan, parameters, logicalMs },
    trigger: `run ${run}`,
    parent: `${run}|${ref}`,
    ...(Object.keys(family.pins).length === 0 ? {} : { pins: family.pins }),
    limitKeys: limitKeysOf(plan.workflow, { parameters: bound, run: { id: child, tenant, logicalMs } }),
  };
}

/** What became of it: the step waits for the run, unless it was refused. */
export function awaitChild(run: string, outcome: SubmitOutcome): Suspension {
  switch (outcome) {
    case 'accepted':
    case 'known':
      return { on: 'child', key: run };
    case 'queue-full':
      throw later(overloaded('QUEUE_FULL', `as many runs as may wait are queued already: ${run} is not taken in`));
    case 'outbox-full':
      throw later(overloaded('OUTBOX_FULL', `too many events wait for the bus: ${run} is not taken in`));
    default:
      throw new OrreryError({
        code: 'CHILD_REFUSED',
        message: `the run ${run} was refused: ${outcome}`,
        hint: 'report it',
      });
  }
}

export function createWorkflowExecutor(deps: ChildDeps): StepExecutor<Given<'workflow'>> {
  return {
    async execute(task, { signal }) {
      const family = await deps.family(task.run, task.ref);
      const submission = planChild(task, family, deps);
      await deps.admit();
      signal.throwIfAborted();
      // Whether a call that Redis did not answer has made the run nobody knows: it is found by its name the next time.
      const submit = () => deps.transitions.submit(shardOfRun(task.run) ?? '', [submission]);
      const [submitted] = await retry(submit, { ...submitTries, signal, retryable: isUnanswered });
      return new Suspended(awaitChild(submission.run, submitted?.outcome ?? 'definition-needed'));
    },
  };
}

function isUnanswered(error: unknown): boolean {
  return error instanceof OrreryError && error.code === 'REDIS_UNAVAILABLE';
}

function later({ code, message, hint }: OrreryError): ClassedError {
  return new ClassedError('throttled', { code, message, hint, retry: 'retryable', retryAfterMs: refusedWaitMs });
}

function tooDeep(workflow: string, depth: number): OrreryError {
  return new OrreryError({
    code: 'CHILDREN_TOO_DEEP',
    message: `${depth} runs stand above this one: it may not start the workflow "${workflow}" below itself`,
    hint: `at most ${depthMax} stand above a run: look for workflows that start each other`,
  });
}
