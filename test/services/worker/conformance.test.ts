import assert from 'node:assert/strict';
import { eventually } from '#test/support/eventually.ts';
import { findPython, leaseMs, Place, type Language } from './place.ts';
import type { FakeStep } from './fake-core.ts';

const languages: readonly Language[] = ['typescript', 'python'];
const ended = (steps: readonly FakeStep[]) => () => steps.every(({ accepted }) => accepted.length > 0);
const payload = (step: FakeStep | undefined): unknown => JSON.parse(step?.accepted[0]?.payload || 'null');

for (const language of languages) {
  describe(`a worker in ${language}`, function () {
    this.timeout(60_000);
    let place: Place;

    before(async function () {
      this.timeout(180_000);
      if (language === 'python') await findPython();
    });
    beforeEach(async () => {
      place = new Place();
      await place.start();
    });
    afterEach(async () => place.stop());

    it('carries out each step once and hands in what the handler returned', async () => {
      const inputs = [1, 'two', { three: [3, null, 'ü'] }, null, true];
      const steps = place.core.add(...inputs.map((input, index) => ({ run: `r${index}`, handler: 'echo', input })));
      place.worker(language);
      await eventually(ended(steps));
      assert.deepEqual(steps.map(payload), inputs);
      assert.deepEqual(
        steps.map(({ state, attempt, answers }) => [state, attempt, answers.join()]),
        inputs.map(() => ['succeeded', 1, 'accepted']),
      );
    });

    it('tells the handler where it is, and under which key its effects are one', async () => {
      const [step] = place.core.add({ run: 'r1', ref: '12.5', handler: 'context', tenant: 'acme', pool: 'gpu' });
      place.worker(language, { tenant: 'acme', pool: 'gpu' });
      await eventually(() => step?.state === 'succeeded');
      assert.deepEqual(payload(step), {
        run: 'r1',
        step: 'step-12.5',
        workflow: 'trial',
        tenant: 'acme',
        attempt: 1,
        fence: '1000000000000001',
        idempotencyKey: 'r1/12.5',
      });
    });

    it('never holds more steps than it has slots, and takes the next as soon as one ends', async () => {
      const steps = place.core.add(
        ...Array.from({ length: 30 }, (_, index) => ({ run: `r${index}`, handler: 'sleep', input: { ms: 30 } })),
      );
      place.worker(language, { slots: 3 });
      await eventually(ended(steps));
      assert.equal(place.core.heldMost, 3);
    });

    it('carries out a thousand steps that come at once', async () => {
      const steps = place.core.add(
        ...Array.from({ length: 1000 }, (_, index) => ({ run: `r${index}`, handler: 'echo', input: index })),
      );
      place.worker(language, { slots: 100 });
      await eventually(ended(steps), { timeoutMs: 30_000 });
      assert.deepEqual(
        steps.map(payload),
        Array.from({ length: 1000 }, (_, index) => index),
      );
    });

    it('says of a failure its class, whether it may pass, its code and what to do', async () => {
      const told = { class: 'throttled', code: 'RATE_LIMITED', message: 'too fast', hint: 'wait', retryable: true };
      const steps = place.core.add(
        { run: 'r1', handler: 'fail', input: told },
        { run: 'r2', handler: 'fail', input: { class: 'inputs', message: 'no such card' } },
        { run: 'r3', handler: 'fail', input: { class: 'unavailable', message: 'gone', retryable: false } },
        { run: 'r4', handler: 'fail', input: { plain: true, message: 'a bug' } },
        { run: 'r5', handler: 'nothing' },
      );
      place.worker(language);
      await eventually(ended(steps));
      assert.deepEqual(
        steps.map(({ state, accepted: [ending] }) => [state, ending?.class, ending?.retryable, ending?.reason]),
        [
          ['failed', 'throttled', true, 'RATE_LIMITED: too fast'],
          ['failed', 'inputs', false, 'STEP_FAILED: no such card'],
          ['failed', 'unavailable', false, 'STEP_FAILED: gone'],
          ['failed', 'failure', true, 'STEP_FAILED: a bug'],
          [
            'failed',
            'unavailable',
            true,
            'HANDLER_MISSING: no worker of the pool default that is connected here has the handler "nothing"',
          ],
        ],
      );
      assert.equal((payload(steps[0]) as { hint: string }).hint, 'wait');
    });

    it('fails for good what could never be handed in', async () => {
      const steps = place.core.add(
        { run: 'r1', handler: 'large', input: { bytes: 65_000 } },
        { run: 'r2', handler: 'large', input: { bytes: 70_000 } },
        { run: 'r3', handler: 'large', input: { bytes: 2_000_000 } },
        { run: 'r4', handler: 'strange' },
        { run: 'r5', handler: 'echo', input: 'x'.repeat(1_100_000) },
        { run: 'r6', handler: 'echo', input: 'still there' },
      );
      place.worker(language);
      await eventually(ended(steps));
      assert.deepEqual(
        steps.map(({ state, accepted: [ending] }) => [state, ending?.retryable, ending?.reason?.split(':')[0]]),
        [
          ['succeeded', undefined, undefined],
          ['failed', false, 'RESULT_TOO_LARGE'],
          ['failed', false, 'RESULT_INVALID'],
          ['failed', false, 'RESULT_INVALID'],
          ['failed', false, 'INPUT_TOO_LARGE'],
          ['succeeded', undefined, undefined],
        ],
      );
    });

    it('renews its leases while handlers work, and reports their progress', async () => {
      const [step] = place.core.add({ run: 'r1', handler: 'report', input: { times: 4, everyMs: leaseMs / 2 } });
      place.worker(language);
      await eventually(() => step?.state === 'succeeded');
      assert.equal(step?.attempt, 1);
      const reported = step.progress.map((text) => (JSON.parse(text) as { done: number }).done);
      assert.ok(reported.length >= 3, `reported ${reported.join()}`);
      assert.deepEqual(reported, reported.toSorted());
    });

    it('ends a handler whose attempt has taken its time, by class timeout', async () => {
      const [step] = place.core.add({ run: 'r1', handler: 'sleep', input: { ms: 30_000 }, deadlineMs: 300 });
      const worker = place.worker(language);
      assert.equal((await worker.saw('aborted', 'r1')).reason, 'timeout');
      await eventually(() => step?.state === 'failed');
      assert.equal(step?.accepted[0]?.class, 'timeout');
    });

    it('ends a handler that gives no heartbeat where one is needed', async () => {
      const [silent, lively] = place.core.add(
        { run: 'r1', handler: 'sleep', input: { ms: 30_000 }, heartbeatMs: 400 },
        { run: 'r2', handler: 'report', input: { times: 8, everyMs: 100 }, heartbeatMs: 400 },
      );
      place.worker(language);
      await eventually(() => silent?.state === 'failed' && lively?.state === 'succeeded');
      assert.equal(silent?.accepted[0]?.reason, 'HEARTBEAT_MISSED: the handler gave no heartbeat for 400 ms');
      assert.equal(silent.accepted[0].class, 'timeout');
    });

    it('ends a handler that is asked to stop, and says that it was cancelled', async () => {
      const [step] = place.core.add({ run: 'r1', handler: 'sleep', input: { ms: 30_000 } });
      const worker = place.worker(language);
      await worker.saw('started', 'r1');
      if (step !== undefined) step.isStopped = true;
      assert.equal((await worker.saw('aborted', 'r1')).reason, 'stopped');
      await eventually(() => step?.state === 'cancelled');
    });

    it('serves its own tenant and pool, or every tenant when told so', async () => {
      const [mine, others] = place.core.add(
        { run: 'r1', handler: 'echo', tenant: 'acme' },
        { run: 'r2', handler: 'echo', tenant: 'main' },
        { run: 'r3', handler: 'echo', tenant: 'acme', pool: 'gpu' },
      );
      place.worker(language, { tenant: 'acme' });
      await eventually(() => mine?.state === 'succeeded');
      assert.equal(others?.state, 'ready');
      place.worker(language, { tenant: '*' });
      await eventually(() => others.state === 'succeeded');
      assert.deepEqual(
        place.core.steps().map(({ state }) => state),
        ['succeeded', 'succeeded', 'ready'],
      );
    });

    it('of one build takes what is pinned to it, and beside another build only what it has a handler for', async () => {
      const steps = place.core.add(
        { run: 'r1', handler: 'context', pool: 'default@b1' },
        { run: 'r2', handler: 'context', pool: 'default@b2' },
      );
      const old = place.worker(language, { build: 'b1', without: ['sleep'] });
      await eventually(() => steps[0]?.state === 'succeeded');
      assert.equal(steps[1]?.state, 'ready');
      const fresh = place.worker(language, { build: 'b2' });
      await eventually(ended(steps));
      const unpinned = place.core.add(
        ...Array.from({ length: 10 }, (_, index) => ({ run: `s${index}`, handler: 'sleep', input: { ms: 20 } })),
      );
      await eventually(ended(unpinned));
      assert.deepEqual(new Set(unpinned.map(({ state }) => state)), new Set(['succeeded']));
      assert.equal(old.told.length, 0);
      assert.equal(fresh.told.filter(({ event }) => event === 'started').length, 10);
    });

    it('ends at once when its token is wrong, and says so', async () => {
      const worker = place.worker(language, { token: 'another' });
      assert.equal((await worker.saw('refused')).code, 'UNAUTHENTICATED');
      assert.equal(await worker.exited, 1);
    });
  });
}
