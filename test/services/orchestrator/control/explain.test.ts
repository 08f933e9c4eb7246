import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Step } from '@orrery/contracts/definitions/workflow';
import type { ExplainAnswer } from '#services/orchestrator/src/control/explainer.ts';
import type { Suspension } from '#services/orchestrator/src/core/step-lease.ts';
import { shard, Stage, task, workflow } from './stage.ts';

const approve: Step = { name: 'ask', uses: 'approve', with: { who: ['ann', 'bob', 'eve'], quorum: 2 } };
const map: Step = {
  name: 'each',
  uses: 'map',
  with: { over: '${{ parameters.list }}' },
  step: { uses: 'task', with: { handler: 'work' } },
};
const limited = { limit: { key: 'gpu', max: 1 } };
const workflows = [
  workflow('join', [task('a'), task('b'), task('c', ['a', 'b'])]),
  workflow('single', [task('only')], { runsMax: 1 }),
  workflow('ask', [approve]),
  workflow('each', [map]),
  workflow('wait', [{ name: 'wait', uses: 'wait', with: { event: 'paid', key: 'o1' } }]),
  workflow('gpu', [task('train', [], limited), task('check', [], limited)]),
  workflow('flaky', [task('call', [], { retry: { attemptsMax: 3, backoffMs: 60_000, jitter: 'none' } })]),
  workflow('elsewhere', [{ name: 'far', uses: 'task', with: { handler: 'work', pool: 'gpus' } }]),
];

