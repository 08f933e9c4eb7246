import assert from 'node:assert/strict';
import { systemClock } from '@orrery/kit/clock';
import { after, before, beforeEach, describe, it } from 'mocha';
import { Registry } from 'prom-client';
import { overloaded } from '#services/orchestrator/src/errors.ts';
import { createMetrics } from '#services/orchestrator/src/metrics.ts';
import { Runs } from '#services/orchestrator/src/runs/runs.ts';
import { Stage, task, token, workflow, type Answer, type ErrorAnswer } from './stage.ts';

const parameters = { day: { type: 'string' }, rows: { type: 'number', default: 1 } } as const;
const workflows = [workflow('daily', [task('a')], { parameters }), workflow('theirs', [task('a')], { tenant: 't7' })];

interface Outcome {
  readonly run?: string;
  readonly state?: string;
  readonly fresh?: boolean;
  readonly error?: ErrorAnswer['error'] & { readonly retry: string };
}

describe('many runs in one request', function () {
  this.timeout(30_000);
  const stage = new Stage(workflows);
  before(() => stage.start());
  after(() => stage.stop());
  beforeEach(() => stage.redis.flushdb());

  const path = '/v1/workflows/daily/runs/batch';
  const hand = (orders: readonly object[], at = path, call = {}) =>
    stage.call<{ outcomes: Outcome[] } & ErrorAnswer>('POST', at, { orders }, call);
  const outcomesOf = async (orders: readonly object[]): Promise<Outcome[]> => {
    const { status, body } = await hand(orders);
    assert.equal(status, 200);
    return body.outcomes;
  };
  const refusal = (answer: Answer<ErrorAnswer>) => `${answer.status} ${answer.body.error.code}`;
  const codes = (outcomes: readonly Outcome[]) => outcomes.map(({ state, error }) => error?.code ?? state);
  const listed = async () => (await stage.call<{ runs: { run: string }[] }>('GET', '/v1/runs?limit=500')).body.runs;
  /** While something else stands behind the route. */
  const withRuns = async (more: object, act: () => Promise<void>) => {
    const before_ = stage.started;
    const shards = ['s00'];
    const parts = {
      ...{ catalogue: before_.catalogue, transitions: stage.transitions, gate: { pass: async () => undefined } },
      ...{ metrics: createMetrics(new Registry()), clock: systemClock, limitKeysOf: () => ({}) },
    };
    stage.started = { ...before_, runs: new Runs({ ...parts, shards, ...more }) };
    await act().finally(() => (stage.started = before_));
  };

  it('are answered in the order in which they were asked for, each with its own parameters, priority and pins', async () => {
    const days = Array.from({ length: 100 }, (_, index) => `day ${index}`);
    const orders = days.map((day, index) => ({ parameters: { day }, priority: index % 10, pins: { default: 'b1' } }));
    const { status, body } = await hand(orders, path, { actor: 'bob' });
    assert.equal(status, 200);
    const runs = body.outcomes.map(({ run = '' }) => run);
    assert.equal(new Set(runs).size, 100);
    assert.deepEqual(body.outcomes[0], { run: runs[0], state: 'running', fresh: true });
    for (const index of [0, 15, 16, 99]) {
      const view = await stage.call<{ parameters: unknown; priority: number; actor: string }>(
        'GET',
        `/v1/runs/${runs[index]}`,
      );
      const { parameters: found, priority, actor } = view.body;
      const expected = { parameters: { day: `day ${index}`, rows: 1 }, priority: index % 10, actor: 'bob' };
      assert.deepEqual({ parameters: found, priority, actor }, expected);
    }
    assert.deepEqual(await stage.take('default'), [], 'what is pinned waits for its build');
    assert.equal((await stage.take('default@b1', 32)).length, 32);
  });

  it('keep no other back when one is wrong, whatever is wrong with it', async () => {
    const outcomes = await outcomesOf([
      { parameters: { day: 'a' } },
      { parameters: { dya: 'b' } },
      { parameters: { day: 'c' }, priority: 12, color: 'red' },
      { parameters: { day: 'd', rows: 2 ** 60 } },
      { parameters: { day: { of: 'e' } } },
      7,
      { parameters: { day: 'x'.repeat(70_000) } },
      { parameters: { day: 'g' } },
    ] as object[]);
    const wrong = ['PARAMETERS_INVALID', 'REQUEST_INVALID'];
    assert.deepEqual(codes(outcomes), [
      ...['running', wrong[0], wrong[1], wrong[0], wrong[1], wrong[1], wrong[0], 'running'],
    ]);
    assert.match(outcomes[1]?.error?.message ?? '', /unknown parameter "dya", did you mean "day"/);
    assert.equal(outcomes[1]?.error?.retry, 'terminal');
    assert.match(outcomes[2]?.error?.message ?? '', /priority must be <= 9/);
    assert.match(outcomes[2]?.error?.message ?? '', /must NOT have additional properties: "color"/);
    assert.match(outcomes[4]?.error?.message ?? '', /^parameters\.day must be string/);
    assert.match(outcomes[5]?.error?.message ?? '', /^the order must be object/);
    assert.match(outcomes[6]?.error?.message ?? '', /the bound is 65536/);
    assert.equal((await listed()).length, 2);
  });

  it('are harmless to repeat under their keys: known runs come back, a key never stands for two', async () => {
    const orders = ['a', 'b'].map((day) => ({ parameters: { day }, idempotencyKey: `file-${day}` }));
    const first = await outcomesOf(orders);
    const second = await outcomesOf([...orders, { parameters: { day: 'c' }, idempotencyKey: 'file-a' }]);
    assert.deepEqual(
      second.map(({ run, fresh }) => [run, fresh]),
      [
        [first[0]?.run, false],
        [first[1]?.run, false],
        [undefined, undefined],
      ],
    );
    assert.equal(second[2]?.error?.code, 'IDEMPOTENCY_KEY_REUSED');
    const [once, twice] = await outcomesOf(
      ['d', 'd'].map((day) => ({ parameters: { day }, idempotencyKey: 'file-d' })),
    );
    assert.deepEqual([once?.fresh, twice?.fresh, twice?.run], [true, false, once?.run]);
    const body = { parameters: { day: 'a' } };
    const alone = await stage.call<Outcome>('POST', '/v1/workflows/daily/runs', body, { key: 'file-a' });
    assert.equal(alone.body.run, first[0]?.run, 'a key is the same key alone and among many');
    assert.equal((await listed()).length, 3);
  });

  it('are 1 to 1,000, and of a bounded number of bytes, which the error tells', async () => {
    const many = Array.from({ length: 1001 }, () => ({ parameters: { day: 'a' } }));
    assert.match((await hand(many)).body.error.message, /orders must NOT have more than 1000 items/);
    assert.match((await hand([])).body.error.message, /orders must NOT have fewer than 1 items/);
    assert.equal((await listed()).length, 0);
    const large = await hand(many.slice(0, 1000).map(() => ({ parameters: { day: 'x'.repeat(1000) } })));
    assert.equal(refusal(large), '413 BODY_TOO_LARGE');
    assert.match(large.body.error.message, /larger than 1000000 bytes/);
    assert.equal((await outcomesOf(many.slice(1))).length, 1000);
  });

  it('fail together only by what concerns all of them', async () => {
    const orders = [{ parameters: { day: 'a' } }];
    assert.equal(refusal(await hand(orders, '/v1/workflows/dayly/runs/batch')), '404 WORKFLOW_NOT_FOUND');
    assert.equal(refusal(await hand(orders, '/v1/workflows/theirs/runs/batch')), '404 WORKFLOW_NOT_FOUND');
    const nobody = await stage.app.inject({ method: 'POST', url: path, payload: { orders } });
    assert.equal(nobody.statusCode, 401);
    const named = { authorization: `Bearer ${token}`, 'x-orrery-tenant': 'T 7' };
    const misnamed = await stage.app.inject({ method: 'POST', url: path, headers: named, payload: { orders } });
    assert.equal(misnamed.statusCode, 400);
    const gate = { pass: () => Promise.reject(overloaded('REDIS_FULL', 'Redis uses 9 of 10 bytes')) };
    await withRuns({ gate }, async () => {
      const full = await hand([...orders, { parameters: {} }]);
      assert.equal(refusal(full), '429 REDIS_FULL');
      assert.equal(full.headers['retry-after'], '1');
    });
    assert.equal((await listed()).length, 0);
  });

  it('tell of each whether it was taken in when the core has room for some alone', async () => {
    const transitions = {
      submit: async (_shard: string, submissions: readonly { run: string }[]) =>
        submissions.map(({ run }, index) => ({ run, state: 'queued', outcome: index < 2 ? 'accepted' : 'queue-full' })),
    };
    await withRuns({ transitions }, async () => {
      const outcomes = await outcomesOf(['a', 'b', 'c', 'd'].map((day) => ({ parameters: { day } })));
      assert.deepEqual(codes(outcomes), ['queued', 'queued', 'QUEUE_FULL', 'QUEUE_FULL']);
      assert.equal(outcomes[3]?.error?.retry, 'retryable');
    });
  });
});
