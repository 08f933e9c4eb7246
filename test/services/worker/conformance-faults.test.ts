import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '#test/support/eventually.ts';
import type { FakeStep } from './fake-core.ts';
import { findPython, leaseMs, Place, type Language } from './place.ts';

const languages: readonly Language[] = ['typescript', 'python'];
const ended = (steps: readonly FakeStep[]) => () => steps.every(({ accepted }) => accepted.length > 0);
const result = (step: FakeStep | undefined): unknown => JSON.parse(step?.accepted[0]?.payload || 'null');

for (const language of languages) {
  describe(`a worker in ${language}, when something breaks`, function () {
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

    function addSleeps(count: number, ms: number, handler = 'sleep'): FakeStep[] {
      return place.core.add(
        ...Array.from({ length: count }, (_, index) => ({ run: `r${index}`, handler, input: { ms } })),
      );
    }

    it('hands in again what was accepted but never answered, and is told that it is repeated', async () => {
      const steps = addSleeps(5, 200);
      const worker = place.worker(language);
      await worker.saw('started', 'r4');
      place.proxy.isDeaf = true;
      await eventually(ended(steps));
      place.proxy.isDeaf = false;
      place.proxy.cut();
      await eventually(() => steps.every(({ answers }) => answers.length === 2));
      for (const { answers, accepted, attempt } of steps) {
        assert.deepEqual(answers, ['accepted', 'repeated']);
        assert.deepEqual([accepted.length, attempt], [1, 1]);
      }
    });

    it('keeps working while it is cut off, and hands in under the same fence', async () => {
      const [step] = addSleeps(1, 400);
      const worker = place.worker(language);
      const { fence } = await worker.saw('started', 'r0');
      place.proxy.cut();
      await eventually(() => step?.state === 'succeeded');
      assert.deepEqual([step?.attempt, step?.accepted[0]?.fence], [1, fence]);
    });

    it('renews over a later connection what it was given over an earlier one', async () => {
      const [step] = addSleeps(1, leaseMs * 3);
      const worker = place.worker(language, { slots: 1 });
      await worker.saw('started', 'r0');
      place.proxy.cut();
      const [next] = place.core.add({ run: 'next', handler: 'echo', input: 1 });
      await delay(leaseMs);
      assert.equal(next?.state, 'ready', 'its one slot is taken');
      await eventually(() => next.state === 'succeeded');
      assert.deepEqual([step?.state, step?.attempt], ['succeeded', 1]);
    });

    it('ends its handlers by its own clock when it is cut off for longer than the lease', async () => {
      const [step] = addSleeps(1, 30_000);
      const worker = place.worker(language);
      await worker.saw('started', 'r0');
      place.proxy.isShut = true;
      place.proxy.cut();
      const cutAtMs = Date.now();
      assert.equal((await worker.saw('aborted', 'r0')).reason, 'lease-lost');
      assert.ok(Date.now() - cutAtMs < leaseMs + 1000);
      await eventually(() => step?.state === 'ready');
      place.proxy.isShut = false;
      await eventually(() => step?.attempt === 2);
      assert.deepEqual(step?.accepted, []);
    });

    it('ends a handler whose lease was given to another, and accepts nothing of it', async () => {
      const [step] = addSleeps(1, leaseMs * 2, 'stubborn');
      const worker = place.worker(language, { slots: 2 });
      const first = await worker.saw('started', 'r0');
      if (step !== undefined) place.core.takeBack(step);
      await eventually(() => step?.state === 'succeeded');
      await eventually(() => step?.answers.length === 2);
      assert.deepEqual(step?.answers.toSorted(), ['accepted', 'stale']);
      assert.equal(step.accepted.length, 1);
      assert.notEqual(step.accepted[0]?.fence, first.fence);
    });

    it('killed in the middle loses nothing: another takes its steps within a lease', async () => {
      const steps = addSleeps(6, 300);
      const doomed = place.worker(language, { slots: 6 });
      await doomed.saw('started', 'r5');
      const other = place.worker(language, { slots: 6, build: 'b2' });
      doomed.signal('SIGKILL');
      const killedAtMs = Date.now();
      await eventually(ended(steps));
      assert.ok(Date.now() - killedAtMs < leaseMs + 300 + 3000);
      assert.deepEqual(
        steps.map(({ state, attempt, accepted }) => [state, attempt, accepted.length]),
        steps.map(() => ['succeeded', 2, 1]),
      );
      assert.equal(other.told.filter(({ event }) => event === 'started').length, 6);
    });

    it('frozen past its lease hands in nothing that is accepted twice', async () => {
      const steps = addSleeps(3, 300);
      const frozen = place.worker(language, { slots: 3 });
      await frozen.saw('started', 'r2');
      frozen.signal('SIGSTOP');
      const other = place.worker(language, { slots: 3 });
      await other.saw('started', 'r2');
      await eventually(ended(steps));
      frozen.signal('SIGCONT');
      await delay(leaseMs);
      const [last] = place.core.add({ run: 'last', handler: 'echo', input: 'alive' });
      other.signal('SIGKILL');
      await eventually(() => last?.state === 'succeeded');
      for (const { accepted, answers } of steps) {
        assert.equal(accepted.length, 1);
        assert.equal(answers.filter((code) => code === 'accepted').length, 1);
      }
    });

    it('told to end lets handlers end in their time, gives back the rest, takes nothing more, and exits with 0', async () => {
      const [short, long] = place.core.add(
        { run: 'short', handler: 'sleep', input: { ms: 400 } },
        { run: 'long', handler: 'sleep', input: { ms: 30_000 } },
      );
      const worker = place.worker(language, { drainMs: 800 });
      await worker.saw('started', 'long');
      worker.signal('SIGTERM');
      await delay(100);
      const [late] = place.core.add({ run: 'late', handler: 'echo' });
      assert.equal(await worker.exited, 0);
      assert.deepEqual([short?.state, result(short)], ['succeeded', 'slept']);
      assert.equal((await worker.saw('aborted', 'long')).reason, 'draining');
      assert.deepEqual([long?.state, long?.returned[0]?.reason], ['ready', 'the worker stops']);
      assert.deepEqual([late?.state, late?.attempt], ['ready', 0]);
      assert.deepEqual(place.door.workers(), []);
    });

    it('goes to another orchestrator when its own stops, and takes its work along', async () => {
      const [step] = addSleeps(1, leaseMs * 2);
      const worker = place.worker(language);
      await worker.saw('started', 'r0');
      const old = place.door;
      await place.openServer();
      await old.drain(2000);
      await eventually(() => place.door.workers().length === 1);
      await eventually(() => step?.state === 'succeeded');
      assert.deepEqual([step?.attempt, step?.answers], [1, ['accepted']]);
    });

    it('waits for an orchestrator whose store is away, and goes on when it is back', async () => {
      const [step] = addSleeps(1, 200);
      const worker = place.worker(language);
      await worker.saw('started', 'r0');
      place.core.isAway = true;
      await delay(leaseMs / 2);
      place.core.isAway = false;
      await eventually(() => step?.state === 'succeeded');
      const [next] = place.core.add({ run: 'next', handler: 'echo', input: 1 });
      await eventually(() => next?.state === 'succeeded');
      assert.equal(step?.accepted.length, 1);
    });
  });
}
