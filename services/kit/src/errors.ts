/** Whether trying again can help: decided where the error is made, never guessed by who catches it. */
export type Retry = 'terminal' | 'retryable';

export interface ErrorDetails {
  /** Stable name by which programs and tests know the error, for example `RUN_NOT_FOUND`. */
  readonly code: string;
  /** What happened, with the values. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** Default `terminal`. */
  readonly retry?: Retry;
  /** HTTP status by which an API answers it. Default 400 when terminal, 503 when retryable. */
  readonly status?: number;
  /** How long whoever is asked wants to be left alone. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

export class OrreryError extends Error {
  override readonly name = 'OrreryError';
  readonly code: string;
  readonly hint: string;
  readonly retry: Retry;
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.hint = details.hint;
    this.retry = details.retry ?? 'terminal';
    this.status = details.status ?? (this.retry === 'terminal' ? 400 : 503);
    this.retryAfterMs = details.retryAfterMs;
  }
}

export function isRetryable(error: unknown): boolean {
  return error instanceof OrreryError ? error.retry === 'retryable' : false;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
