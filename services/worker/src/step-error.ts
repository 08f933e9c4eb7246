/** By which a step's retry policy and its fallback know what went wrong. */
export type ErrorClass = 'timeout' | 'unavailable' | 'throttled' | 'resources' | 'inputs' | 'failure';

export interface StepErrorDetails {
  /** Default `failure`. */
  readonly class?: ErrorClass;
  /** Whether another attempt can help. Default: yes, but for class `inputs`. */
  readonly retryable?: boolean;
  /** What to do about it. */
  readonly hint?: string;
  /** Stable name, for example `CARD_DECLINED`. Default `STEP_FAILED`. */
  readonly code?: string;
  readonly cause?: unknown;
}

/** Thrown by a handler to say how its attempt failed. Any other error counts as class `failure` and is tried again. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly class: ErrorClass;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly code: string;

  constructor(message: string, details: StepErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.class = details.class ?? 'failure';
    this.retryable = details.retryable ?? this.class !== 'inputs';
    this.hint = details.hint;
    this.code = details.code ?? 'STEP_FAILED';
  }
}

/** Why the worker itself can't work: told once, by `worker.closed`. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(`${code}: ${message} (${hint})`);
    this.code = code;
    this.hint = hint;
  }
}
