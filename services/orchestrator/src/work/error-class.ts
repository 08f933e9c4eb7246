import { OrreryError, type ErrorDetails } from '@orrery/kit/errors';
import type { ErrorClass } from '../core/step-lease.ts';

/** An error whose class is known where it is made. */
export class ClassedError extends OrreryError {
  readonly class: ErrorClass;

  constructor(errorClass: ErrorClass, details: ErrorDetails) {
    super(details);
    this.class = errorClass;
  }
}

export interface Classified {
  readonly class: ErrorClass;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

const codes: Readonly<Record<Exclude<ErrorClass, 'failure'>, readonly string[]>> = {
  timeout: ['ATTEMPT_TIMEOUT', 'HEARTBEAT_TIMEOUT', ...clickHouse(159, 160, 209)],
  unavailable: [
    ...['PEER_UNREACHABLE', 'JOB_LOST', 'CIRCUIT_OPEN', 'REDIS_UNAVAILABLE', 'SHARD_CLOSED', 'WORKFLOW_UNAVAILABLE'],
    ...['CLICKHOUSE_UNREACHABLE', ...clickHouse(210, 236, 242, 319)],
  ],
  throttled: ['OUTBOX_FULL', 'QUEUE_FULL', 'REDIS_FULL', ...clickHouse(202, 252)],
  resources: [
    ...['MEMORY_EXCEEDED', 'OUTPUT_EXCEEDED', 'CPU_EXCEEDED', 'PROCESSES_EXCEEDED', 'FILES_EXCEEDED'],
    ...['RESULT_TOO_LARGE', 'RESULTS_TOO_LARGE', 'ROWS_EXCEEDED', ...clickHouse(158, 241, 243, 307, 396)],
  ],
  inputs: [
    ...['PROCESS_INPUTS_WRONG', 'EXPRESSION_UNRESOLVED', 'PARAMETERS_INVALID', 'PEER_UNKNOWN', 'PROGRAM_UNKNOWN'],
    ...['POOL_WRONG', 'STATEMENT_REFUSED', 'ITEMS_WRONG', 'WAIT_WRONG', 'WORKFLOW_NOT_FOUND', 'CHILDREN_TOO_DEEP'],
    ...['LIMIT_KEY_WRONG', 'QUORUM_WRONG', 'PARAMETERS_WRONG'],
    // Syntax, and names and types that don't fit: the statement or its parameters are at fault.
    ...clickHouse(6, 16, 26, 27, 36, 38, 41, 42, 43, 44, 46, 47, 53, 60, 62, 70, 72, 81, 386, 456, 457, 497),
  ],
};

const classOfCode = new Map(
  Object.entries(codes).flatMap(([name, known]) => known.map((code) => [code, name as ErrorClass] as const)),
);

/** What kind of error it is, and whether another attempt can help. What nobody has judged may pass: only an error that says so is final. */
export function classify(error: unknown): Classified {
  if (!(error instanceof OrreryError)) return { class: 'failure', retryable: true };
  return {
    class: error instanceof ClassedError ? error.class : (classOfCode.get(error.code) ?? 'failure'),
    retryable: error.retry === 'retryable',
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

/** The class of what another service answered. */
export function classOfStatus(status: number): ErrorClass {
  if (status === 429) return 'throttled';
  if (status === 408 || status === 425 || (status >= 502 && status <= 504)) return 'unavailable';
  return status >= 400 && status < 500 ? 'inputs' : 'failure';
}

function clickHouse(...numbers: readonly number[]): string[] {
  return numbers.map((number) => `CLICKHOUSE_${number}`);
}
