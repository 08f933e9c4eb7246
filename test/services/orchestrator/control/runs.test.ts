import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { Stage, task, workflow, type ErrorAnswer, type Told } from './stage.ts';

const diamond = workflow('diamond', [task('a'), task('b', ['a']), task('c', ['a']), task('d', ['b', 'c'])]);
const single = workflow('single', [task('only')], { runsMax: 1 });
const wide = workflow('wide', [
  ...Array.from({ length: 600 }, (_, index) => task(`w${index}`)),
  task(
    'join',
    Array.from({ length: 600 }, (_, index) => `w${index}`),
  ),
]);

describe('what people do to a run', function () {
  this.timeout(30_000);
  const stage = new Stage([diamond, single, wide]);
  before(() => stage.start());
  after(() => stage.stop());

  const refusal = (answer: { status: number; body: ErrorAnswer }) => `${answer.status} ${answer.body.error.code}`;

  it('pauses it: what runs ends, what is ready stays, until it is resumed', async () => {
    const run = await stage.run('diamond');
    const [a] = await stage.take();
    assert.ok(a !== undefined);
    const paused = await stage.control(run, 'pause', { reason: 'the peer is down' });
    assert.equal(paused.body.outcome, 'done');
    assert.equal(await stage.end(a, 'succeeded', 1), 'accepted');
    assert.deepEqual(await stage.take(), []);
    const view = await stage.show(run);
    assert.deepEqual([view.state, view.paused, view.counts], ['running', true, { succeeded: 1, ready: 2, waiting: 1 }]);
    assert.equal((await stage.control(run, 'pause')).body.outcome, 'nothing');
    assert.equal((await stage.control(run, 'resume')).body.outcome, 'done');
    assert.equal((await stage.control(run, 'resume')).body.outcome, 'nothing');
    assert.equal((await stage.work()).length, 3);
    assert.equal((await stage.show(run)).state, 'succeeded');
    assert.equal(refusal(await stage.control(run, 'pause')), '409 RUN_STATE_WRONG');
    const told = (await stage.events()).find(([of, , , , , , , to]) => of === run && to === 'paused');
    assert.deepEqual(told?.slice(8, 10), ['the peer is down', 'ann']);
  });

  it('cancels it with grace: attempts in progress are asked to stop, and end it when they have', async () => {
    const run = await stage.run('diamond');
    const [a] = await stage.take();
    assert.ok(a !== undefined);
    const answer = await stage.control(run, 'cancel', { graceMs: 60_000 });
    assert.deepEqual([answer.body.state, answer.body.outcome], ['cancelling', 'done']);
    const [held] = await stage.transitions.beat('s00', [{ ...a, leaseMs: 1000, progress: '' }]);
    assert.equal(held, 'stopping');
    assert.equal((await stage.control(run, 'cancel')).body.outcome, 'nothing');
    await stage.end(a, 'cancelled');
    assert.equal((await stage.show(run)).state, 'cancelled');
  });

  it('kills it at once, for a reason: what its workers hand in later is refused', async () => {
    const run = await stage.run('diamond');
    const [a] = await stage.take();
    assert.ok(a !== undefined);
    const without = await stage.control(run, 'kill');
    assert.equal(refusal(without), '400 REASON_MISSING');
    const answer = await stage.control(run, 'kill', { reason: 'it eats the disk' });
    assert.equal(answer.body.state, 'cancelled');
    assert.equal(await stage.end(a, 'succeeded'), 'stale');
    assert.equal((await stage.control(run, 'kill', { reason: 'again' })).body.outcome, 'nothing');
  });

  it('skips a step that has not ended, by name, for a reason: what follows it starts', async () => {
    const run = await stage.run('diamond');
    const path = (step: string) => `/v1/runs/${run}/steps/${step}/skip`;
    const [a] = await stage.take();
    assert.ok(a !== undefined);
    assert.equal(refusal(await stage.call('POST', path('b'), {})), '400 REASON_MISSING');
    const running = await stage.call<ErrorAnswer>('POST', path('a'), { reason: 'no' });
    assert.equal(refusal(running), '409 STEP_STATE_WRONG');
    assert.match(running.body.error.message, /the step a is running/);
    const missing = await stage.call<ErrorAnswer>('POST', path('bb'), { reason: 'no' });
    assert.equal(refusal(missing), '404 STEP_NOT_FOUND');
    assert.match(missing.body.error.hint, /did you mean b\?/);
    assert.equal((await stage.call<Told>('POST', path('b'), { reason: 'not needed today' })).status, 200);
    await stage.end(a, 'succeeded');
    await stage.work();
    assert.deepEqual(await stage.states(run), { a: 'succeeded', b: 'skipped', c: 'succeeded', d: 'succeeded' });
    assert.equal((await stage.show(run)).state, 'succeeded');
    assert.equal(refusal(await stage.call('POST', path('b'), { reason: 'late' })), '409 RUN_STATE_WRONG');
  });

  it('foretells a skip as it would be done or refused, and does nothing of it', async () => {
    const run = await stage.run('diamond');
    const foretell = (step: string) =>
      stage.call<Told & ErrorAnswer>('POST', `/v1/runs/${run}/steps/${step}/skip`, { dryRun: true });
    const { body } = await foretell('a');
    const text = 'ends a, which is ready, as if it had ended well; then b, c';
    assert.deepEqual(body, { run, state: 'running', outcome: 'would', text });
    assert.match((await foretell('d')).body.text, /^ends d, which is waiting, as if it had ended well$/);
    assert.deepEqual(await stage.states(run), { a: 'ready', b: 'waiting', c: 'waiting', d: 'waiting' });
    const [a] = await stage.take();
    assert.ok(a !== undefined);
    assert.equal(refusal(await foretell('a')), '409 STEP_STATE_WRONG');
    await stage.end(a, 'succeeded');
    assert.equal(refusal(await foretell('a')), '409 STEP_STATE_WRONG');
    assert.equal(refusal(await foretell('bb')), '404 STEP_NOT_FOUND');
    await stage.work();
    assert.equal(refusal(await foretell('b')), '409 RUN_STATE_WRONG');
  });

  it('changes its priority as long as it has not ended', async () => {
    const run = await stage.run('diamond');
    assert.equal((await stage.control(run, 'priority', { priority: 9 })).body.outcome, 'done');
    assert.equal((await stage.show(run)).priority, 9);
    assert.equal((await stage.control(run, 'priority', { priority: 10 })).status, 400);
    const same = await stage.control(run, 'priority', { priority: 9, dryRun: true });
    assert.equal(same.body.outcome, 'nothing');
    await stage.work();
    assert.equal(refusal(await stage.control(run, 'priority', { priority: 1 })), '409 RUN_STATE_WRONG');
  });

  it('retries what did not end well of a failed run, and nothing of a succeeded one', async () => {
    const run = await stage.run('diamond');
    assert.deepEqual(await stage.work(({ ref }) => ref === '1'), ['0', '1', '2']);
    assert.deepEqual(await stage.states(run), { a: 'succeeded', b: 'failed', c: 'succeeded', d: 'skipped' });
    const dry = await stage.control(run, 'retry', { dryRun: true });
    assert.deepEqual(dry.body.again, { stepsCount: 2, itemsCount: 0, steps: ['b', 'd'] });
    assert.equal((await stage.show(run)).state, 'failed', 'a dry run changes nothing');
    const answer = await stage.control(run, 'retry');
    assert.deepEqual([answer.body.state, answer.body.again], ['running', dry.body.again]);
    assert.deepEqual(await stage.work(), ['1', '3']);
    assert.equal((await stage.show(run)).state, 'succeeded');
    assert.equal(refusal(await stage.control(run, 'retry')), '409 RUN_STATE_WRONG');
  });

  it('retries a killed run from where it was, in a step that needed one other too', async () => {
    const run = await stage.run('diamond');
    const [a] = await stage.take();
    assert.ok(a !== undefined);
    await stage.control(run, 'cancel', { graceMs: 60_000 });
    await stage.end(a, 'succeeded');
    assert.equal((await stage.show(run)).state, 'cancelled');
    await stage.control(run, 'retry');
    assert.deepEqual((await stage.work()).sort(), ['1', '2', '3']);
    assert.equal((await stage.show(run)).state, 'succeeded');
  });

  it('resets a succeeded run to a step: that one and all that follows it go again, nothing else', async () => {
    const run = await stage.run('diamond');
    await stage.work();
    const dry = await stage.control(run, 'reset', { from: 'b', dryRun: true });
    assert.deepEqual(dry.body.again?.steps, ['b', 'd']);
    await stage.control(run, 'reset', { from: 'b' });
    assert.deepEqual(await stage.states(run), { a: 'succeeded', b: 'ready', c: 'succeeded', d: 'waiting' });
    assert.deepEqual(await stage.work(), ['1', '3']);
    const view = await stage.show(run);
    assert.deepEqual([view.state, ...view.steps.map(({ attempt }) => attempt)], ['succeeded', 1, 2, 1, 2]);
    assert.equal((await stage.control(run, 'reset', {})).status, 400, 'a reset names its step');
    assert.equal(refusal(await stage.control(run, 'reset', { from: 'x' })), '404 STEP_NOT_FOUND');
    const open = await stage.run('diamond');
    assert.equal(refusal(await stage.control(open, 'reset', { from: 'a' })), '409 RUN_STATE_WRONG');
    await stage.control(open, 'kill', { reason: 'done' });
  });

  it('resets more steps than one call takes', async () => {
    const run = await stage.run('wide');
    assert.equal((await stage.work()).length, 601);
    const told = await stage.control(run, 'retry', { from: 'w3' });
    assert.equal(refusal(told), '409 RUN_STATE_WRONG');
    await stage.control(run, 'reset', { from: 'w3' });
    assert.deepEqual(await stage.work(), ['3', '600']);
    const killed = await stage.run('wide');
    await stage.take('default', 5);
    await stage.control(killed, 'kill', { reason: 'start over' });
    const again = await stage.control(killed, 'retry');
    assert.equal(again.body.again?.stepsCount, 601);
    assert.equal((await stage.work()).length, 601);
    assert.equal((await stage.show(killed)).state, 'succeeded');
  });

  it('takes up a reset that was broken off', async () => {
    const run = await stage.run('wide');
    await stage.work();
    const on = { on: run, tenant: 'main', actor: 'ann', reason: 'test' };
    const steps = Array.from({ length: 256 }, (_, index) => [String(index), 'waiting', 0] as const);
    await stage.transitions.control('s00', on, { verb: 'reset', steps, counts: {}, left: 601, last: false });
    assert.equal((await stage.show(run)).state, 'resetting');
    assert.equal((await stage.control(run, 'reset', { from: 'w0' })).status, 200);
    assert.equal((await stage.work()).length, 257);
    assert.equal((await stage.show(run)).state, 'succeeded');
  });

  it('is refused to another tenant as if there were no such run', async () => {
    const run = await stage.run('diamond');
    for (const verb of ['pause', 'cancel', 'retry']) {
      assert.equal(refusal(await stage.control(run, verb, {}, { tenant: 't7' })), '404 RUN_NOT_FOUND', verb);
    }
    assert.equal(refusal(await stage.control('s00-000000000000', 'pause')), '404 RUN_NOT_FOUND');
    assert.equal(refusal(await stage.control('nonsense', 'pause')), '404 RUN_NOT_FOUND');
    await stage.control(run, 'kill', { reason: 'done' });
  });

  it('says of a queued run that it never starts', async () => {
    const first = await stage.run('single');
    const second = await stage.run('single');
    const dry = await stage.control(second, 'cancel', { dryRun: true });
    assert.deepEqual([dry.body.outcome, dry.body.text], ['would', 'never starts']);
    assert.equal((await stage.control(second, 'cancel')).body.state, 'cancelled');
    await stage.work();
    assert.equal((await stage.show(first)).state, 'succeeded');
    await stage.control(second, 'retry');
    assert.deepEqual(await stage.work(), ['0'], 'and it starts when it is retried');
  });
});
