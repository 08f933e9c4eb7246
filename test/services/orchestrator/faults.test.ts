import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { after, before, describe, it } from 'mocha';
import { keys } from '#services/orchestrator/src/keys.ts';
import { readLibrary } from '#services/orchestrator/src/library.ts';
import { Transitions } from '#services/orchestrator/src/transitions.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { eventually } from '#test/support/eventually.ts';
import { Environment, type Orchestrator, type RunView } from './environment.ts';

const head = (name: string) =>
  `kind: Workflow\nschema: 1\nname: ${name}\nowner: people\ntriggers: [{ manual: true }]\n`;
const workflows = {
  'diamond.yaml': `${head('diamond')}runsMax: 20
steps:
  - { name: a, uses: http, with: { service: peer, path: /v1/a } }
  - { name: b, needs: [a], uses: sleep, with: { milliseconds: 40 } }
  - { name: c, needs: [a], uses: http, with: { service: peer, path: /v1/c, body: { of: "\${{ steps.a.result.n }}" } } }
  - { name: d, needs: [b, c], uses: http, with: { service: peer, path: /v1/d } }
`,
};
const runsMin = 54;
const runsMax = 400;
const strikesMin = 5;
const bounds = {
  ...{ lapsesMax: 10, queuedRunsMax: 1000, outboxEventsMax: 1000 },
  ...{ idempotencyKeptMs: 1000, endedRunsKeptMs: 1000, endedRunsMax: 1000 },
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the orchestrator under faults', function () {
  this.timeout(60_000);
  let clickhouse: ClickHouse;
  let environment: Environment;
  let steady: Orchestrator;
  let struck: Orchestrator;
  let redis: Redis;

  before(async () => {
    clickhouse = await startClickHouse();
    environment = new Environment({
      token: clickhouse.token,
      clickhouse: clickhouse.url,
      workflows,
      redis: { appendonly: true },
      settings: { outboxEventsMax: 400, lapsesMax: 50 },
    });
    await environment.start();
    steady = await environment.orchestrator();
    struck = await environment.orchestrator();
    redis = new Redis(environment.redis.url, { password: environment.token });
    redis.on('error', () => undefined);
    environment.handler = (_asked, response) => {
      setTimeout(() => response.end('{"n":1}'), 20 + Math.random() * 200);
    };
  });

  after(async () => {
    redis.disconnect();
    await environment.stop();
    await clickhouse.stop();
  });

  const allSucceeded = (runs: readonly string[]) =>
    eventually(
      async () => {
        const views = await Promise.all(runs.map((run) => steady.show(run)));
        const failed = views.find(({ state }) => state === 'failed' || state === 'cancelled');
        assert.equal(failed, undefined, JSON.stringify(failed));
        return views.every(({ state }) => state === 'succeeded') && views;
      },
      { what: 'all runs succeeded', timeoutMs: 40_000, intervalMs: 100 },
    );

  const query = async (text: string) =>
    (await clickhouse.client().query({ query: text, format: 'JSONEachRow' })).json<Record<string, unknown>>();

  /** Every transition of every run is a row, once; every step succeeded once. */
  async function assertHistory(views: readonly RunView[]): Promise<void> {
    const expected = views.reduce((sum, view) => sum + view.sequence, 0);
    const names = views.map(({ run }) => `'${run}'`).join();
    await eventually(
      async () => {
        const counted = await query(`SELECT uniqExact(run, sequence) AS n FROM run_events WHERE run IN (${names})`);
        return Number(counted[0]?.['n']) === expected;
      },
      { what: 'the whole history', timeoutMs: 20_000, intervalMs: 100 },
    );
    const gaps = await readFile(
      new URL('../../../services/orchestrator/sql/select_sequence_gaps.sql', import.meta.url),
      'utf8',
    );
    assert.deepEqual(await query(gaps), [], 'no sequence has a gap');
    const twice = await query(`SELECT run, step, count() AS n FROM run_events FINAL
      WHERE to_state = 'succeeded' GROUP BY run, step HAVING n != 1`);
    assert.deepEqual(twice, [], 'nothing was accepted twice');
  }

  /** Kills one orchestrator and freezes the other, longer than a lease, in turn. */
  async function strikeUntil(strikes: { count: number; stop: AbortController }): Promise<void> {
    for (; !strikes.stop.signal.aborted; strikes.count += 1) {
      await struck.restart();
      await pause(400);
      if (strikes.count % 2 === 0) continue;
      // What it held is taken back meanwhile, and its late results must be refused.
      steady.signal('SIGSTOP');
      await pause(1300);
      steady.signal('SIGCONT');
    }
  }

  it('loses and doubles nothing while one of two is killed again and again and the other freezes', async () => {
    const runs: string[] = [];
    const strikes = { count: 0, stop: new AbortController() };
    const struckOut = strikeUntil(strikes);
    // A busy machine is slow to restart: as many runs as it takes for the faults to fall among them.
    for (let i = 0; i < runsMin || (strikes.count < strikesMin && i < runsMax); i += 1) {
      const key = `order-${i}`;
      // An answer may be lost with the process that gives it: the key makes asking again safe.
      const [one, other] = i % 2 === 0 ? [steady, struck] : [struck, steady];
      const ask = () => one.run('diamond', {}, { key }).catch(() => other.run('diamond', {}, { key }));
      runs.push(await eventually(ask, { intervalMs: 100 }));
      await pause(50);
    }
    const views = await allSucceeded(runs);
    strikes.stop.abort();
    await struckOut;
    assert.ok(strikes.count >= strikesMin, 'the faults lasted');
    assert.equal(new Set(runs).size, runs.length);
    const attempts = views.flatMap(({ steps }) => steps.map(({ attempt }) => attempt));
    const again = attempts.filter((attempt) => attempt > 1).length;
    assert.ok(again > 0, 'the faults hit something');
    await assertHistory(views);
    assert.equal(await redis.zcard(keys.leases('s00')), 0, 'no lease is left');
  });

  it('goes on while the history is away, and fills it in afterwards', async () => {
    await clickhouse.kill();
    const runs = await Promise.all(Array.from({ length: 10 }, () => steady.run('diamond')));
    const views = await allSucceeded(runs);
    const events = await steady.call(`/v1/runs/${runs[0] ?? ''}/events`);
    assert.equal(events.status, 503);
    await clickhouse.restart();
    await assertHistory(views);
    const told = await steady.call<{ complete: boolean; events: { to: string; fence: number }[] }>(
      `/v1/runs/${runs[0] ?? ''}/events`,
    );
    assert.equal(told.body.complete, true);
    assert.deepEqual([told.body.events[0]?.to, told.body.events.at(-1)?.to], ['queued', 'succeeded']);
  });

  it('refuses runs while the outbox is full, lets those that run end, and takes runs in again afterwards', async () => {
    const transitions = new Transitions({ redis, library: readLibrary(), release: () => '', random: () => 0, bounds });
    const hold = (leaseMs: number) => transitions.relay('s00', { relay: 'test', leaseMs, published: '', eventsMax: 1 });
    // The relays' lease lasts 20 s: end it, then keep the outbox from them.
    await redis.del(`${keys.prefix('s00')}relay`);
    await hold(60_000);
    const runs: string[] = [];
    const refused = await eventually(async () => {
      const answer = await steady.call<{ run: string; error?: { code: string } }>('/v1/workflows/diamond/runs', {
        body: {},
      });
      if (answer.status === 201) runs.push(answer.body.run);
      return answer.status === 429 && answer.body.error;
    });
    assert.equal(refused.code, 'OUTBOX_FULL');
    await allSucceeded(runs);
    await hold(1);
    await eventually(() => steady.run('diamond'), { timeoutMs: 5000, what: 'a run taken in again' });
    await assertHistory(await allSucceeded(runs));
  });

  it('survives the death of Redis itself: what was acknowledged goes on', async () => {
    const runs = await Promise.all(
      Array.from({ length: 10 }, (_, i) => steady.run('diamond', {}, { key: `redis-${i}` })),
    );
    // With appendfsync everysec a machine may lose a second; a process that is killed loses nothing.
    await environment.redis.restart();
    const views = await allSucceeded(runs);
    await assertHistory(views);
  });

  it('stops in order: what runs is handed on, and no lease has to run out', async () => {
    const release: (() => void)[] = [];
    environment.handler = (_asked, response) => release.push(() => response.end('{"n":1}'));
    const run = await steady.run('diamond');
    await eventually(() => release.length === 1);
    const [first, second] = await Promise.all([struck.stop(), steady.stop()]);
    assert.deepEqual([first, second], [0, 0]);
    assert.equal(await redis.zcard(keys.leases('s00')), 0);
    await steady.start();
    environment.handler = (_asked, response) => response.end('{"n":1}');
    const [view] = await allSucceeded([run]);
    assert.equal(view?.steps[0]?.attempt, 2);
  });
});
