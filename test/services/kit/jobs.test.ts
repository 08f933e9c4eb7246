import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { OrreryError } from '#services/kit/src/errors.ts';
import { createJobs, type Jobs } from '#services/kit/src/jobs.ts';
import { silentLog } from '#services/kit/src/log.ts';
import { eventually } from '#test/support/eventually.ts';

const options = { path: '/v1/things', log: silentLog(), runningMax: 1 };

async function ended(jobs: Jobs, id: string) {
  return eventually(() => {
    const view = jobs.view(id);
    return view?.state === 'running' ? undefined : view;
  });
}

describe('jobs', () => {
  it('run once under one id, and a success is final', async () => {
    const jobs = createJobs(options);
    let runs = 0;
    const work = async () => ++runs;
    assert.deepEqual(jobs.start('a', work), { id: 'a', state: 'running', location: '/v1/things/a' });
    jobs.start('a', work);
    assert.equal((await ended(jobs, 'a')).result, 1);
    assert.equal(jobs.start('a', work).state, 'succeeded');
    assert.equal(runs, 1);
  });

  it('work again after a success where they are told to, but never twice at once', async () => {
    const jobs = createJobs({ ...options, repeatSucceeded: true });
    let runs = 0;
    const work = async () => ++runs;
    jobs.start('a', work);
    jobs.start('a', work);
    assert.equal((await ended(jobs, 'a')).result, 1);
    assert.equal(jobs.start('a', work).state, 'running');
    assert.equal((await ended(jobs, 'a')).result, 2);
  });

  it('work again after a failure, which says whether that can help', async () => {
    const jobs = createJobs(options);
    const failure = new OrreryError({ code: 'AWAY', message: 'it is away', hint: 'wait', retry: 'retryable' });
    jobs.start('a', () => Promise.reject(failure));
    const failed = await ended(jobs, 'a');
    assert.deepEqual(failed.error, { code: 'AWAY', message: 'it is away', hint: 'wait', retryable: true });
    jobs.start('a', () => Promise.resolve('done'));
    assert.equal((await ended(jobs, 'a')).result, 'done');
  });

  it('refuse more than their bound at once, as something to be tried again', async () => {
    const jobs = createJobs(options);
    jobs.start('a', (_report, signal) => new Promise((resolve) => signal.addEventListener('abort', resolve)));
    assert.throws(() => jobs.start('b', () => Promise.resolve()), {
      code: 'JOBS_BUSY',
      retry: 'retryable',
      status: 429,
    });
    await jobs.stop();
    assert.equal(jobs.view('a')?.state, 'succeeded');
  });
});
