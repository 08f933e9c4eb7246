import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'mocha';
import type { LimitView } from '#services/orchestrator/src/control/scopes.ts';
import type { VersionsView } from '#services/orchestrator/src/control/versions.ts';
import type { RunSummary } from '#services/orchestrator/src/runs/run-reader.ts';
import type { StepView } from '#services/orchestrator/src/runs/run-views.ts';
import { hookSecret, signDelivery } from '#services/orchestrator/src/triggers/webhook.ts';
import { Stage, task, token, workflow, type ErrorAnswer } from './stage.ts';

const approve = workflow('ask', [
  { name: 'ask', uses: 'approve', with: { who: ['ann', 'bob'] } },
  task('then', ['ask']),
]);
const waits = workflow('waits', [{ name: 'wait', uses: 'wait', with: { event: 'paid', key: 'o1' } }]);
const evolving = workflow('evolving', [task('a'), task('b', ['a'])], { runsMax: 1 });
const next = workflow('evolving', [task('a'), task('c', ['a'])], { runsMax: 1 });
const large = workflow(
  'large',
  Array.from({ length: 1000 }, (_, index) => task(`s${index}`)),
);

describe('the API', function () {
  this.timeout(60_000);
  const stage = new Stage([approve, waits, evolving, large]);
  before(() => stage.start());
  after(() => stage.stop());
  beforeEach(async () => {
    await stage.redis.flushdb();
    stage.happened.length = 0;
    stage.refuse = false;
  });

  const refusal = (answer: { status: number; body: ErrorAnswer }) => `${answer.status} ${answer.body.error.code}`;
  const suspend = async (how: object) => {
    const [claimed] = await stage.take('inner');
    assert.ok(claimed !== undefined);
    await stage.end(claimed, 'suspended', how);
  };

  it('describes every route', async () => {
    const { body } = await stage.call<{ paths: Record<string, Record<string, unknown>> }>('GET', '/openapi.json');
    const routes = Object.entries(body.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb} ${path}`),
    );
    assert.deepEqual(routes.sort(), [
      ...[
        'get /v1/backfills',
        'get /v1/backfills/{id}',
        'get /v1/hooks/{name}',
        'get /v1/limits',
        'get /v1/runs',
        'get /v1/runs/{id}',
      ],
      ...[
        'get /v1/runs/{id}/events',
        'get /v1/runs/{id}/explain',
        'get /v1/runs/{id}/history',
        'get /v1/runs/{id}/steps',
      ],
      ...[
        'get /v1/runs/{id}/steps/{step}',
        'get /v1/runs/{id}/verification',
        'get /v1/workers',
        'get /v1/workflows',
        'get /v1/workflows/{name}',
      ],
      ...[
        'get /v1/workflows/{name}/versions',
        'post /v1/backfills',
        'post /v1/control',
        'post /v1/datasets/{name}/updates',
      ],
      ...['post /v1/events', 'post /v1/hooks/{tenant}/{name}', 'post /v1/runs/{id}/cancel', 'post /v1/runs/{id}/kill'],
      ...[
        'post /v1/runs/{id}/migrate',
        'post /v1/runs/{id}/pause',
        'post /v1/runs/{id}/priority',
        'post /v1/runs/{id}/reset',
      ],
      ...['post /v1/runs/{id}/resume', 'post /v1/runs/{id}/retry', 'post /v1/runs/{id}/steps/{step}/decision'],
      ...['post /v1/runs/{id}/steps/{step}/skip', 'post /v1/tenant/pause', 'post /v1/tenant/resume'],
      ...['post /v1/workflows/{name}/pause', 'post /v1/workflows/{name}/resume', 'post /v1/workflows/{name}/runs'],
      'post /v1/workflows/{name}/runs/batch',
      ...[
        'put /v1/backfills/{id}/wish',
        'put /v1/limits/leases',
        'put /v1/limits/pools/{pool}',
        'put /v1/limits/retries',
      ],
      'put /v1/limits/weight',
    ]);
  });

  it('takes the word of those whom an approval asks, once each, and of nobody else', async () => {
    const run = await stage.run('ask');
    const decide = (actor: string, body: object) =>
      stage.call<ErrorAnswer & { state: string }>('POST', `/v1/runs/${run}/steps/ask/decision`, body, { actor });
    assert.equal(refusal(await decide('ann', { decision: 'approve' })), '409 DECISION_NOT_WAITING');
    await suspend({ on: 'approval', who: ['ann', 'bob'], quorum: 2 });
    assert.equal(refusal(await decide('mallory', { decision: 'approve' })), '403 DECISION_NOT_ASKED');
    assert.equal((await decide('ann', { decision: 'approve', comment: 'fine' })).body.state, 'suspended');
    assert.equal(refusal(await decide('ann', { decision: 'approve' })), '409 DECISION_SAID_ALREADY');
    assert.equal((await decide('bob', { decision: 'approve' })).body.state, 'succeeded');
    const step = await stage.call<StepView>('GET', `/v1/runs/${run}/steps/ask`);
    const { approvals } = step.body.result as { approvals: { actor: string; comment: string }[] };
    assert.deepEqual(
      approvals.map(({ actor, comment }) => [actor, comment]),
      [
        ['ann', 'fine'],
        ['bob', ''],
      ],
    );
  });

  it('fails an approval at the first rejection', async () => {
    const run = await stage.run('ask');
    await suspend({ on: 'approval', who: ['ann', 'bob'], quorum: 1 });
    const path = `/v1/runs/${run}/steps/ask/decision`;
    const answer = await stage.call<{ state: string }>(
      'POST',
      path,
      { decision: 'reject', comment: 'no' },
      { actor: 'bob' },
    );
    assert.equal(answer.body.state, 'failed');
    const step = await stage.call<StepView>('GET', `/v1/runs/${run}/steps/ask`);
    assert.equal((step.body.error as { code: string }).code, 'APPROVAL_REJECTED');
  });

  it('hands an event to the steps that wait for it and to the triggers, and keeps it for later ones', async () => {
    const run = await stage.run('waits');
    await suspend({ on: 'event', key: 'paid|o1' });
    const event = { event: 'paid', key: 'o1', payload: { euro: 7 }, keepMs: 60_000, id: 'e-1' };
    const answer = await stage.call<{ id: string; delivered: number }>('POST', '/v1/events', event);
    assert.deepEqual([answer.status, answer.body], [202, { id: 'e-1', delivered: 1 }]);
    assert.deepEqual((await stage.show(run)).steps[0]?.result, { euro: 7 });
    const [happened] = stage.happened;
    assert.ok(happened?.kind === 'event');
    const { id, tenant, name, key, payload } = happened;
    assert.deepEqual(
      { id, tenant, name, key, payload },
      { id: 'e-1', tenant: 'main', name: 'paid', key: 'o1', payload: { euro: 7 } },
    );
    const later = await stage.run('waits');
    await suspend({ on: 'event', key: 'paid|o1' });
    assert.equal((await stage.show(later)).state, 'succeeded');
    stage.refuse = true;
    const refused = await stage.call<ErrorAnswer>('POST', '/v1/events', event);
    assert.equal(refusal(refused), '429 EVENT_REFUSED');
    assert.match(refused.body.error.message, /again with the id e-1/);
  });

  it('takes a delivery of a hook by its signature over the bytes as they came', async () => {
    const text = '{"order": 1,  "paid":true}';
    const secret = hookSecret(token, 'main', 'shop');
    const signed = signDelivery(secret, { body: Buffer.from(text), atSeconds: Math.floor(Date.now() / 1000) });
    const deliver = (signature: string) =>
      stage.app.inject({
        method: 'POST',
        url: '/v1/hooks/main/shop',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'x-orrery-signature': signature,
        },
        payload: text,
      });
    assert.equal((await deliver(signed)).statusCode, 202);
    const [happened] = stage.happened;
    assert.ok(happened?.kind === 'webhook');
    assert.deepEqual([happened.name, happened.payload], ['shop', { order: 1, paid: true }]);
    const wrong = await deliver(signed.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')));
    assert.equal(
      `${wrong.statusCode} ${(JSON.parse(wrong.body) as ErrorAnswer).error.code}`,
      '401 HOOK_SIGNATURE_INVALID',
    );
  });

  it('notes that a dataset is up to date, never in the future', async () => {
    const answer = await stage.call<{ atMs: number }>('POST', '/v1/datasets/flights/updates', {
      atMs: 32_503_680_000_000,
    });
    assert.equal(answer.status, 202);
    assert.ok(answer.body.atMs <= Date.now());
    assert.equal(stage.happened[0]?.kind, 'dataset');
  });

  it('pauses and resumes a workflow and a tenant: queued runs stay queued meanwhile', async () => {
    const pause = (path: string, body = {}) => stage.call<{ outcome: string }>('POST', path, body);
    assert.equal((await pause('/v1/workflows/evolving/pause', { reason: 'look' })).body.outcome, 'done');
    assert.equal((await pause('/v1/workflows/evolving/pause')).body.outcome, 'nothing');
    const run = await stage.run('evolving');
    assert.equal((await stage.show(run)).state, 'queued');
    await pause('/v1/workflows/evolving/resume');
    assert.equal((await stage.show(run)).state, 'running');
    await pause('/v1/tenant/pause', { reason: 'the month ends' });
    const second = await stage.run('ask');
    assert.deepEqual(await stage.take(), []);
    assert.equal((await stage.show(second)).state, 'queued');
    const { body } = await stage.call<{ pauses: Record<string, { actor: string; reason: string }> }>(
      'GET',
      '/v1/limits',
    );
    assert.equal(body.pauses['tenant']?.reason, 'the month ends');
    await pause('/v1/tenant/resume');
    assert.equal((await stage.show(second)).state, 'running');
    assert.equal((await stage.take()).length, 1);
    const missing = await stage.call<ErrorAnswer>('POST', '/v1/workflows/evolvin/pause', {});
    assert.equal(refusal(missing), '404 WORKFLOW_NOT_FOUND');
    assert.match(missing.body.error.hint, /did you mean "evolving"/);
  });

  it('foretells the pause of a workflow and of the tenant, and what takes it back, and does nothing of it', async () => {
    const foretold = async (path: string) => {
      const answer = await stage.call<{ outcome: string; text?: string }>('POST', path, { dryRun: true });
      return [answer.body.outcome, answer.body.text];
    };
    await stage.run('evolving');
    await stage.run('evolving');
    await stage.take();
    const before = await stage.events();
    const pauses = 'starts no more runs and steps; 1 of its runs are running, 1 queued';
    assert.deepEqual(await foretold('/v1/workflows/evolving/pause'), ['would', pauses]);
    assert.deepEqual(await foretold('/v1/workflows/evolving/resume'), ['nothing', undefined]);
    const all = 'starts no more runs and steps of any workflow; 1 attempt in progress will end';
    assert.deepEqual(await foretold('/v1/tenant/pause'), ['would', all]);
    assert.deepEqual(await foretold('/v1/tenant/resume'), ['nothing', undefined]);
    const missing = await stage.call<ErrorAnswer>('POST', '/v1/workflows/evolvin/pause', { dryRun: true });
    assert.equal(refusal(missing), '404 WORKFLOW_NOT_FOUND');
    assert.deepEqual(await stage.events(), before);
    await stage.call('POST', '/v1/workflows/evolving/pause', {});
    await stage.call('POST', '/v1/tenant/pause', {});
    assert.deepEqual(await foretold('/v1/workflows/evolving/pause'), ['nothing', undefined]);
    const resumes =
      'starts what has waited meanwhile; 1 of its runs are running, 1 queued; the pause of the tenant holds on';
    assert.deepEqual(await foretold('/v1/workflows/evolving/resume'), ['would', resumes]);
    const every = 'starts what has waited meanwhile, of every workflow; paused by themselves stay: workflow evolving';
    assert.deepEqual(await foretold('/v1/tenant/resume'), ['would', every]);
    const { body } = await stage.call<{ pauses: object }>('GET', '/v1/limits');
    assert.deepEqual(Object.keys(body.pauses).sort(), ['tenant', 'workflow evolving']);
  });

  it('limits leases, weight and retries of the tenant and leases of a pool, and takes the limits away', async () => {
    await stage.run('large');
    const put = (path: string, body: object) => stage.call<LimitView & ErrorAnswer>('PUT', `/v1/limits/${path}`, body);
    assert.deepEqual((await put('leases', { most: 3 })).body, { limit: 'leases', of: 'main', most: 3, held: 0 });
    assert.equal((await stage.take('default', 10)).length, 3);
    await put('leases', { most: null });
    await put('pools/default', { most: 5, reason: 'two machines' });
    assert.equal((await stage.take('default', 10)).length, 2);
    await put('weight', { most: 4 });
    await put('retries', { most: 60 });
    const { body } = await stage.call<{ limits: LimitView[] }>('GET', '/v1/limits');
    assert.deepEqual(body.limits.map(({ limit, of, most, held }) => [limit, of, most, held]).sort(), [
      ['pool', 'default', 5, 5],
      ['retries', 'main', 60, null],
      ['weight', 'main', 4, null],
    ]);
    for (const body of [{ most: 0 }, { most: -1 }, {}]) assert.equal((await put('leases', body)).status, 400);
    assert.equal((await put('weight', { most: 5000 })).status, 400);
  });

  it('lists runs by workflow, state and actor, a page at a time, each once', async () => {
    for (let index = 0; index < 5; index += 1) await stage.run('ask', { actor: index % 2 === 0 ? 'ann' : 'bob' });
    await stage.run('waits');
    const seen: string[] = [];
    let path = '/v1/runs?workflow=ask&limit=2';
    for (let pages = 0; pages < 5; pages += 1) {
      const { body } = await stage.call<{ runs: RunSummary[]; next: string | null }>('GET', path);
      seen.push(...body.runs.map(({ run }) => run));
      if (body.next === null) break;
      path = `/v1/runs?workflow=ask&limit=2&cursor=${body.next}`;
    }
    assert.equal(new Set(seen).size, 5);
    assert.equal(seen.length, 5);
    const bob = await stage.call<{ runs: RunSummary[] }>('GET', '/v1/runs?actor=bob');
    assert.equal(bob.body.runs.length, 2);
    assert.equal(refusal(await stage.call('GET', '/v1/runs?cursor=xx')), '400 CURSOR_INVALID');
    assert.equal((await stage.call('GET', '/v1/runs?state=done')).status, 400);
  });

  it('stands 100,000 runs, as many of one millisecond as may be', async () => {
    const rows = Array.from({ length: 100_000 }, (_, index) => `s00-${String(index).padStart(12, '0')}`);
    for (let first = 0; first < rows.length; first += 5000) {
      const pipeline = stage.redis.pipeline();
      for (const [index, run] of rows.slice(first, first + 5000).entries()) {
        pipeline.zadd('orchestrator:{s00}:runs:main', Math.floor((first + index) / 2000), run);
        const state = (first + index) % 1000 === 0 ? 'failed' : 'succeeded';
        pipeline.hset(`orchestrator:{s00}:run:${run}`, {
          tenant: 'main',
          workflow: 'ask',
          state,
          actor: 'ann',
          created: 1,
          priority: 5,
        });
      }
      await pipeline.exec();
    }
    let found = 0;
    let slowestMs = 0;
    let path = '/v1/runs?state=failed&limit=100';
    for (;;) {
      const startedAt = performance.now();
      const { body } = await stage.call<{ runs: RunSummary[]; next: string | null }>('GET', path);
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      found += body.runs.length;
      if (body.next === null) break;
      path = `/v1/runs?state=failed&limit=100&cursor=${body.next}`;
    }
    assert.equal(found, 100);
    assert.ok(slowestMs < 5000, `a page took ${slowestMs} ms`);
  });

  it('shows of a large run how many steps are in which state, and those that have not succeeded, in pages', async () => {
    const run = await stage.run('large');
    await stage.settle();
    const claimed = await stage.take('default', 10);
    for (const each of claimed) await stage.end(each, 'succeeded');
    const view = await stage.show(run);
    assert.deepEqual([view.stepsCount, view.counts, view.steps.length], [1000, { succeeded: 10, ready: 990 }, 200]);
    assert.ok(view.steps.every(({ state }) => state === 'ready'));
    const page = await stage.call<{ steps: StepView[]; next: number | null }>(
      'GET',
      `/v1/runs/${run}/steps?state=succeeded&limit=4`,
    );
    assert.equal(page.body.steps.length, 4);
    const rest = await stage.call<{ steps: StepView[]; next: number | null }>(
      'GET',
      `/v1/runs/${run}/steps?state=succeeded&limit=100&from=${page.body.next ?? 0}`,
    );
    assert.deepEqual([rest.body.steps.length, rest.body.next], [6, null]);
  });

  it('starts once under an idempotency key, and never with another body', async () => {
    const start = (body: object) =>
      stage.call<ErrorAnswer & { run: string }>('POST', '/v1/workflows/ask/runs', body, { key: 'monday' });
    const first = await start({});
    const second = await start({});
    assert.equal(first.body.run, second.body.run);
    assert.equal(second.headers['idempotent-replayed'], 'true');
    const other = await start({ parameters: { x: 1 } });
    assert.ok([400, 409].includes(other.status));
  });

  it('tells under which definitions runs are in flight', async () => {
    const run = await stage.run('evolving');
    const before_ = stage.started;
    await stage.open([next, approve, waits, large]);
    try {
      const second = await stage.run('evolving');
      const { body } = await stage.call<VersionsView>('GET', '/v1/workflows/evolving/versions');
      assert.equal(body.drained, false);
      assert.deepEqual(
        body.versions.map(({ current, running, queued, oldestRun }) => [current, running, queued, oldestRun]),
        [
          [true, 0, 1, second],
          [false, 1, 0, run],
        ],
      );
      await stage.work();
      assert.equal((await stage.call<VersionsView>('GET', '/v1/workflows/evolving/versions')).body.drained, true);
    } finally {
      stage.started = before_;
    }
  });

  it('migrates a run to the current definition when nothing of it is at work, and says why not else', async () => {
    const run = await stage.run('evolving');
    const before_ = stage.started;
    await stage.open([next, approve, waits, large]);
    try {
      assert.equal(refusal(await stage.control(run, 'migrate', { dryRun: true })), '409 RUN_STATE_WRONG');
      const [a] = await stage.take();
      assert.ok(a !== undefined);
      await stage.control(run, 'pause');
      const early = await stage.control(run, 'migrate', { dryRun: true });
      assert.match(early.body.error.message, /1 of its steps are at work/);
      await stage.end(a, 'succeeded', 'kept');
      const dry = await stage.control(run, 'migrate', { dryRun: true });
      assert.deepEqual(dry.body.again?.steps, ['c']);
      assert.equal((await stage.show(run)).state, 'running', 'a dry run changes nothing');
      const told = await stage.control(run, 'migrate', { reason: 'b was wrong' });
      assert.deepEqual([told.status, told.body.state], [200, 'running']);
      assert.deepEqual(await stage.work(), ['1']);
      const view = await stage.show(run);
      const current = await stage.call<{ digest: string }>('GET', '/v1/workflows/evolving');
      assert.deepEqual([view.state, view.definition], ['succeeded', current.body.digest]);
      assert.deepEqual(
        view.steps.map(({ name, attempt, result }) => [name, attempt, result]),
        [
          ['a', 1, 'kept'],
          ['c', 1, { did: '1' }],
        ],
      );
      assert.match((await stage.control(run, 'migrate')).body.error.message, /it has that already/);
    } finally {
      stage.started = before_;
    }
  });

  it('does not migrate a run whose ended steps have other numbers in the current definition', async () => {
    const run = await stage.run('evolving');
    await stage.work(({ ref }) => ref === '1');
    const before_ = stage.started;
    await stage.open([workflow('evolving', [task('new'), task('a'), task('b', ['a'])]), approve]);
    try {
      const refused = await stage.control(run, 'migrate');
      assert.equal(refusal(refused), '409 MIGRATION_REFUSED');
      assert.match(refused.body.error.message, /the step a has ended as number 1 and is number 2 there/);
    } finally {
      stage.started = before_;
    }
  });
});
