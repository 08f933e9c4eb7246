import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Step, Workflow } from '@orrery/contracts/definitions/workflow';
import { planMigration } from '#services/orchestrator/src/control/migration-plan.ts';
import { DefinedPlan } from '#services/orchestrator/src/control/plan-reader.ts';
import { partsOf, planReset, type MapItems, type RunStates } from '#services/orchestrator/src/control/reset-plan.ts';
import { planWorkflow } from '#services/orchestrator/src/core/plan.ts';
import { task, workflow } from './stage.ts';

const items: Step = {
  name: 'items',
  needs: ['list'],
  uses: 'map',
  with: { over: '${{ steps.list.result }}', atOnce: 3 },
  step: { uses: 'task', with: { handler: 'work' } },
};
/** a -> b -> d, a -> c -> d; e stands beside. */
const diamond = workflow('diamond', [task('a'), task('b', ['a']), task('c', ['a']), task('d', ['b', 'c']), task('e')]);
const mapped = workflow('mapped', [task('list'), items, task('join', ['items'])]);

function found(of: Workflow, states: readonly string[], more: Partial<RunStates> = {}): RunStates {
  const { steps, profiles } = planWorkflow(of);
  return { plan: new DefinedPlan(steps, profiles), states, counted: new Set(), maps: new Map(), ...more };
}

function mapOf(
  states: readonly string[],
  { items, released }: { items: number; released: number },
): Map<number, MapItems> {
  return new Map([[1, { items, released, states }]]);
}

