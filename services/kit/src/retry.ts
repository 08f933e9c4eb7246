import { systemClock, type Clock } from './clock.ts';
import { isRetryable } from './errors.ts';

export interface RetryOptions {
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** Whether another try can help; default: the error says so itself. */
  readonly retryable?: (error: unknown) => boolean;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** Exponential backoff with full jitter: a random share of min(backoffMaxMs, backoffMs x 2^(attempt-1)). */
export function backoff(attempt: number, options: Pick<RetryOptions, 'backoffMs' | 'backoffMaxMs' | 'random'>): number {
  const ceiling = Math.min(options.backoffMaxMs, options.backoffMs * 2 ** (attempt - 1));
  return Math.ceil((options.random ?? Math.random)() * ceiling);
}

/** Calls `work` until it succeeds, at most `attemptsMax` times; throws the last error. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const retryable = options.retryable ?? isRetryable;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= options.attemptsMax || !retryable(error)) throw error;
      const waited = await (options.clock ?? systemClock).sleep(backoff(attempt, options), options.signal);
      if (!waited) throw error;
    }
  }
}
