import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { eventually } from '#test/support/eventually.ts';
import { Environment, type Orchestrator, type RunView, type StepView } from './environment.ts';

const head = (name: string) =>
  `kind: Workflow\nschema: 1\nname: ${name}\nowner: people\ntriggers: [{ manual: true }]\n`;
const workflows = {
  'diamond.yaml': `${head('diamond')}parameters:
  day: { type: string, default: "2001-06-15" }
  rows: { type: number }
runsMax: 5
steps:
  - name: first
    uses: http
    with: { service: peer, method: POST, path: "/v1/days/\${{ parameters.day }}", body: { rows: "\${{ parameters.rows }}" } }
  - { name: left, needs: [first], uses: wait, with: { forMs: 50 } }
  - name: right
    needs: [first]
    uses: http
    with: { service: peer, method: PUT, path: /v1/right, body: { all: "\${{ steps.first.result.list }}", text: "n=\${{ steps.first.result.list[1] }}" } }
  - { name: last, needs: [left, right], uses: http, with: { service: peer, method: GET, path: /v1/last } }
`,
  'flaky.yaml': `${head('flaky')}runsMax: 10
steps:
  - name: call
    uses: http
    retry: { attemptsMax: 3, backoffMs: 10, backoffMaxMs: 20 }
    with: { service: peer, path: /v1/flaky }
  - { name: then, needs: [call], uses: wait, with: { forMs: 1 } }
  - { name: beside, uses: wait, with: { forMs: 1 } }
`,
  'slow.yaml': `${head('slow')}steps:
  - { name: call, uses: http, timeouts: { attemptSeconds: 30 }, with: { service: peer, path: /v1/slow } }
`,
  'hasty.yaml': `${head('hasty')}steps:
  - { name: call, uses: http, timeouts: { attemptSeconds: 1 }, with: { service: peer, path: /v1/slow } }
`,
  'job.yaml': `${head('job')}steps:
  - { name: work, uses: http, with: { service: peer, path: /v1/jobs } }
`,
  'elsewhere.yaml': `${head('elsewhere')}steps:
  - { name: call, uses: http, with: { service: nowhere, path: /v1/x } }
`,
  'theirs.yaml': `${head('theirs').replace('owner', 'tenant: t7\nowner')}steps:
  - { name: wait, uses: wait, with: { forMs: 1 } }
`,
};

