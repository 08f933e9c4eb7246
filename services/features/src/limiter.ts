import { OrreryError } from '@orrery/kit/errors';

export interface LimiterOptions {
  /** What is waited for, in words. */
  readonly what: string;
  readonly runningMax: number;
  readonly waitingMax: number;
}

/** Runs work, so many at a time, the rest in order of arrival. */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>;

/** Throws `TOO_BUSY` at once when more than `waitingMax` wait already. */
export function createLimiter({ what, runningMax, waitingMax }: LimiterOptions): Limiter {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < runningMax) {
      running += 1;
    } else {
      if (waiting.length >= waitingMax) throw tooBusy(what, waiting.length);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // Whoever waited first takes this place over, so the count stays.
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function tooBusy(what: string, waiting: number): OrreryError {
  return new OrreryError({
    code: 'TOO_BUSY',
    message: `${waiting} wait for ${what}`,
    hint: 'try again in a moment, with fewer requests at a time',
    retry: 'retryable',
    status: 429,
  });
}
