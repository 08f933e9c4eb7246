import type { Step } from '@orrery/contracts/definitions/workflow';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import { resultTooLarge } from './errors.ts';
import type { HttpStep, ProcessStep, StepContext, StepExecutor, StepTask } from './executors/types.ts';
import { resolve, resolvePath, stepsNamedIn, type Scope } from './expressions.ts';
import { stepTimeoutMs } from './plan.ts';
import type { RunReader } from './run-reader.ts';
import type { ClaimedStep, Ending } from './transitions.ts';

/** Why an attempt is ended from outside. */
export type AbortReason = 'lease-lost' | 'timeout' | 'draining';

export interface Executors {
  readonly http: StepExecutor<HttpStep>;
  readonly process: StepExecutor<ProcessStep>;
}

export const resultBytesMax = 64 * 1024;
const errorTextMax = 4000;

/** Carries out one attempt and says how it ended; undefined when it no longer matters, because its lease is lost. */
export async function attemptStep(
  claimed: ClaimedStep,
  deps: { readonly reader: RunReader; readonly executors: Executors },
  control: { readonly abort: AbortController; report: (progress: unknown) => void },
): Promise<Ending | undefined> {
  const { abort, report } = control;
  let timer: NodeJS.Timeout | undefined;
  try {
    const step = await readStep(claimed, deps.reader);
    timer = setTimeout(() => abort.abort('timeout' satisfies AbortReason), stepTimeoutMs(step));
    const result = await execute(step, claimed, deps, { signal: abort.signal, report });
    return succeed(result);
  } catch (error) {
    return fail(error, abort.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function readStep(claimed: ClaimedStep, reader: RunReader): Promise<Step> {
  const definition = await reader.definition(reader.shardOf(claimed.run), claimed.definition);
  const step = definition.steps.find(({ name }) => name === claimed.step);
  if (step === undefined) {
    const message = `the definition ${claimed.definition} has no step "${claimed.step}"`;
    throw new OrreryError({ code: 'STEP_UNKNOWN', message, hint: 'its state and its definition disagree: report it' });
  }
  return step;
}

async function execute(
  step: Step,
  claimed: ClaimedStep,
  deps: { readonly reader: RunReader; readonly executors: Executors },
  context: StepContext,
): Promise<unknown> {
  const { run, tenant, actor, attempt, fence, logicalMs } = claimed;
  const results = await deps.reader.results(run, stepsNamedIn(step.with));
  const parameters = JSON.parse(claimed.parameters) as Record<string, unknown>;
  const scope: Scope = { parameters, results, run: { id: run, tenant, logicalMs } };
  const task = <S extends Step>(resolved: S): StepTask<S> => ({ run, step: resolved, attempt, fence, tenant, actor });
  switch (step.uses) {
    case 'http': {
      const { body, path } = step.with;
      const asked = { ...step.with, path: resolvePath(path, scope) };
      const withBody = body === undefined ? asked : { ...asked, body: resolve(body, scope) };
      return deps.executors.http.execute(task({ ...step, with: withBody }), context);
    }
    case 'process': {
      const resolved = resolve(step.with, scope) as ProcessStep['with'];
      return deps.executors.process.execute(task({ ...step, with: resolved }), context);
    }
    case 'sleep':
      // A sleep is never claimed: its timer is all of it.
      return null;
  }
}

function succeed(result: unknown): Ending {
  const payload = JSON.stringify(result ?? null);
  const bytes = Buffer.byteLength(payload);
  if (bytes > resultBytesMax) throw resultTooLarge(bytes, resultBytesMax);
  return { outcome: 'succeeded', payload };
}

function fail(error: unknown, signal: AbortSignal): Ending | undefined {
  const reason = signal.aborted ? (signal.reason as AbortReason) : undefined;
  if (reason === 'lease-lost') return undefined;
  if (reason === 'draining') return { outcome: 'returned', payload: '', reason: 'the orchestrator stops' };
  const failure = reason === 'timeout' ? timedOut() : error;
  const known = failure instanceof OrreryError ? failure : undefined;
  const told = {
    code: known?.code ?? 'STEP_FAILED',
    message: messageOf(failure).slice(0, errorTextMax),
    hint: known?.hint ?? 'see the log of the orchestrator: npx orrery logs orchestrator',
  };
  // What no one has judged may pass: only an error that says so is final.
  const retryable = known === undefined || known.retry === 'retryable';
  return {
    outcome: 'failed',
    payload: JSON.stringify(told),
    retryable,
    reason: `${told.code}: ${told.message}`.slice(0, 500),
  };
}

function timedOut(): OrreryError {
  return new OrreryError({
    code: 'STEP_TIMEOUT',
    message: 'the attempt took longer than its timeoutSeconds',
    hint: 'raise timeoutSeconds, or see where the time goes',
    retry: 'retryable',
  });
}
