import { messageOf, OrreryError } from '@orrery/kit/errors';
import { closest } from 'fastest-levenshtein';

export function runMissing(run: string): OrreryError {
  return new OrreryError({
    code: 'RUN_NOT_FOUND',
    message: `there is no run "${run}" of this tenant`,
    hint: 'npx orrery runs lists the runs; one that ended long ago is only in the history',
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

/** One of many orders is not as the schema has it: the problems are told without its place, as if it had come alone. */
export function orderInvalid(problems: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'REQUEST_INVALID',
    message: problems.join('; '),
    hint: 'GET /openapi.json has the schema of an order',
  });
}

export function bodyTooLarge(bytesMax: number): OrreryError {
  return new OrreryError({
    code: 'BODY_TOO_LARGE',
    message: `the body is larger than ${bytesMax} bytes`,
    hint: 'nothing was taken in: send fewer orders at once',
    status: 413,
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

/** What each verb may be done to. */
const fit: Readonly<Record<string, string>> = {
  pause: 'a queued or running run is paused',
  resume: 'a paused run is resumed',
  cancel: 'a queued or running run is cancelled',
  kill: 'a queued, running or cancelling run is killed',
  priority: 'a queued or running run has a priority',
  skip: 'a step that has not ended and is not running, of a running run, is skipped; cancel or wait for one that runs',
  retry: 'a failed or cancelled run is retried; reset takes a succeeded one back to a step',
  reset: 'an ended run is reset: cancel it first',
  migrate: 'an ended run is migrated, or a paused one in which nothing runs: pause it, and wait for what runs',
};

/** A queue or the outbox is full: nothing was taken in. */
export function refusal(outcome: 'outbox-full' | 'queue-full', what: string): OrreryError {
  if (outcome === 'queue-full') return overloaded('QUEUE_FULL', `as many runs as may wait are queued already: ${what}`);
  return overloaded('OUTBOX_FULL', `too many events wait for the bus: no more runs are taken in (${what})`);
}

export function wrongState(verb: string, run: string, state: string): OrreryError {
  return new OrreryError({
    code: 'RUN_STATE_WRONG',
    message: `the run ${run} is ${state}: it can't be made to ${verb}`,
    hint: fit[verb] ?? `npx orrery explain ${run}`,
    status: 409,
  });
}

export function stepMissing(step: string, nearest: string): OrreryError {
  return new OrreryError({
    code: 'STEP_NOT_FOUND',
    message: `there is no step "${step}" in this run's definition`,
    hint: `did you mean ${nearest}? An item of a map is written <map>.<index>, for example train.5`,
    status: 404,
  });
}

export function stepStateWrong(verb: string, step: string, state: string): OrreryError {
  return new OrreryError({
    code: 'STEP_STATE_WRONG',
    message: `the step ${step} is ${state}: it can't be made to ${verb}`,
    hint: fit[verb] ?? 'npx orrery explain <run> tells what each step waits for',
    status: 409,
  });
}

export function nothingToRetry(run: string): OrreryError {
  return new OrreryError({
    code: 'NOTHING_TO_RETRY',
    message: `every step of the run ${run} has ended well`,
    hint: 'reset it from a step to do that one and all that follows it again',
    status: 409,
  });
}

export function reasonMissing(verb: string): OrreryError {
  return new OrreryError({
    code: 'REASON_MISSING',
    message: `a reason must be given for ${verb}: it stands in the log beside who did it`,
    hint: 'say in a sentence why: {"reason": "…"}, or --reason "…"',
  });
}

export function migrationRefused(run: string, why: string, hint: string): OrreryError {
  const message = `the run ${run} can't go on with the current definition: ${why}`;
  return new OrreryError({ code: 'MIGRATION_REFUSED', message, hint, status: 409 });
}

export function bulkChanged(given: string, found: string, count: number): OrreryError {
  return new OrreryError({
    code: 'BULK_CHANGED',
    message: `the confirmation ${given} is of another list: the filter finds ${count} runs to act on, confirmed by ${found}`,
    hint: 'runs have come, gone or changed: look at a dry run again, or name the runs of the first one',
    status: 409,
  });
}

export function triggerUnclear(workflow: string, clocks: readonly string[]): OrreryError {
  const [hint, which] =
    clocks.length === 0
      ? ['only cron and everySeconds have times to fill', 'no trigger with a clock']
      : [`name one: ${clocks.map((clock) => `"${clock}"`).join(', ')}`, `${clocks.length} triggers with a clock`];
  return new OrreryError({ code: 'TRIGGER_UNCLEAR', message: `the workflow "${workflow}" has ${which}`, hint });
}

export function cursorInvalid(cursor: string): OrreryError {
  return new OrreryError({
    code: 'CURSOR_INVALID',
    message: `the cursor is "${cursor}"`,
    hint: 'give back `next` of the page before, unchanged; without a cursor the list begins',
  });
}

const decisions: Readonly<
  Record<string, { readonly message: string; readonly hint: string; readonly status: number }>
> = {
  'not-waiting': {
    message: 'waits for no approval',
    hint: 'npx orrery explain <run> tells what it waits for',
    status: 409,
  },
  'not-asked': { message: 'does not ask', hint: '`who` of the step names those who may decide', status: 403 },
  'said-already': {
    message: 'has already heard',
    hint: 'each of those asked has one word; another one may reject',
    status: 409,
  },
};

export function decisionRefused(outcome: string, step: string, actor: string): OrreryError {
  const { message, hint, status } = decisions[outcome] ?? { message: `refused ${outcome} to`, hint: '', status: 409 };
  const code = `DECISION_${outcome.toUpperCase().replaceAll('-', '_')}`;
  return new OrreryError({ code, message: `the step ${step} ${message} ${actor}`, hint, status });
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
