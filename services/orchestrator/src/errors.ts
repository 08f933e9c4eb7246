import { messageOf, OrreryError } from '@orrery/kit/errors';
import { closest } from 'fastest-levenshtein';

export function runMissing(run: string): OrreryError {
  return new OrreryError({
    code: 'RUN_NOT_FOUND',
    message: `there is no run "${run}" of this tenant`,
    hint: 'GET /v1/runs lists the runs; one that ended long ago is only in the history',
    status: 404,
  });
}

export function workflowMissing(workflow: string, known: readonly string[]): OrreryError {
  const nearest = known.length === 0 ? 'no workflow is defined' : `did you mean "${closest(workflow, [...known])}"?`;
  return new OrreryError({
    code: 'WORKFLOW_NOT_FOUND',
    message: `there is no workflow "${workflow}" of this tenant`,
    hint: nearest,
    status: 404,
  });
}

export function workflowUnavailable(workflow: string, lacks: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'WORKFLOW_UNAVAILABLE',
    message: `this environment lacks ${lacks.join(', ')} for the workflow "${workflow}"`,
    hint: 'correct the name in the definition, or run it where the service or program is deployed',
    status: 409,
  });
}

export function parametersInvalid(problems: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'PARAMETERS_INVALID',
    message: problems.join('; '),
    hint: 'GET /v1/workflows/{name} has the parameters with their types and defaults',
  });
}

export function keyReused(key: string, run: string): OrreryError {
  return new OrreryError({
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: `the idempotency key "${key}" stands for the run ${run}, which was asked for with another body`,
    hint: 'send another key, or the same body',
    status: 409,
  });
}

export function overloaded(code: 'OUTBOX_FULL' | 'QUEUE_FULL' | 'REDIS_FULL', message: string): OrreryError {
  return new OrreryError({
    code,
    message,
    hint: 'nothing was taken in: try again later',
    retry: 'retryable',
    status: 429,
  });
}

export function wrongState(verb: string, run: string, state: string): OrreryError {
  return new OrreryError({
    code: 'RUN_STATE_WRONG',
    message: `the run ${run} is ${state}: it can't be made to ${verb}`,
    hint:
      verb === 'cancel' ? 'only a queued or running run can be cancelled' : 'only a failed or cancelled run is retried',
    status: 409,
  });
}

export function layoutDiffers(found: string, wanted: number): OrreryError {
  return new OrreryError({
    code: 'SHARDS_DIFFER',
    message: `this Redis holds runs in ${found} shards, the settings say ${wanted}`,
    hint: `set shards to ${found}: where a tenant's runs lie depends on it`,
  });
}

export function unresolved(text: string, reason: string): OrreryError {
  return new OrreryError({
    code: 'EXPRESSION_UNRESOLVED',
    message: `\${{ ${text} }} has no value: ${reason}`,
    hint: 'compare the expression with the result of the step: npx orrery show',
  });
}

export function resultTooLarge(bytes: number, most: number): OrreryError {
  return new OrreryError({
    code: 'RESULT_TOO_LARGE',
    message: `the result has ${bytes} bytes, the bound is ${most}`,
    hint: 'put the large part into the store (a file under out/) and return its digest',
  });
}

export function stateUnexpected(what: string, found: unknown): OrreryError {
  return new OrreryError({
    code: 'STATE_UNEXPECTED',
    message: `${what} answered ${JSON.stringify(found)}`,
    hint: 'two versions of the orchestrator may disagree: compare the releases of the processes',
    status: 500,
  });
}

/** What the client of Redis throws, as an error that says whether asking again helps. */
export function redisFailed(doing: string, cause: unknown): OrreryError {
  if (cause instanceof OrreryError) return cause;
  const reason = messageOf(cause);
  if (reason.startsWith('OOM')) return overloaded('REDIS_FULL', `Redis has no memory left for ${doing}`);
  return new OrreryError({
    code: 'REDIS_UNAVAILABLE',
    message: `Redis did not answer to ${doing}: ${reason}`,
    hint: 'try again; check that redis-state runs: npx orrery status',
    retry: 'retryable',
    cause,
  });
}