describe('the plan of a reset', () => {
  it('takes what did not end well, and counts the needs that have', () => {
    const { rows, left, again } = planReset(
      found(diamond, ['succeeded', 'failed', 'succeeded', 'skipped', 'succeeded']),
      [],
    );
    assert.deepEqual(rows, [
      ['1', 'waiting', 1],
      ['3', 'waiting', 1],
    ]);
    assert.deepEqual([left, again], [2, [1, 3]]);
  });

  it('takes a named step with all that follows it, whatever became of them', () => {
    const { rows } = planReset(found(diamond, Array(5).fill('succeeded')), [1]);
    assert.deepEqual(rows, [
      ['1', 'waiting', 1],
      ['3', 'waiting', 1],
    ]);
  });

  it('takes what failed elsewhere besides: else the run could not succeed', () => {
    const { again } = planReset(found(diamond, ['succeeded', 'succeeded', 'succeeded', 'succeeded', 'failed']), [3]);
    assert.deepEqual(again, [3, 4]);
  });

  it('leaves what a person skipped, unless it is named or lies behind a failure', () => {
    const states = ['succeeded', 'skipped', 'failed', 'skipped', 'succeeded'];
    assert.deepEqual(planReset(found(diamond, states), []).again, [2, 3], 'b has no failed need, d has');
    assert.deepEqual(planReset(found(diamond, states, { skippedByPerson: new Set([1, 3]) }), []).again, [2]);
    assert.deepEqual(planReset(found(diamond, states), [1]).again, [1, 2, 3]);
  });

  it('leaves out what waits and was never counted: nothing of it is to be changed', () => {
    const states = ['cancelled', 'waiting', 'waiting', 'waiting', 'waiting'];
    const plan = planReset(found(diamond, states, { counted: new Set([3]) }), []);
    assert.deepEqual(plan.rows, [
      ['0', 'waiting', 0],
      ['3', 'waiting', 0],
    ]);
    assert.equal(plan.left, 5);
  });

  it('lets a map go on with the items that failed, and keeps those that have succeeded', () => {
    const states = ['succeeded', 'succeeded', 'failed', 'cancelled'];
    const maps = mapOf(states, { items: 4, released: 4 });
    const plan = planReset(found(mapped, ['succeeded', 'failed', 'skipped'], { maps }), []);
    assert.deepEqual(plan.rows, [
      ['1', 'suspended', 2, 'items'],
      ['2', 'waiting', 0],
      ['1.2', 'ready', 0],
      ['1.3', 'ready', 0],
    ]);
    assert.deepEqual(plan.counts, { '1f': 0, '1n': 4, '1r': 4 });
    assert.deepEqual([plan.left, plan.itemsAgain], [2, 2]);
  });

  it('lets go as many items as may be at work, also of those that had not been let go', () => {
    const maps = mapOf(['succeeded', 'failed'], { items: 10, released: 2 });
    const { rows, counts } = planReset(found(mapped, ['succeeded', 'failed', 'skipped'], { maps }), []);
    assert.deepEqual(
      rows.map(([ref]) => ref),
      ['1', '2', '1.1', '1.2', '1.3'],
    );
    assert.deepEqual([rows[0], counts], [['1', 'suspended', 1, 'items'], { '1f': 0, '1n': 10, '1r': 4 }]);
  });

  it('lets one item of a map go again whose items all ended well while it was cancelled', () => {
    const maps = mapOf(['succeeded', 'succeeded'], { items: 2, released: 2 });
    const { rows } = planReset(found(mapped, ['succeeded', 'cancelled', 'waiting'], { maps }), []);
    assert.deepEqual(rows, [
      ['1', 'suspended', 1, 'items'],
      ['1.1', 'ready', 0],
    ]);
  });

  it('begins a map anew that is named, or follows what is: its list may be another', () => {
    const maps = mapOf(['succeeded', 'failed'], { items: 3, released: 2 });
    const { rows, counts } = planReset(found(mapped, ['succeeded', 'failed', 'skipped'], { maps }), [0]);
    assert.deepEqual(rows, [
      ['0', 'waiting', 0],
      ['1.0', 'waiting', 0],
      ['1.1', 'waiting', 0],
      ['1', 'waiting', 0],
      ['2', 'waiting', 0],
    ]);
    assert.deepEqual(counts, { '1f': 0, '1n': 0, '1r': 0 });
  });

  it('is sent in parts, the counts not before the last rows', () => {
    const row = (ref: string) => [ref, 'waiting', 0] as const;
    const parts = [...partsOf({ rows: ['0', '1', '2'].map(row), counts: { a: 1, b: 2, c: 3 } }, 2)];
    assert.deepEqual(parts, [
      { steps: [row('0'), row('1')], counts: {}, last: false },
      { steps: [row('2')], counts: { a: 1, b: 2 }, last: false },
      { steps: [], counts: { c: 3 }, last: true },
    ]);
    assert.deepEqual([...partsOf({ rows: [], counts: {} }, 2)], [{ steps: [], counts: {}, last: true }]);
  });

  it('of 100,000 steps in a chain is there in less than a second', () => {
    const steps = Array.from({ length: 100_000 }, (_, index) =>
      task(`s${index}`, index === 0 ? [] : [`s${index - 1}`]),
    );
    const run = found(workflow('chain', steps), Array(100_000).fill('succeeded'));
    const startedAt = performance.now();
    assert.equal(planReset(run, [1]).left, 99_999);
    assert.ok(performance.now() - startedAt < 1000);
  });
});

describe('the plan of a migration', () => {
  const states = ['succeeded', 'failed', 'succeeded', 'skipped', 'waiting'];

  it('keeps how steps of the same name and number ended, and lets all others go', () => {
    const next = workflow('diamond', [task('a'), task('b', ['a']), task('c', ['a']), task('last', ['b', 'c'])]);
    const { reset, moved } = planMigration(found(diamond, states), planWorkflow(next));
    assert.deepEqual(moved, []);
    assert.deepEqual(reset.rows, [
      ['1', 'waiting', 1],
      ['3', 'waiting', 1],
    ]);
    assert.equal(reset.left, 2);
  });

  it('names the steps that have ended and have another number there', () => {
    const next = workflow('diamond', [task('new'), task('a'), task('b', ['a']), task('c', ['a'])]);
    const { moved } = planMigration(found(diamond, states), planWorkflow(next));
    assert.deepEqual(moved, [
      { name: 'a', from: 0, to: 1 },
      { name: 'c', from: 2, to: 3 },
    ]);
  });
});
