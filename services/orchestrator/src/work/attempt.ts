import { messageOf, OrreryError } from '@orrery/kit/errors';
import { classify } from './error-class.ts';
import { resultTooLarge } from '../errors.ts';
import { Suspended, type Executors, type StepContext, type StepExecutor, type StepTask } from '../executors/types.ts';
import { poolWrong, type StepInput, type StepInputs } from './step-inputs.ts';
import type { ClaimedStep, Ending } from '../core/step-lease.ts';

/** Why an attempt is ended from outside. */
export type AbortReason = 'lease-lost' | 'timeout' | 'heartbeat' | 'stopping' | 'draining';

export interface AttemptDeps {
  readonly inputs: Pick<StepInputs, 'resolve'>;
  readonly executors: Executors;
}

type Told = Pick<Ending, 'outcome' | 'payload' | 'class' | 'retryable' | 'reason' | 'retryAfterMs'>;

export const resultBytesMax = 64 * 1024;
const errorTextMax = 4000;
const reasonTextMax = 500;

/** Carries out one attempt and says how it ended; undefined when it no longer matters, because its lease is lost. */
export async function attemptStep(
  claimed: ClaimedStep,
  deps: AttemptDeps,
  context: StepContext & { readonly started: (input: StepInput) => void },
): Promise<Ending | undefined> {
  const { run, ref, fence } = claimed;
  let told: Told | undefined;
  try {
    const input = await resolveInput(claimed, deps);
    if (input === undefined)
      return { run, ref, fence, outcome: 'returned', payload: '', reason: 'Redis did not answer' };
    context.started(input);
    context.signal.throwIfAborted();
    told = succeed(await execute(claimed, input, { executors: deps.executors, context }));
  } catch (error) {
    told = fail(error, context.signal, claimed);
  }
  return told === undefined ? undefined : { run, ref, fence, ...told };
}

/** Undefined when the state store did not answer: that is not the step's fault, and costs no attempt. */
async function resolveInput(claimed: ClaimedStep, { inputs }: AttemptDeps): Promise<StepInput | undefined> {
  try {
    return await inputs.resolve(claimed);
  } catch (error) {
    if (error instanceof OrreryError && error.code === 'REDIS_UNAVAILABLE') return undefined;
    throw error;
  }
}

function execute(
  claimed: ClaimedStep,
  input: StepInput,
  by: { readonly executors: Executors; readonly context: StepContext },
): Promise<unknown> {
  const { name, index, defined, given, scope } = input;
  if (defined.uses === 'task') throw poolWrong(name, defined.uses, 'an orchestrator');
  const { run, ref, attempt, fence, tenant, actor } = claimed;
  const task: StepTask = {
    ...{ run, ref, attempt, fence, tenant, actor, claimed, defined, given, scope },
    name: index === undefined ? name : `${name}.${index}`,
    timeoutMs: Math.max(1, Math.floor(claimed.dueMs - claimed.nowMs)),
  };
  // The schema of its kind has judged what the step is given; what expressions bring is judged where it is used.
  const executor = by.executors[defined.uses] as StepExecutor;
  return executor.execute(task, by.context);
}

function succeed(result: unknown): Told {
  if (result instanceof Suspended) return { outcome: 'suspended', payload: JSON.stringify(result.how) };
  const payload = JSON.stringify(result ?? null);
  const bytes = Buffer.byteLength(payload);
  if (bytes > resultBytesMax) throw resultTooLarge(bytes, resultBytesMax);
  return { outcome: 'succeeded', payload };
}

function fail(error: unknown, signal: AbortSignal, claimed: ClaimedStep): Told | undefined {
  const reason = signal.aborted ? (signal.reason as AbortReason) : undefined;
  switch (reason) {
    case 'lease-lost':
      return undefined;
    case 'draining':
      return { outcome: 'returned', payload: '', reason: 'the orchestrator stops' };
    case 'stopping':
      return { outcome: 'cancelled', payload: '', reason: 'stopped when the run was cancelled' };
    case 'timeout':
    case 'heartbeat':
      return failed(timedOut(reason, claimed));
    case undefined:
      return failed(error);
  }
}

/** A failed attempt, as it is handed in. */
export function failed(error: unknown): Told {
  const known = error instanceof OrreryError ? error : undefined;
  const told = {
    code: known?.code ?? 'STEP_FAILED',
    message: messageOf(error).slice(0, errorTextMax),
    hint: known?.hint ?? 'see the log of the orchestrator: npx orrery logs orchestrator',
  };
  return {
    outcome: 'failed',
    payload: JSON.stringify(told),
    ...classify(error),
    reason: `${told.code}: ${told.message}`.slice(0, reasonTextMax),
  };
}

function timedOut(which: 'timeout' | 'heartbeat', { attempt, dueMs, nowMs }: ClaimedStep): OrreryError {
  const late = which === 'timeout';
  return new OrreryError({
    code: late ? 'ATTEMPT_TIMEOUT' : 'HEARTBEAT_TIMEOUT',
    message: late
      ? `attempt ${attempt} took longer than ${Math.round(dueMs - nowMs)} ms`
      : `attempt ${attempt} told no progress for as long as heartbeatSeconds allows`,
    hint: 'raise the bound in timeouts, or see where the time goes',
    retry: 'retryable',
  });
}
