import assert from 'node:assert/strict';
import { silentLog } from '@orrery/kit/log';
import { Redis } from 'ioredis';
import { after, before, beforeEach, describe, it } from 'mocha';
import { readClock } from '#services/orchestrator/src/triggers/clock.ts';
import { estimateBackfill, planBackfill, type BackfillRequest } from '#services/orchestrator/src/triggers/backfill.ts';
import { Backfills, type BackfillsDeps } from '#services/orchestrator/src/triggers/backfills.ts';
import { RedisBackfills } from '#services/orchestrator/src/triggers/redis-backfills.ts';
import { startRedis, type RedisServer } from '#test/support/redis.ts';
import { FakeCore } from './fake-core.ts';

const at = (text: string) => Date.parse(text);
const hourly = readClock({ cron: '0 * * * *' });
const request: BackfillRequest = {
  ...{ tenant: 'main', workflow: 'hourly', trigger: 'cron 0 * * * * UTC', order: 'oldest-first' },
  ...{ fromMs: at('2026-01-01T00:00Z'), untilMs: at('2026-01-01T10:00Z'), atOnceMax: 3, again: 0 },
};
const hours = (times: readonly number[]) => times.map((ms) => (ms - request.fromMs) / 3_600_000);

describe('the plan of a backfill', () => {
  it('holds the logical times from the first moment of the range to before its last, in the order asked for', async () => {
    const range = { fromMs: at('2026-01-01T00:00Z'), untilMs: at('2026-01-01T03:00Z') };
    assert.deepEqual(hours(await planBackfill(hourly, { ...request, ...range })), [0, 1, 2]);
    assert.deepEqual(hours(await planBackfill(hourly, { ...request, ...range, order: 'newest-first' })), [2, 1, 0]);
  });

  it('is refused when it is empty, too large, or makes no sense', async () => {
    const refuses = (code: string, parts: Partial<BackfillRequest>) =>
      assert.rejects(planBackfill(hourly, { ...request, ...parts }), { code });
    await refuses('BACKFILL_EMPTY', { fromMs: request.fromMs + 1, untilMs: request.fromMs + 3_600_000 });
    await refuses('BACKFILL_TOO_LARGE', { untilMs: request.fromMs + 10_001 * 3_600_000 });
    await refuses('BACKFILL_INVALID', { untilMs: request.fromMs });
    await refuses('BACKFILL_INVALID', { atOnceMax: 0 });
    await refuses('BACKFILL_INVALID', { atOnceMax: 101 });
    await refuses('BACKFILL_INVALID', { again: -1 });
    const most = { ...request, untilMs: request.fromMs + 10_000 * 3_600_000 };
    assert.equal((await planBackfill(hourly, most)).length, 10_000);
  });

  it('tells how long it takes and what it costs from past runs, and says when it knows nothing', async () => {
    const times = await planBackfill(hourly, request);
    const past = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((s) => ({
      durationMs: s * 1000,
      ...(s > 8 ? { costUsd: s } : {}),
    }));
    assert.deepEqual(estimateBackfill(times, { existing: 2, atOnceMax: 3, past }), {
      ...{ times: 10, existing: 2, starts: 8, pastRuns: 10 },
      ...{ first: '2026-01-01T00:00:00.000Z', last: '2026-01-01T09:00:00.000Z' },
      // Three waves; of the two known costs the lower is the median.
      ...{ durationMs: { p50: 15_000, p90: 27_000 }, costUsd: { p50: 72, p90: 80 } },
    });
    const nothing = estimateBackfill(times, { existing: 0, atOnceMax: 3, past: [] });
    assert.deepEqual([nothing.durationMs, nothing.costUsd, nothing.pastRuns], ['unknown', 'unknown', 0]);
  });
});

