import assert from 'node:assert/strict';
import type { Clock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import { backoff, retry } from '@orrery/kit/retry';

function recordingClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return { waits, now: () => 0, sleep: async (ms) => waits.push(ms) > 0 };
}

const busy = () => new OrreryError({ code: 'BUSY', message: 'busy', hint: 'wait', retry: 'retryable' });

describe('retry', () => {
  it('waits a random share of a doubling, bounded time', () => {
    const options = { backoffMs: 100, backoffMaxMs: 500, random: () => 0.5 };
    assert.deepEqual(
      [1, 2, 3, 4, 5].map((attempt) => backoff(attempt, options)),
      [50, 100, 200, 250, 250],
    );
  });

  it('tries again what is retryable, at most as often as it may', async () => {
    const clock = recordingClock();
    let tries = 0;
    const failing = retry(async () => Promise.reject(((tries += 1), busy())), {
      attemptsMax: 3,
      backoffMs: 10,
      backoffMaxMs: 100,
      clock,
      random: () => 1,
    });
    await assert.rejects(failing, { code: 'BUSY' });
    assert.deepEqual([tries, clock.waits], [3, [10, 20]]);
  });

  it('does not try again what is terminal', async () => {
    const clock = recordingClock();
    const terminal = new OrreryError({ code: 'NO', message: 'no', hint: 'never' });
    const options = { attemptsMax: 5, backoffMs: 10, backoffMaxMs: 100, clock };
    await assert.rejects(
      retry(async () => Promise.reject(terminal), options),
      { code: 'NO' },
    );
    assert.deepEqual(clock.waits, []);
  });

  it('ends waiting when it is aborted', async () => {
    const abort = new AbortController();
    const clock: Clock = { now: () => 0, sleep: async () => false };
    const options = { attemptsMax: 5, backoffMs: 10, backoffMaxMs: 100, clock, signal: abort.signal };
    await assert.rejects(
      retry(async () => Promise.reject(busy()), options),
      { code: 'BUSY' },
    );
  });
});
