import assert from 'node:assert/strict';
import type { RunEventTuple } from '@orrery/contracts/run-event';
import { migrate, type ClickHouse as Client } from '@orrery/kit/clickhouse';
import type { HistoryDatabase } from '#services/orchestrator/src/history/database.ts';
import { pastDurations } from '#services/orchestrator/src/history/durations.ts';
import { explainRun } from '#services/orchestrator/src/history/explain.ts';
import { openHistory } from '#services/orchestrator/src/history/history.ts';
import { sqlFolder } from '#services/orchestrator/src/statements.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import {
  busEvent,
  definition,
  entryText,
  makeMetrics,
  quiet,
  rangeOf,
  runMoves,
  startMs,
  stepMoves,
} from './run-log.ts';

const gpu = { pool: 'gpu' };
const cpu = { pool: 'default' };

describe('what the history answers', function () {
  this.timeout(120_000);
  let server: ClickHouse;
  let client: Client;
  let database: HistoryDatabase;

  before(async () => {
    server = await startClickHouse();
    client = server.client({ clickhouse_settings: { wait_end_of_query: 1 } });
    await migrate(client, { service: 'orchestrator', folder: sqlFolder, log: quiet });
  });
  after(() => server.stop());

  // Every test has its own positions, so that no token is told twice.
  let position = 0;
  /** Transitions with the milliseconds since the start at which they happened. */
  const record = async (steps: readonly (readonly [number, RunEventTuple])[]) => {
    const texts = steps.map(([atMs, event], index) =>
      entryText({ n: index + 1, atMs: startMs + atMs, events: [event] }),
    );
    const history = await openHistory(client, { log: quiet, metrics: makeMetrics().metrics });
    const events = texts.map((text) => busEvent((position += 1), text));
    await history.record(rangeOf(events), events);
    database = history.database;
  };
  beforeEach(async () => {
    for (const table of ['run_events', 'run_log']) await client.command({ query: `TRUNCATE TABLE ${table}` });
  });

  const failing: readonly (readonly [number, RunEventTuple])[] = [
    [0, runMoves('s00-a', 1, ['', 'queued'])],
    [1000, runMoves('s00-a', 2, ['queued', 'running'])],
    [1000, stepMoves('s00-a', 3, ['0', 'train', 'waiting', 'ready'])],
    [1500, stepMoves('s00-a', 4, ['0', 'train', 'ready', 'running'], gpu)],
    [3500, stepMoves('s00-a', 5, ['0', 'train', 'running', 'retrying'], { reason: 'OUT_OF_MEMORY' })],
    [4000, stepMoves('s00-a', 6, ['0', 'train', 'retrying', 'ready'])],
    [4100, stepMoves('s00-a', 7, ['0', 'train', 'ready', 'running'], { ...gpu, attempt: 2 })],
    [5100, stepMoves('s00-a', 8, ['0', 'train', 'running', 'failed'], { attempt: 2, reason: 'OUT_OF_MEMORY' })],
    [5100, stepMoves('s00-a', 9, ['1', 'score', 'waiting', 'skipped'], { attempt: 0, reason: 'train failed' })],
    [5100, stepMoves('s00-a', 10, ['2', 'publish', 'waiting', 'skipped'], { attempt: 0, reason: 'score was skipped' })],
    [5200, runMoves('s00-a', 11, ['running', 'failed'], { reason: 'STEP_FAILED' })],
  ];

  it('is how long: the queue, the run, and each step with its waiting, running and tries', async () => {
    await record(failing);
    const found = await explainRun(
      database,
      { tenant: 'main', run: 's00-a' },
      { nowMs: startMs + 99_000, prices: new Map() },
    );
    assert.deepEqual([found?.workflow, found?.definition, found?.state], ['daily', definition, 'failed']);
    const { queuedMs, runningMs, totalMs, stepsTotal, steps } = found?.howLong ?? assert.fail('no answer');
    assert.deepEqual([queuedMs, runningMs, totalMs, stepsTotal], [1000, 4200, 5200, 3]);
    assert.deepEqual(steps[0], {
      step: 'train',
      state: 'failed',
      refs: 1,
      tries: 2,
      waitingMs: 600,
      runningMs: 3000,
      retryingMs: 500,
      suspendedMs: 0,
      readyAtMs: startMs + 1000,
      startedAtMs: startMs + 1500,
      endedAtMs: startMs + 5100,
      degraded: 0,
    });
    assert.deepEqual([steps[1]?.step, steps[1]?.state, steps[1]?.startedAtMs], ['publish', 'skipped', null]);
  });

  it('is which steps and items ended with their fallbacks, as long as they were not taken back', async () => {
    const degraded = { reason: 'degraded: PEER_REFUSED: no' };
    await record([
      [0, runMoves('s00-a', 1, ['', 'queued'])],
      [0, runMoves('s00-a', 2, ['queued', 'running'])],
      [1, stepMoves('s00-a', 3, ['0', 'call', 'running', 'succeeded'], degraded)],
      [2, stepMoves('s00-a', 4, ['1.0', 'each', 'running', 'succeeded'], degraded)],
      [3, stepMoves('s00-a', 5, ['1.1', 'each', 'running', 'succeeded'])],
      [4, stepMoves('s00-a', 6, ['1.2', 'each', 'running', 'succeeded'], degraded)],
      [5, stepMoves('s00-a', 7, ['1', 'each', 'suspended', 'succeeded'])],
      [6, stepMoves('s00-a', 8, ['2', 'again', 'running', 'succeeded'], degraded)],
      [7, stepMoves('s00-a', 9, ['2', 'again', 'succeeded', 'waiting'])],
      [8, stepMoves('s00-a', 10, ['2', 'again', 'running', 'succeeded'])],
      [9, runMoves('s00-a', 11, ['running', 'succeeded'])],
    ]);
    const options = { nowMs: startMs, prices: new Map<string, number>() };
    const found = await explainRun(database, { tenant: 'main', run: 's00-a' }, options);
    const counts = (found?.howLong.steps ?? []).map(({ step, refs, degraded: of }) => [step, refs, of]);
    assert.deepEqual(counts.sort(), [
      ['again', 1, 0],
      ['call', 1, 1],
      ['each', 4, 2],
    ]);
  });

  it('is how much, by pool, and unknown where a pool has no price', async () => {
    await record([
      ...failing.slice(0, 8),
      [6000, stepMoves('s00-a', 9, ['3', 'load', 'ready', 'running'], cpu)],
      [7000, stepMoves('s00-a', 10, ['3', 'load', 'running', 'succeeded'])],
      [7000, runMoves('s00-a', 11, ['running', 'failed'])],
    ]);
    const ask = async (prices: readonly (readonly [string, number])[]) => {
      const options = { nowMs: startMs, prices: new Map(prices) };
      return (await explainRun(database, { tenant: 'main', run: 's00-a' }, options))?.howMuch;
    };
    assert.deepEqual(await ask([['gpu', 0.5]]), {
      attemptSeconds: 4,
      pools: [
        { pool: 'default', attemptSeconds: 1, cost: null },
        { pool: 'gpu', attemptSeconds: 3, cost: 1.5 },
      ],
      cost: null,
      unpriced: ['default'],
    });
    const whole = await ask([['gpu', 0.5], ['default', 0]]); // prettier-ignore
    assert.deepEqual([whole?.cost, whole?.unpriced], [1.5, []]);
  });

  it('is why it failed: the first step that did, its error, and what was left out behind it', async () => {
    await record(failing);
    const errorOf = async (run: string, ref: string) => ({ code: 'OUT_OF_MEMORY', of: `${run}/${ref}` });
    const options = { nowMs: startMs, prices: new Map<string, number>(), errorOf };
    const found = await explainRun(database, { tenant: 'main', run: 's00-a' }, options);
    assert.deepEqual(found?.whyFailed, {
      step: 'train',
      ref: '0',
      attempt: 2,
      reason: 'OUT_OF_MEMORY',
      atMs: startMs + 5100,
      error: { code: 'OUT_OF_MEMORY', of: 's00-a/0' },
      skipped: [
        { step: 'score', ref: '1', reason: 'train failed' },
        { step: 'publish', ref: '2', reason: 'score was skipped' },
      ],
      skippedTotal: 2,
    });
  });

  it('is nothing that failed before the run was tried again, and the run itself when no step did', async () => {
    const again = [...failing, [9000, runMoves('s00-a', 12, ['failed', 'queued'], { actor: 'boris' })]] as const;
    await record(again);
    const options = { nowMs: startMs + 9500, prices: new Map<string, number>() };
    const found = await explainRun(database, { tenant: 'main', run: 's00-a' }, options);
    assert.deepEqual([found?.state, found?.whyFailed, found?.howLong.queuedMs], ['queued', null, 1500]);
  });

  it('names the run itself when it failed without a step', async () => {
    await record([...failing.slice(0, 2), [5000, runMoves('s00-a', 3, ['running', 'failed'], { reason: 'DEADLINE' })]]);
    const options = { nowMs: startMs, prices: new Map<string, number>() };
    const found = await explainRun(database, { tenant: 'main', run: 's00-a' }, options);
    assert.deepEqual([found?.whyFailed?.step, found?.whyFailed?.reason], ['', 'DEADLINE']);
  });

  it('is who did it: who asked for it, approved, cancelled and tried again', async () => {
    await record([
      ...failing.slice(0, 2),
      [2000, stepMoves('s00-a', 3, ['0', 'release', 'suspended', 'succeeded'], { actor: 'carla' })],
      [3000, runMoves('s00-a', 4, ['running', 'cancelling'], { actor: 'anna', reason: 'CANCELLED' })],
      [3100, runMoves('s00-a', 5, ['cancelling', 'cancelled'])],
    ]);
    const options = { nowMs: startMs, prices: new Map<string, number>() };
    const found = await explainRun(database, { tenant: 'main', run: 's00-a' }, options);
    assert.deepEqual(
      found?.whoDidIt.map(({ actor, sequence, step, to }) => [sequence, actor, step, to]),
      [
        [1, 'anna', '', 'queued'],
        [3, 'carla', 'release', 'succeeded'],
        [4, 'anna', '', 'cancelling'],
        [5, 'anna', '', 'cancelled'],
      ],
    );
  });

  it('is nothing of a run that never was, or is of another tenant', async () => {
    await record(failing);
    const options = { nowMs: startMs, prices: new Map<string, number>() };
    assert.equal(await explainRun(database, { tenant: 'acme', run: 's00-a' }, options), null);
  });

  it('counts the items of a map with their step', async () => {
    await record([
      ...failing.slice(0, 2),
      [1000, stepMoves('s00-a', 3, ['0', 'each', 'running', 'suspended'])],
      [1000, stepMoves('s00-a', 4, ['0.0', 'each', 'ready', 'running'], cpu)],
      [1000, stepMoves('s00-a', 5, ['0.1', 'each', 'ready', 'running'], cpu)],
      [2000, stepMoves('s00-a', 6, ['0.0', 'each', 'running', 'succeeded'])],
      [3000, stepMoves('s00-a', 7, ['0.1', 'each', 'running', 'succeeded'])],
    ]);
    const options = { nowMs: startMs + 4000, prices: new Map<string, number>() };
    const found = await explainRun(database, { tenant: 'main', run: 's00-a' }, options);
    const [each] = found?.howLong.steps ?? [];
    assert.deepEqual([each?.state, each?.refs, each?.runningMs, each?.suspendedMs], ['suspended', 3, 3000, 3000]);
    assert.equal(found?.howMuch.attemptSeconds, 3);
  });

  it('is how long a workflow and its steps took before', async () => {
    const events: (readonly [number, RunEventTuple])[] = [];
    for (const [index, took] of [100, 200, 300, 400, 1000].entries()) {
      const run = `s00-${index}`;
      events.push(
        [0, runMoves(run, 1, ['queued', 'running'])],
        [0, stepMoves(run, 2, ['0', 'train', 'ready', 'running'])],
        [took, stepMoves(run, 3, ['0', 'train', 'running', 'succeeded'])],
        [took + 10, runMoves(run, 4, ['running', 'succeeded'])],
      );
    }
    await record(events);
    const found = await pastDurations(database, { tenant: 'main', workflow: 'daily', sinceMs: startMs });
    assert.deepEqual(found.run, { n: 5, p50Ms: 310, p90Ms: 1010 });
    assert.deepEqual([...found.steps], [['train', { n: 5, p50Ms: 300, p90Ms: 1000 }]]);
    const none = await pastDurations(database, { tenant: 'main', workflow: 'other', sinceMs: startMs });
    assert.deepEqual([none.run, none.steps.size], [null, 0]);
  });
});