describe('every step that has not ended names its blocker', function () {
  this.timeout(30_000);
  const stage = new Stage(workflows);
  before(() => stage.start());
  after(() => stage.stop());
  beforeEach(async () => {
    await stage.redis.flushdb();
  });

  const explained = async (run: string, tenant = 'main') => {
    const { body } = await stage.call<ExplainAnswer>('GET', `/v1/runs/${run}/explain`, undefined, { tenant });
    return body.explanations;
  };
  const of = async (run: string, step: string) => {
    const found = (await explained(run)).find((each) => each.step === step);
    assert.ok(found !== undefined, `${step} is explained`);
    return found;
  };
  const suspend = async (how: Suspension, name: string): Promise<string> => {
    const run = await stage.run(name);
    const [claimed] = await stage.take('inner');
    assert.ok(claimed !== undefined);
    await stage.end(claimed, 'suspended', how);
    return run;
  };
  const on = { tenant: 'main', actor: 'ann', reason: 'test' };

  it('one that waits: its needs with their states', async () => {
    const run = await stage.run('join');
    const [a] = await stage.take('default', 1);
    assert.ok(a !== undefined);
    assert.deepEqual(await of(run, 'c'), {
      ...{ step: 'c', ref: '2', state: 'waiting', blocker: 'needs', sinceMs: null },
      text: 'waits for a (running), b (ready)',
    });
  });

  it('one that is ready: its place in the line, and since when it stands there', async () => {
    const first = await stage.run('join');
    const second = await stage.run('join');
    const b = await of(second, 'b');
    assert.equal(b.blocker, 'line');
    assert.equal(b.text, 'is number 4 of 4 in the line of the pool default');
    const { startedAtMs } = (await stage.call<{ startedAtMs: number }>('GET', `/v1/runs/${second}`)).body;
    assert.equal(b.sinceMs, startedAtMs);
    assert.match((await of(first, 'a')).text, /number 1 of 4/);
  });

  it('one that runs: since when, how long its lease and its try last, and its progress', async () => {
    const run = await stage.run('single');
    const [claimed] = await stage.take();
    assert.ok(claimed !== undefined);
    await stage.transitions.beat(shard, [{ ...claimed, leaseMs: 30_000, progress: '{"done":3}' }]);
    const only = await of(run, 'only');
    assert.equal(only.blocker, 'at-work');
    assert.match(
      only.text,
      /^try 1 is at work for 0\.\d s; its lease ends in (29\.\d|30\.0) s, the try at the latest in 5 min; .*; progress \{"done":3\}$/,
    );
    assert.equal(only.untilMs, claimed.dueMs);
  });

  it('one that runs: which workers of its pool may have it, or that none is connected here', async () => {
    const run = await stage.run('single');
    await stage.take();
    const { started } = stage;
    const worker = { tenant: 'main', pool: 'default', build: 'b1', handlers: ['work'], slots: 8, held: 0, sinceMs: 0 };
    const telling = async (...workers: readonly object[]) => {
      const views = workers.map((each, index) => ({ ...worker, worker: `w-${index}`, ...each }));
      stage.started = { ...started, workers: () => views };
      return (await of(run, 'only')).text.split('; ').at(-1);
    };
    const idle = { held: 0 };
    assert.equal(await telling(), 'its worker is not connected to this orchestrator');
    assert.equal(await telling(idle, { pool: 'gpus', held: 2 }), 'its worker is not connected to this orchestrator');
    assert.equal(await telling(idle, { held: 3 }), 'of the workers connected here it may be w-1 (build b1, 3 in hand)');
    const two = 'of the workers connected here it may be w-0 (build b1, 1 in hand) or w-1 (build b2, 2 in hand)';
    assert.equal(await telling({ held: 1 }, { held: 2, build: 'b2' }), two);
    stage.started = started;
  });

  it('one at a limit: of the tenant, of the pool, of its key with who holds it', async () => {
    const run = await stage.run('join');
    await stage.transitions.control(shard, { ...on, on: 't|main' }, { verb: 'limit', most: 1 });
    await stage.take('default', 5);
    assert.deepEqual((({ blocker, text }) => [blocker, text])(await of(run, 'b')), [
      'tenant-limit',
      'the tenant main has 1/1 leases; is number 1 of 1 in the line of the pool default',
    ]);
    await stage.transitions.control(shard, { ...on, on: 't|main' }, { verb: 'limit', most: -1 });
    await stage.transitions.control(shard, { ...on, on: 'p|default' }, { verb: 'limit', most: 1 });
    assert.match((await of(run, 'b')).text, /^the pool default has 1\/1 leases; /);
    await stage.transitions.control(shard, { ...on, on: 'p|default' }, { verb: 'limit', most: -1 });
    const first = await stage.run('gpu');
    const second = await stage.run('gpu');
    await stage.take('default', 10);
    assert.deepEqual((({ blocker, text }) => [blocker, text])(await of(second, 'train')), [
      'key-limit',
      `the key train is taken 1/1: by ${first} train`,
    ]);
    assert.equal((await of(first, 'train')).blocker, 'at-work');
  });

  it('one that is paused: by whom, why and when, at each level', async () => {
    const run = await stage.run('join');
    await stage.call('POST', '/v1/tenant/pause', { reason: 'the month ends' }, { actor: 'bob' });
    const tenant = await of(run, 'a');
    assert.equal(tenant.blocker, 'paused-tenant');
    assert.match(tenant.text, /^the tenant is paused by bob: the month ends \(20\d\d-.*Z\)$/);
    await stage.call('POST', '/v1/workflows/join/pause', { reason: 'a bug' }, { actor: 'eve' });
    assert.match((await of(run, 'a')).text, /^the workflow is paused by eve: a bug/);
    await stage.control(run, 'pause', { reason: 'mine' });
    assert.equal((await of(run, 'a')).blocker, 'paused-run');
  });

  it('one whose pool nobody serves, once it is known who serves any', async () => {
    const run = await stage.run('elsewhere');
    assert.equal((await of(run, 'far')).blocker, 'line');
    const inAMinute = Date.now() + 60_000;
    await stage.redis.zadd(`orchestrator:{${shard}}:consumers:*`, inAMinute, 'o1');
    assert.deepEqual((({ blocker, text }) => [blocker, text])(await of(run, 'far')), [
      'nobody-serves',
      'nobody serves the pool gpus: start workers for it',
    ]);
    await stage.redis.zadd(`orchestrator:{${shard}}:consumers:gpus`, inAMinute, 'w-1');
    assert.equal((await of(run, 'far')).blocker, 'line');
    await stage.redis.zadd(`orchestrator:{${shard}}:consumers:gpus`, 1, 'w-1');
    assert.equal((await of(run, 'far')).blocker, 'nobody-serves', 'one that was not heard of again is gone');
  });

  it('one between two tries: when the next begins, after how many', async () => {
    const run = await stage.run('flaky');
    const [claimed] = await stage.take();
    assert.ok(claimed !== undefined);
    const { run: id, ref, fence } = claimed;
    const ending = { run: id, ref, fence, outcome: 'failed', payload: '{}', retryable: true, reason: 'busy' } as const;
    await stage.transitions.exchange(shard, { pools: [], want: 0, leaseMs: 1 }, [ending]);
    const call = await of(run, 'call');
    assert.equal(call.blocker, 'backoff');
    assert.match(call.text, /^is tried again in (59\.\d|60\.0) s, after 1 of 3 tries$/);
  });

  it('one that is suspended: a timer, an event with its key, approvals, a child, items', async () => {
    const due = Date.now() + 40_000;
    const timer = await suspend({ on: 'timer', due }, 'wait');
    assert.deepEqual([(await of(timer, 'wait')).blocker, (await of(timer, 'wait')).untilMs], ['timer', due]);
    const event = await suspend({ on: 'event', key: 'paid|o1', due }, 'wait');
    assert.match(
      (await of(event, 'wait')).text,
      /^waits for the event paid with the key o1; gives up in (39|40)\.\d s$/,
    );
    const approval = await suspend({ on: 'approval', who: ['ann', 'bob', 'eve'], quorum: 2 }, 'ask');
    await stage.call('POST', `/v1/runs/${approval}/steps/ask/decision`, { decision: 'approve' }, { actor: 'bob' });
    assert.equal((await of(approval, 'ask')).text, 'has 1/2 approvals (by bob); waits for ann, eve');
    const child = await stage.run('single');
    const parent = await suspend({ on: 'child', key: child }, 'wait');
    assert.equal((await of(parent, 'wait')).text, `waits for the run ${child}, which is running`);
    const items = await suspend({ on: 'items', items: 40 }, 'each');
    await stage.settle();
    assert.equal((await of(items, 'each')).text, '0/40 items have ended, 0 of them failed; 40 are let go');
    assert.equal((await of(items, 'each.3')).blocker, 'line');
  });

  it('a queued run: its place and who holds the slots', async () => {
    const first = await stage.run('single');
    const queued = [await stage.run('single'), await stage.run('single')];
    const found = await Promise.all(queued.map(async (run) => (await explained(run))[0]));
    assert.deepEqual(
      found.map((each) => [each?.step, each?.blocker]),
      [
        ['', 'queue'],
        ['', 'queue'],
      ],
    );
    // Runs of one millisecond stand in the order of their names.
    const texts = found.map((each) => each?.text).sort();
    const of_ = `in the queue of single: 1 at a time, taken by ${first}`;
    assert.deepEqual(texts, [`is number 1 ${of_}`, `is number 2 ${of_}`]);
  });

  it('a run that is being cancelled: how many attempts are still in progress, and for how long', async () => {
    const run = await stage.run('single');
    await stage.take();
    await stage.control(run, 'cancel', { graceMs: 20_000 });
    const [first] = await explained(run);
    assert.equal(first?.blocker, 'stopping');
    assert.match(first.text, /^waits for 1 attempts in progress to stop; what has not stopped in (19\.\d|20\.0) s/);
  });

  it('a run that has ended has nothing to explain', async () => {
    const run = await stage.run('single');
    await stage.work();
    assert.deepEqual(await explained(run), []);
  });
});
