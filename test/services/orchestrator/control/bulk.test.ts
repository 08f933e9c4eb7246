import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { BulkAnswer } from '#services/orchestrator/src/control/bulk.ts';
import { Stage, task, workflow, type Answer, type ErrorAnswer } from './stage.ts';

const workflows = [workflow('alpha', [task('a')]), workflow('beta', [task('a')], { runsMax: 1 })];

describe('one verb for many runs', function () {
  this.timeout(60_000);
  const stage = new Stage(workflows);
  before(() => stage.start());
  after(() => stage.stop());
  beforeEach(async () => {
    await stage.redis.flushdb();
  });

  const bulk = (body: object, tenant = 'main'): Promise<Answer<BulkAnswer & ErrorAnswer>> =>
    stage.call('POST', '/v1/control', body, { tenant });
  const names = (lines: readonly { readonly run: string }[]) => lines.map(({ run }) => run).sort();
  const runsOf = async (name: string, count: number) => {
    const runs: string[] = [];
    for (let index = 0; index < count; index += 1) runs.push(await stage.run(name));
    return runs.sort();
  };

  it('does exactly what its dry run told, and that changes nothing', async () => {
    const alpha = await runsOf('alpha', 3);
    const beta = await runsOf('beta', 2);
    const order = { verb: 'cancel', filter: { workflow: 'alpha' }, graceMs: 0, reason: 'wrong day' };
    const dry = await bulk({ ...order, dryRun: true });
    assert.deepEqual([names(dry.body.acts), dry.body.applied, dry.body.next], [alpha, false, null]);
    assert.equal(dry.body.acts[0]?.text, 'ends 1 steps; 0 attempts in progress are asked to stop within 0 s');
    for (const run of alpha) assert.equal((await stage.show(run)).state, 'running');
    const done = await bulk({ ...order, token: dry.body.token });
    assert.deepEqual([names(done.body.acts), done.body.applied], [alpha, true]);
    for (const run of alpha) assert.equal((await stage.show(run)).state, 'cancelled');
    for (const run of beta) assert.notEqual((await stage.show(run)).state, 'cancelled');
    const told = (await stage.events()).filter(([, , , , , , , to]) => to === 'cancelling' || to === 'cancelled');
    assert.ok(
      told.some(([of, , , , , , , , reason, actor]) => of === alpha[0] && reason === 'wrong day' && actor === 'ann'),
    );
  });

  it('does nothing under the token of another list', async () => {
    await runsOf('alpha', 1);
    const order = { verb: 'cancel', filter: { workflow: 'alpha' }, reason: 'wrong day' };
    const { token } = (await bulk({ ...order, dryRun: true })).body;
    const [late = ''] = await runsOf('alpha', 1);
    const answer = await bulk({ ...order, token });
    assert.equal(`${answer.status} ${answer.body.error.code}`, '409 BULK_CHANGED');
    assert.equal((await stage.show(late)).state, 'running');
    assert.equal((await bulk({ ...order, verb: 'kill', token })).status, 409, 'another verb is another list');
  });

  it('tells what it is refused, and why, and what is so already', async () => {
    const [first = '', second = ''] = await runsOf('alpha', 2);
    await stage.work(({ run }) => run === first);
    const [third = ''] = await runsOf('alpha', 1);
    await stage.control(third, 'pause');
    const { body } = await bulk({ verb: 'pause', dryRun: true, filter: { workflow: 'alpha' } });
    assert.deepEqual(names(body.nothing), [third]);
    assert.deepEqual(names(body.refused), [first, second].sort());
    assert.deepEqual([...new Set(body.refused.map(({ code }) => code))], ['RUN_STATE_WRONG']);
    const retry = await bulk({ verb: 'retry', reason: 'mended', filter: { state: 'failed' } });
    assert.deepEqual(names(retry.body.acts), [first]);
    assert.equal((await stage.show(first)).state, 'running');
  });

  it('takes runs by name, and says of those that are not there that they are missing', async () => {
    const [run = ''] = await runsOf('alpha', 1);
    const { body } = await bulk({ verb: 'pause', reason: 'look', runs: [run, 's00-000000000000'] });
    assert.deepEqual([names(body.acts), body.refused[0]?.code], [[run], 'RUN_NOT_FOUND']);
    assert.equal((await stage.show(run)).paused, true);
  });

  it('filters by state, actor and age, and asks for a reason', async () => {
    const [queued = ''] = (await runsOf('beta', 2)).slice(1);
    const mine = await stage.run('alpha', { actor: 'bob' });
    const count = async (filter: object) => names((await bulk({ verb: 'cancel', dryRun: true, filter })).body.acts);
    assert.deepEqual(await count({ state: 'queued' }), [queued]);
    assert.deepEqual(await count({ actor: 'bob' }), [mine]);
    assert.deepEqual(await count({ olderThanMs: 3_600_000 }), []);
    assert.equal((await count({ olderThanMs: 0, state: 'running' })).length, 2);
    assert.equal((await bulk({ verb: 'cancel', filter: { actor: 'bob' } })).body.error.code, 'REASON_MISSING');
    assert.equal((await bulk({ verb: 'cancel', filter: {}, reason: 'all' })).status, 400, 'a filter says something');
    assert.deepEqual((await bulk({ verb: 'cancel', dryRun: true, filter: { actor: 'bob' } }, 't7')).body.acts, []);
  });

  it('takes 1,000 runs a call, and says where the next begin', async () => {
    const plan = stage.started.catalogue.find('main', 'alpha')?.plan;
    assert.ok(plan !== undefined);
    for (let first = 0; first < 1100; first += 20) {
      const some = Array.from({ length: 20 }, (_, index) => {
        const run = `s00-${String(first + index).padStart(12, '0')}`;
        return {
          run,
          tenant: 'main',
          actor: 'ann',
          workflow: 'alpha',
          plan,
          parameters: '{}',
          trigger: 'manual',
          logicalMs: 1,
        };
      });
      await stage.transitions.submit('s00', some);
    }
    const order = { verb: 'pause', filter: { workflow: 'alpha' }, reason: 'all of them' };
    const page = await bulk(order);
    assert.equal(page.body.acts.length + page.body.refused.length, 1000);
    const rest = await bulk({ ...order, cursor: page.body.next });
    assert.deepEqual([rest.body.acts.length + rest.body.refused.length, rest.body.next], [100, null]);
  });
});