describe('a backfill', () => {
  let server: RedisServer;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    redis = new Redis(server.url, { password: server.password });
  });
  after(async () => {
    redis.disconnect();
    await server.stop();
  });
  beforeEach(() => redis.flushall());

  function setUp() {
    const core = new FakeCore();
    const ended = new Set<string>();
    const keys = {
      active: 'backfills',
      backfill: (tenant: string, id: string) => `backfill:${tenant}:${id}`,
      lease: (tenant: string, id: string) => `backfill-lease:${tenant}:${id}`,
    };
    const open = (self: string, parts: Partial<BackfillsDeps> = {}) =>
      new Backfills({
        store: new RedisBackfills(redis, { keys, self }),
        runs: {
          exist: (_, runs) => Promise.resolve(runs.map((run) => core.accepted.some((each) => each.run === run))),
          ended: (_, runs) => Promise.resolve(runs.map((run) => ended.has(run))),
        },
        submitter: core,
        pastDurations: () => Promise.resolve([{ durationMs: 1000 }]),
        trigger: ({ trigger }) => (trigger === request.trigger ? { times: hourly, parameters: { a: 1 } } : undefined),
        resolve: (parameters) => parameters,
        shardOf: () => 's00',
        log: silentLog(),
        ...parts,
      });
    const endAll = () => {
      for (const { run } of core.accepted) ended.add(run);
    };
    const fired = () => hours(core.accepted.map(({ logicalMs }) => logicalMs));
    return { core, open, endAll, fired, keys };
  }

  it('tells first what it would do, and starts nothing', async () => {
    const { core, open } = setUp();
    const estimate = await open('a').estimate(request);
    assert.deepEqual([estimate.starts, estimate.durationMs], [10, { p50: 4000, p90: 4000 }]);
    assert.equal(core.calls, 0);
    await assert.rejects(open('a').estimate({ ...request, trigger: 'other' }), { code: 'TRIGGER_NOT_FOUND' });
  });

  it('keeps at most so many runs going, fills up as they end, and ends with the last', async () => {
    const { open, endAll, fired } = setUp();
    const backfills = open('a');
    const { id } = await backfills.start(request, 'ann');
    await backfills.round();
    await backfills.round();
    assert.deepEqual(fired(), [0, 1, 2]);
    for (let wave = 0; wave < 4; wave += 1) {
      endAll();
      await backfills.round();
    }
    assert.deepEqual(fired(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const { progress, actor } = await backfills.show('main', id);
    assert.deepEqual(progress, { decided: 10, open: [], accepted: 10, known: 0, left: 0, ended: true });
    assert.equal(actor, 'ann');
    assert.equal(await redis.scard('backfills'), 0);
  });

  it('is the same when it is asked for again, knows what ran, and runs all another time under another number', async () => {
    const { core, open, endAll, fired } = setUp();
    const backfills = open('a');
    const all = { ...request, atOnceMax: 100 };
    assert.equal((await backfills.start(all, 'ann')).fresh, true);
    assert.equal((await backfills.start(all, 'bob')).fresh, false);
    await backfills.round();
    endAll();
    await backfills.round();
    assert.equal((await backfills.estimate(all)).existing, 10);
    const wider = { ...all, untilMs: at('2026-01-01T12:00Z') };
    const { id } = await backfills.start(wider, 'ann');
    await backfills.round();
    assert.deepEqual(fired().slice(10), [10, 11]);
    assert.equal((await backfills.show('main', id)).progress.known, 10);
    await backfills.start({ ...all, again: 1 }, 'ann');
    assert.equal((await backfills.estimate({ ...all, again: 1 })).existing, 0);
    await backfills.round();
    assert.equal(core.accepted.length, 22);
    assert.equal(new Set(core.accepted.map(({ run }) => run)).size, 22);
  });

  it('goes on in another process when its carrier is killed, also between a call and its record', async () => {
    const { core, open, endAll, fired, keys } = setUp();
    const killed = open('a', {
      submitter: {
        submit: async (list) => {
          await core.submit(list);
          throw new Error('killed before the answer');
        },
      },
    });
    const { id } = await killed.start(request, 'ann');
    await killed.round();
    const next = open('b');
    await next.round();
    assert.deepEqual(fired(), [0, 1, 2], 'the lease of the killed one holds');
    await redis.del(keys.lease('main', id));
    for (let wave = 0; wave < 5; wave += 1) {
      await next.round();
      endAll();
    }
    assert.deepEqual(fired(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal((await next.show('main', id)).progress.known, 3);
  });

  it('starts nothing while it is paused or after it is cancelled, and goes on where it was', async () => {
    const { open, endAll, fired } = setUp();
    const backfills = open('a');
    const { id } = await backfills.start(request, 'ann');
    await backfills.round();
    endAll();
    await backfills.wish('main', id, 'pause');
    await backfills.round();
    assert.deepEqual(fired(), [0, 1, 2]);
    await backfills.wish('main', id, 'cancel');
    await backfills.round();
    assert.equal((await backfills.show('main', id)).progress.ended, true);
    await backfills.round();
    assert.deepEqual(fired(), [0, 1, 2]);
    await backfills.wish('main', id, 'run');
    await backfills.round();
    assert.deepEqual(fired(), [0, 1, 2, 3, 4, 5]);
    await assert.rejects(backfills.wish('main', 'none', 'pause'), { code: 'BACKFILL_NOT_FOUND' });
    await assert.rejects(backfills.show('other', id), { code: 'BACKFILL_NOT_FOUND' });
  });

  it('tells which of its runs go on, also after it is paused or cancelled', async () => {
    const { core, open, endAll } = setUp();
    const backfills = open('a');
    const { id } = await backfills.start(request, 'ann');
    await backfills.round();
    const runs = core.accepted.map(({ run }) => run);
    const openOf = async () => (await backfills.show('main', id)).progress.open;
    await backfills.wish('main', id, 'pause');
    await backfills.round();
    assert.deepEqual(await openOf(), runs);
    const { progress } = await backfills.wish('main', id, 'cancel');
    assert.deepEqual(progress.open, runs);
    await backfills.round();
    assert.deepEqual(await openOf(), runs);
    endAll();
    assert.deepEqual(await openOf(), []);
    assert.equal((await backfills.show('main', id)).progress.ended, true);
    assert.equal((await backfills.wish('main', id, 'run')).progress.ended, false);
  });

  it('that is paused forgets the runs that have ended', async () => {
    const { open, endAll, keys } = setUp();
    const backfills = open('a');
    const { id } = await backfills.start(request, 'ann');
    await backfills.round();
    await backfills.wish('main', id, 'pause');
    endAll();
    await backfills.round();
    const store = new RedisBackfills(redis, { keys, self: 'b' });
    assert.deepEqual((await store.find('main', id))?.progress.open, []);
  });

  it('sends a run that was refused again, before the later ones', async () => {
    const { core, open, fired } = setUp();
    const backfills = open('a');
    await backfills.start(request, 'ann');
    core.decide = ({ logicalMs }) => (hours([logicalMs])[0] === 1 ? 'refused' : 'accepted');
    await backfills.round();
    core.decide = () => 'accepted';
    await backfills.round();
    assert.deepEqual(fired().sort(), [0, 1, 2]);
  });
});
