import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Step } from '@orrery/contracts/definitions/workflow';
import type { StepView } from '#services/orchestrator/src/runs/run-views.ts';
import type { ClaimedStep } from '#services/orchestrator/src/core/step-lease.ts';
import { shard, Stage, task, workflow } from './stage.ts';

const each: Step = {
  name: 'each',
  uses: 'map',
  with: { over: '${{ parameters.list }}', atOnce: 2 },
  step: { uses: 'task', with: { handler: 'work' } },
};

describe('what people do to the items of a map', function () {
  this.timeout(30_000);
  const stage = new Stage([
    workflow('mapped', [each, task('join', ['each'])]),
    workflow('narrow', [each], { runsMax: 1 }),
  ]);
  before(() => stage.start());
  after(() => stage.stop());

  /** Lays down so many items, as an orchestrator does. */
  const layDown = async (claimed: ClaimedStep, items: number): Promise<void> => {
    const { run, ref, fence } = claimed;
    const texts = Array.from({ length: items }, (_, index) => `{"n":${index}}`);
    const keys = texts.map(() => '');
    await stage.transitions.signal(shard, 'main', { kind: 'items', run, ref, fence, first: 0, items: texts, keys });
    await stage.end(claimed, 'suspended', { on: 'items', items });
  };
  const begin = async (run: string, items: number): Promise<void> => {
    const [claimed] = await stage.take('inner');
    assert.equal(claimed?.run, run);
    await layDown(claimed, items);
  };
  const itemsOf = async (run: string): Promise<string[]> => {
    const { body } = await stage.call<{ steps: StepView[] }>('GET', `/v1/runs/${run}/steps?itemsOf=each`);
    return body.steps.map(({ name, state, attempt }) => `${name} ${state} ${attempt}`);
  };

  it('retry does the failed items again and leaves the others', async () => {
    const run = await stage.run('mapped');
    await begin(run, 5);
    assert.deepEqual(await stage.work(({ item }) => item === '{"n":1}'), ['0.0', '0.1', '0.2']);
    assert.equal((await stage.show(run)).state, 'failed');
    const told = await stage.control(run, 'retry');
    assert.deepEqual(told.body.again, { stepsCount: 2, itemsCount: 2, steps: ['each', 'join'] });
    assert.deepEqual((await stage.work()).sort(), ['0.1', '0.3', '0.4', '1']);
    assert.deepEqual(
      await itemsOf(run),
      [0, 1, 2, 3, 4].map((index) => `each.${index} succeeded ${index === 1 ? 2 : 1}`),
    );
    const view = await stage.show(run);
    assert.deepEqual([view.state, view.steps[0]?.result], ['succeeded', { items: 5, failed: 0 }]);
  });

  it('retry keeps the items of a run that has to wait for its slot', async () => {
    const run = await stage.run('narrow');
    const [claimed] = await stage.take('inner');
    assert.ok(claimed !== undefined);
    await layDown(claimed, 2);
    await stage.work(() => true);
    assert.equal((await stage.show(run)).state, 'failed');
    const other = await stage.run('narrow');
    assert.equal((await stage.control(run, 'retry')).body.state, 'queued');
    assert.deepEqual(await stage.take(), [], 'nobody may take what waits for its run');
    await stage.control(other, 'kill', { reason: 'make room' });
    await stage.settle();
    assert.equal((await stage.show(run)).state, 'running');
    assert.deepEqual((await stage.work()).sort(), ['0.0', '0.1']);
    assert.equal((await stage.show(run)).state, 'succeeded');
  });

  it('reset of the map does all of them again, from a list that may be another', async () => {
    const run = await stage.run('mapped');
    await begin(run, 3);
    await stage.work();
    await stage.control(run, 'reset', { from: 'each' });
    assert.deepEqual(await stage.work(), [], 'the items wait for their list');
    await begin(run, 2);
    assert.deepEqual((await stage.work()).sort(), ['0.0', '0.1', '1']);
    assert.deepEqual(await itemsOf(run), ['each.0 succeeded 2', 'each.1 succeeded 2']);
    assert.deepEqual((await stage.show(run)).steps[0]?.result, { items: 2, failed: 0 });
  });

  it('skip lets one item pass, by the name of the map and its index', async () => {
    const run = await stage.run('mapped');
    await begin(run, 2);
    await stage.settle();
    const skipped = await stage.call('POST', `/v1/runs/${run}/steps/each.1/skip`, { reason: 'a broken file' });
    assert.equal(skipped.status, 200);
    assert.deepEqual((await stage.work()).sort(), ['0.0', '1']);
    assert.equal((await stage.show(run)).state, 'succeeded');
    assert.deepEqual(await itemsOf(run), ['each.0 succeeded 1', 'each.1 skipped 0']);
    const wrong = await stage.call<{ error: { code: string } }>('POST', `/v1/runs/${run}/steps/join.1/skip`, {
      reason: 'no',
    });
    assert.equal(wrong.body.error.code, 'RUN_STATE_WRONG');
  });
});
