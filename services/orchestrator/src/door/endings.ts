import type { GivenEnding } from './frames.ts';
import type { Ending } from './types.ts';

interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const hintDefault = "see the worker's log for the run and step";

/** What a worker handed in, as the core takes it. A result over the bound fails the attempt for good: it would be the same again. */
export function endingOf(given: GivenEnding, resultBytesMax: number): Ending {
  const { run, ref, fence, outcome, result, error } = given;
  const lease = { run, ref, fence };
  if (outcome === 'succeeded') {
    const payload = JSON.stringify(result ?? null);
    const bytes = payload.length * 3 > resultBytesMax ? Buffer.byteLength(payload) : payload.length;
    if (bytes <= resultBytesMax) return { ...lease, outcome, payload };
    const told = {
      code: 'RESULT_TOO_LARGE',
      message: `the result has ${bytes} bytes, the bound is ${resultBytesMax}`,
      hint: 'put the large part into the store and return its digest',
    };
    return { ...failure(told), ...lease, class: 'failure', retryable: false };
  }
  const { code = 'STEP_FAILED', message = '', hint = hintDefault } = error ?? {};
  if (outcome === 'returned') return { ...lease, outcome, payload: '', reason: message || 'the worker gave it back' };
  if (outcome === 'cancelled') return { ...lease, outcome, payload: '', reason: message || 'stopped as asked' };
  // What no one has judged may pass; what was wrong in its inputs will be so again.
  const { class: errorClass = 'failure', retryable = errorClass !== 'inputs' } = error ?? {};
  return {
    ...failure({ code, message: message || 'the handler failed', hint }),
    ...lease,
    class: errorClass,
    retryable,
  };
}

function failure(told: Told): { outcome: 'failed'; payload: string; reason: string } {
  const reason = `${told.code}: ${told.message}`.slice(0, 500);
  return { outcome: 'failed', payload: JSON.stringify(told), reason };
}
