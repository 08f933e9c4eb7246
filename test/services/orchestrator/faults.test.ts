import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { after, before, describe, it } from 'mocha';
import { HistoryDatabase } from '#services/orchestrator/src/history/database.ts';
import { verifyAll } from '#services/orchestrator/src/history/verify.ts';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import { loadStatements } from '#services/orchestrator/src/statements.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { eventually } from '#test/support/eventually.ts';
import { Environment, type Orchestrator, type RunView } from './environment.ts';

const diamond = {
  ...{ kind: 'Workflow', schema: 1, name: 'diamond', owner: 'people', triggers: [{ manual: true }], runsMax: 20 },
  steps: [
    { name: 'a', uses: 'http', with: { service: 'peer', path: '/v1/a' } },
    { name: 'b', needs: ['a'], uses: 'wait', with: { forMs: 40 } },
    { name: 'c', needs: ['a'], uses: 'http', with: { service: 'peer', path: '/v1/c' } },
    { name: 'd', needs: ['b', 'c'], uses: 'http', with: { service: 'peer', path: '/v1/d' } },
  ],
};

describe('the orchestrator while what it needs dies', function () {
  this.timeout(60_000);
  const beganMs = Date.now();
  let clickhouse: ClickHouse;
  let environment: Environment;
  let one: Orchestrator;
  let other: Orchestrator;
  let redis: Redis;

  before(async () => {
    clickhouse = await startClickHouse();
    environment = new Environment({
      ...{ token: clickhouse.token, clickhouse: clickhouse.url, redis: { appendonly: true } },
      workflows: { 'diamond.yaml': JSON.stringify(diamond) },
      settings: { lapsesMax: 50 },
    });
    await environment.start();
    [one, other] = [await environment.orchestrator(), await environment.orchestrator()];
    redis = new Redis(environment.redis.url, { password: environment.token });
    redis.on('error', () => undefined);
  });
  beforeEach(() => {
    environment.handler = (_asked, response) => {
      setTimeout(() => response.end('{"n":1}'), 20 + Math.random() * 100);
    };
  });
  after(async () => {
    redis.disconnect();
    await environment.stop();
    await clickhouse.stop();
  });

  const allSucceeded = (runs: readonly string[]): Promise<RunView[]> =>
    eventually(
      async () => {
        const views = await Promise.all(runs.map((run) => one.show(run)));
        const failed = views.find(({ state }) => state === 'failed' || state === 'cancelled');
        assert.equal(failed, undefined, JSON.stringify(failed));
        return views.every(({ state }) => state === 'succeeded') && views;
      },
      { what: 'all runs succeeded', timeoutMs: 40_000, intervalMs: 100 },
    );
  const start = (count: number) => Promise.all(Array.from({ length: count }, () => one.run('diamond')));

  /** Every transition of these runs is a row, and what is recorded is whole and chained. */
  async function assertHistory(views: readonly RunView[]): Promise<void> {
    const database = new HistoryDatabase(clickhouse.client(), await loadStatements());
    const rows = async (run: string) =>
      (await database.select('select_run_events', { tenant: 'main', run, limit: 1000 }, 'counting')).length;
    await eventually(
      async () => {
        const found = await Promise.all(views.map(({ run }) => rows(run)));
        return found.every((count, place) => count === views[place]?.sequence);
      },
      { what: 'the whole history', timeoutMs: 30_000, intervalMs: 200 },
    );
    const verified = await verifyAll(database, { fromMs: beganMs, toMs: Date.now() + 60_000 });
    assert.deepEqual([verified.wrong, verified.gaps, verified.losses], [[], [], []]);
  }

  it('goes on while the history is away, and fills it in afterwards', async () => {
    await clickhouse.kill();
    const runs = await start(10);
    const views = await allSucceeded(runs);
    const away = await one.call(`/v1/runs/${runs[0] ?? ''}/events`);
    assert.equal(away.status, 503);
    await clickhouse.restart();
    await assertHistory(views);
    const told = await one.call<{ complete: boolean; events: { to: string }[] }>(`/v1/runs/${runs[0] ?? ''}/events`);
    assert.equal(told.body.complete, true);
    assert.deepEqual([told.body.events[0]?.to, told.body.events.at(-1)?.to], ['queued', 'succeeded']);
  });

  it('survives the death of Redis itself: what was acknowledged goes on', async () => {
    const runs = await start(10);
    // With appendfsync everysec a machine may lose a second; a process that is killed loses nothing.
    await environment.redis.restart();
    await assertHistory(await allSucceeded(runs));
  });

  it('gives the steps of one that is killed to the other within a lease', async () => {
    const held: (() => void)[] = [];
    environment.handler = (_asked, response) => held.push(() => response.end('{"n":1}'));
    const runs = await start(4);
    await eventually(() => held.length === 4);
    environment.handler = (_asked, response) => response.end('{"n":1}');
    await other.restart();
    await one.restart();
    const views = await allSucceeded(runs);
    assert.ok(views.every(({ steps }) => (steps[0]?.attempt ?? 0) >= 2));
    assert.equal(await redis.zcard(keys.leases('s00')), 0);
    assert.deepEqual(await redis.hgetall(keys.held('s00')), {});
  });

  it('stops in order: what runs is handed on, and no lease has to run out', async () => {
    const held: (() => void)[] = [];
    environment.handler = (_asked, response) => held.push(() => response.end('{"n":1}'));
    const run = await one.run('diamond');
    await eventually(() => held.length === 1);
    assert.deepEqual(await Promise.all([other.stop(), one.stop()]), [0, 0]);
    assert.equal(await redis.zcard(keys.leases('s00')), 0);
    environment.handler = (_asked, response) => response.end('{"n":1}');
    await one.start();
    const [view] = await allSucceeded([run]);
    assert.equal(view?.steps[0]?.attempt, 2);
  });
});