describe('runs', function () {
  this.timeout(20_000);
  const environment = new Environment({ workflows, settings: { queuedRunsMax: 2 } });
  let orchestrator: Orchestrator;

  before(async () => {
    await environment.start();
    orchestrator = await environment.orchestrator();
  });

  after(() => environment.stop());

  const ended = (run: string, call: { tenant?: string } = {}): Promise<RunView> =>
    eventually(
      async () => {
        const view = await orchestrator.show(run, call);
        return ['succeeded', 'failed', 'cancelled'].includes(view.state) && view;
      },
      { what: `the end of ${run}` },
    );
  const steps = (view: RunView): Record<string, StepView | undefined> =>
    Object.fromEntries(view.steps.map((step) => [step.name, step]));

  it('carry values from step to step, keep their type, and can not be led to another path', async () => {
    environment.handler = ({ path }, response) => {
      response.end(path.startsWith('/v1/days') ? '{"list":[1,"two"]}' : `{"at":"${path}"}`);
    };
    const view = await ended(await orchestrator.run('diamond', { rows: 7, day: '../x?y' }, { actor: 'ann' }));
    assert.equal(view.state, 'succeeded');
    assert.equal(view.actor, 'ann');
    assert.deepEqual(view.parameters, { rows: 7, day: '../x?y' });
    const { first, left, right, last } = steps(view);
    assert.deepEqual(first?.result, { list: [1, 'two'] });
    assert.deepEqual(last?.result, { at: '/v1/last' });
    assert.ok((left?.endedAtMs ?? 0) >= (first.endedAtMs ?? Infinity) + 50, 'the sleep lasts');
    assert.ok((last.startedAtMs ?? 0) >= (left?.endedAtMs ?? Infinity), 'needs are waited for');
    const asked = environment.requests.slice(-3);
    assert.equal(asked[0]?.path, '/v1/days/..%2Fx%3Fy');
    assert.deepEqual(asked[0].body, { rows: 7 });
    assert.deepEqual(asked[1]?.body, { all: [1, 'two'], text: 'n=two' });
    assert.equal(asked[0].key, `${view.run}/first`);
    assert.equal(right?.attempt, 1);
  });

  it('check their parameters, all at once', async () => {
    const body = { parameters: { day: 5, rwos: 1 } };
    const answer = await orchestrator.call<ErrorAnswer>('/v1/workflows/diamond/runs', { body });
    assert.equal(answer.status, 400);
    assert.equal(answer.body.error.code, 'PARAMETERS_INVALID');
    assert.match(answer.body.error.message, /unknown parameter "rwos", did you mean "rows"/);
    assert.match(answer.body.error.message, /"day" is 5: it must be a string/);
    assert.match(answer.body.error.message, /"rows" \(number\) is missing/);
  });

  it('are tried again after a failure that may pass, under the same key, and not after one that is final', async () => {
    let calls = 0;
    environment.handler = (_asked, response) => {
      calls += 1;
      response.statusCode = calls < 3 ? 500 : 200;
      response.end('{"error":{"code":"NOT_YET","message":"not yet","hint":"wait"}}');
    };
    const view = await ended(await orchestrator.run('flaky'));
    assert.equal(view.state, 'succeeded');
    assert.equal(steps(view)['call']?.attempt, 3);
    assert.equal(new Set(environment.requests.slice(-3).map(({ key }) => key)).size, 1);

    environment.handler = (_asked, response) => {
      response.statusCode = 422;
      response.end('{"error":{"code":"WRONG","message":"wrong for ever","hint":"mend it"}}');
    };
    const failed = await ended(await orchestrator.run('flaky'));
    const { call, then, beside } = steps(failed);
    assert.equal(failed.state, 'failed');
    assert.equal(call?.attempt, 1);
    assert.equal(call.error?.code, 'WRONG');
    assert.equal(call.error.hint, 'mend it');
    assert.deepEqual([then?.state, beside?.state], ['skipped', 'succeeded'], 'branches beside a failure go on');
  });

  it('go on from their failed steps when they are retried', async () => {
    environment.handler = (_asked, response) => {
      response.statusCode = 422;
      response.end('{}');
    };
    const run = await orchestrator.run('flaky');
    await ended(run);
    environment.handler = (_asked, response) => response.end('{"fine":true}');
    const answer = await orchestrator.call<{ state: string }>(`/v1/runs/${run}/retry`, { body: {} });
    assert.equal(answer.status, 200);
    const view = await ended(run);
    const { call, then, beside } = steps(view);
    assert.deepEqual([view.state, call?.state, then?.state, beside?.state], Array(4).fill('succeeded'));
    assert.equal(call?.attempt, 2);
    assert.equal(call.error, undefined);
    assert.equal(beside?.attempt, 1, 'what has succeeded is not done again');
    const again = await orchestrator.call<ErrorAnswer>(`/v1/runs/${run}/retry`, { body: {} });
    assert.equal(`${again.status} ${again.body.error.code}`, '409 RUN_STATE_WRONG');
  });

  it('wait for a peer that is away without losing an attempt', async () => {
    let calls = 0;
    environment.handler = (_asked, response) => {
      calls += 1;
      if (calls < 4) response.destroy();
      else response.end('{"back":true}');
    };
    const view = await ended(await orchestrator.run('flaky'));
    assert.equal(view.state, 'succeeded');
    assert.equal(steps(view)['call']?.attempt, 1);
  });

  it('follow a job to its end, tell its progress, and ask again when the peer has forgotten it', async () => {
    const job = { id: 'j1', location: '/v1/jobs/j1' };
    let polls = 0;
    environment.handler = ({ method }, response) => {
      if (method === 'POST') {
        response.statusCode = 202;
        response.end(JSON.stringify({ ...job, state: 'running', progress: { done: 1, total: 9, unit: 'rows' } }));
        return;
      }
      polls += 1;
      response.statusCode = polls === 2 ? 404 : 200;
      const state = polls < 8 ? 'running' : 'succeeded';
      response.end(
        JSON.stringify({ ...job, state, progress: { done: polls, total: 9, unit: 'rows' }, result: { rows: 9 } }),
      );
    };
    const run = await orchestrator.run('job');
    const progress = await eventually(async () => (await orchestrator.show(run)).steps[0]?.progress);
    assert.equal(progress['unit'], 'rows');
    const view = await ended(run);
    assert.deepEqual(view.steps[0]?.result, { rows: 9 });
    assert.equal(environment.requests.filter(({ path, method }) => path === '/v1/jobs' && method === 'POST').length, 2);
    assert.equal(view.steps[0].attempt, 1);
  });

  it('end when they are cancelled: the call is dropped, and nothing of it is accepted', async () => {
    let closed = false;
    environment.handler = (_asked, response) => response.on('close', () => (closed = true));
    const run = await orchestrator.run('slow');
    await eventually(async () => (await orchestrator.show(run)).steps[0]?.state === 'running');
    const answer = await orchestrator.call<{ state: string }>(`/v1/runs/${run}/cancel`, { body: {} });
    assert.equal(answer.body.state, 'cancelling');
    await eventually(() => closed, { what: 'the call being dropped', timeoutMs: 2000 });
    assert.equal((await ended(run)).steps[0]?.state, 'cancelled');
  });

  it('end an attempt that takes too long', async () => {
    environment.handler = () => undefined;
    const view = await ended(await orchestrator.run('hasty'));
    assert.equal(view.state, 'failed');
    assert.equal(view.steps[0]?.error?.code, 'ATTEMPT_TIMEOUT');
  });

  it('queue behind the bound of their workflow, and are refused when the queue is full', async () => {
    const open: (() => void)[] = [];
    environment.handler = (_asked, response) => open.push(() => response.end('{}'));
    const runs = [await orchestrator.run('slow'), await orchestrator.run('slow'), await orchestrator.run('slow')];
    await eventually(() => open.length === 1);
    const states = await Promise.all(runs.map(async (run) => (await orchestrator.show(run)).state));
    assert.deepEqual(states, ['running', 'queued', 'queued']);
    const refused = await orchestrator.call<ErrorAnswer>('/v1/workflows/slow/runs', { body: {} });
    assert.equal(`${refused.status} ${refused.body.error.code}`, '429 QUEUE_FULL');
    assert.equal(refused.headers.get('retry-after'), '1');
    for (const [index, run] of runs.entries()) {
      await eventually(() => open.length === index + 1);
      open[index]?.();
      assert.equal((await ended(run)).state, 'succeeded');
    }
  });

  it('start once under an idempotency key, and never with another body', async () => {
    environment.handler = (_asked, response) => response.end('{"list":[1,2]}');
    const order = { body: { parameters: { rows: 1 } }, key: 'monday' };
    const [first, second] = await Promise.all([
      orchestrator.call<RunView>('/v1/workflows/diamond/runs', order),
      orchestrator.call<RunView>('/v1/workflows/diamond/runs', order),
    ]);
    assert.equal(first.body.run, second.body.run);
    assert.deepEqual([first.status, second.status], [201, 201]);
    const other = { ...order, body: { parameters: { rows: 2 } } };
    const refused = await orchestrator.call<ErrorAnswer>('/v1/workflows/diamond/runs', other);
    assert.equal(`${refused.status} ${refused.body.error.code}`, '409 IDEMPOTENCY_KEY_REUSED');
  });

  it('are seen by their tenant alone', async () => {
    const run = await orchestrator.run('theirs', {}, { tenant: 't7', body: {} });
    await ended(run, { tenant: 't7' });
    for (const path of [`/v1/runs/${run}`, '/v1/workflows/theirs']) {
      assert.equal((await orchestrator.call(path)).status, 404, path);
    }
    assert.equal((await orchestrator.call(`/v1/runs/${run}/cancel`, { body: {} })).status, 404);
    const listed = async (tenant: string) => {
      const answer = await orchestrator.call<{ runs: RunView[] }>('/v1/runs?limit=500', { tenant });
      return answer.body.runs.map((each) => each.run);
    };
    assert.deepEqual(await listed('t7'), [run]);
    assert.ok(!(await listed('main')).includes(run));
  });

  it('are refused where the environment lacks what they need, with what that is', async () => {
    const answer = await orchestrator.call<ErrorAnswer>('/v1/workflows/elsewhere/runs', { body: {} });
    assert.equal(`${answer.status} ${answer.body.error.code}`, '409 WORKFLOW_UNAVAILABLE');
    assert.match(answer.body.error.message, /the service "nowhere"/);
    const missing = await orchestrator.call<ErrorAnswer>('/v1/workflows/diamnd/runs', { body: {} });
    assert.match(missing.body.error.hint, /did you mean "diamond"/);
  });

  it('are listed by workflow and state, the latest first', async () => {
    const answer = await orchestrator.call<{ runs: RunView[] }>('/v1/runs?workflow=slow&state=succeeded&limit=2');
    assert.equal(answer.body.runs.length, 2);
    assert.ok((answer.body.runs[0]?.run ?? '') > (answer.body.runs[1]?.run ?? ''));
    assert.equal((await orchestrator.call('/v1/runs?state=done')).status, 400);
  });

  it('are described to programs, every route', async () => {
    const { body } = await orchestrator.call<{ paths: Record<string, unknown> }>('/openapi.json');
    for (const path of ['/v1/runs/{id}/explain', '/v1/control', '/v1/events', '/v1/backfills']) {
      assert.ok(path in body.paths, path);
    }
  });
});

interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}
