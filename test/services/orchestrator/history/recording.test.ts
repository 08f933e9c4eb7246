import assert from 'node:assert/strict';
import { canonicalJson } from '@orrery/contracts/digest';
import { migrate, type ClickHouse as Client } from '@orrery/kit/clickhouse';
import type { BusEvent } from '@orrery/kit/bus/types';
import { openHistory, type History } from '#services/orchestrator/src/history/history.ts';
import { contentOf, genesis, type RowContent } from '#services/orchestrator/src/history/rows.ts';
import { verifyAll, verifyRun } from '#services/orchestrator/src/history/verify.ts';
import { sqlFolder } from '#services/orchestrator/src/statements.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { busEvent, entryText, makeMetrics, quiet, rangeOf, runMoves, startMs, stepMoves } from './run-log.ts';

describe('the history of runs', function () {
  this.timeout(120_000);
  let server: ClickHouse;
  let client: Client;

  before(async () => {
    server = await startClickHouse();
    client = server.client({ clickhouse_settings: { wait_end_of_query: 1 } });
    await migrate(client, { service: 'orchestrator', folder: sqlFolder, log: quiet });
  });
  after(() => server.stop());
  beforeEach(async () => {
    for (const table of ['run_events', 'run_log', 'run_log_rejects'])
      await client.command({ query: `TRUNCATE TABLE ${table}` });
  });

  const open = async (metrics = makeMetrics().metrics) => openHistory(client, { log: quiet, metrics });
  const interval = { fromMs: startMs, toMs: startMs + 86_400_000 };
  // Every test has its own positions, so that no token is told twice but where it shall be.
  let position = 0;
  const events = (...texts: readonly string[]): BusEvent[] => texts.map((text) => busEvent((position += 1), text));
  const record = async (history: History, batch: readonly BusEvent[]) => history.record(rangeOf(batch), batch);
  const query = async <T>(text: string) => (await client.query({ query: text, format: 'JSONEachRow' })).json<T>();
  const alter = (what: string) =>
    client.command({ query: `ALTER TABLE run_events ${what}`, clickhouse_settings: { mutations_sync: '2' } });
  /** A run of three transitions in two entries, from entry `n` on. */
  const shortRun = (run: string, n: number) => [
    entryText({ n, events: [runMoves(run, 1, ['', 'queued']), runMoves(run, 2, ['queued', 'running'])] }),
    entryText({ n: n + 1, events: [runMoves(run, 3, ['running', 'succeeded'])] }),
  ];

  it('chains the rows of a run, whatever ranges and recorders they came by', async () => {
    const [one = '', two = ''] = shortRun('s00-a', 1);
    await record(await open(), events(one));
    await record(await open(), events(two));
    const rows = await query<{ sequence: number; previous: string; digest: string; log_n: string }>(
      'SELECT sequence, previous, digest, toString(log_n) AS log_n FROM run_events ORDER BY sequence',
    );
    assert.deepEqual(
      rows.map(({ sequence, log_n }) => [sequence, log_n]),
      [
        [1, '1'],
        [2, '1'],
        [3, '2'],
      ],
    );
    assert.equal(rows[0]?.previous, genesis);
    assert.deepEqual([rows[1]?.previous, rows[2]?.previous], [rows[0].digest, rows[1]?.digest]);
    const found = await verifyRun((await open()).database, 'main', 's00-a');
    assert.deepEqual(
      { rows: found.rows, wrong: found.wrong, end: found.end?.sequence },
      { rows: 3, wrong: null, end: 3 },
    );
    const all = await verifyAll((await open()).database, interval);
    assert.deepEqual([all.runs, all.rows, all.whole], [1, 3, true]);
  });

  it('hashes canonical JSON, with what a worker wrote as a reason', () => {
    const row: RowContent = {
      ...{ tenant: 'main', run: 's00-a', sequence: 1, workflow: 'daily', definition: 'd', actor: 'anna', ref: '1' },
      ...{
        step: 'train',
        attempt: 1,
        fence: '7',
        from: 'running',
        to: 'failed',
        reason: '"ü\n\u2028 \u0000',
        pool: '',
      },
      ...{ release: 'r', atMs: startMs, logShard: 's00', logN: 1 },
    };
    assert.equal(contentOf(row), canonicalJson(row));
  });

  it('verifies texts that are hard to carry', async () => {
    const reason = '\ud800 half, "quoted" \\ \t \u0000 ü 🚀';
    const batch = events(entryText({ n: 1, events: [runMoves('s00-a', 1, ['', 'failed'], { reason })] }));
    await record(await open(), batch);
    assert.equal((await verifyRun((await open()).database, 'main', 's00-a')).wrong, null);
  });

  it('writes nothing twice when a range comes again, to itself or to another recorder', async () => {
    const batch = events(...shortRun('s00-a', 1));
    const history = await open();
    await record(history, batch);
    await record(history, batch);
    await record(await open(), batch);
    assert.deepEqual(await query('SELECT toUInt32(count()) AS n FROM run_events'), [{ n: 3 }]);
    assert.deepEqual(await query('SELECT toUInt32(count()) AS n FROM run_log'), [{ n: 2 }]);
  });

  it('drops what a relay published twice, and goes on behind it', async () => {
    const [one = '', two = ''] = shortRun('s00-a', 1);
    const history = await open();
    await record(history, events(one, two));
    await record(await open(), events(one, two, ...shortRun('s00-b', 3)));
    await record(history, events(two));
    const all = await verifyAll(history.database, interval);
    assert.deepEqual([all.runs, all.rows, all.whole], [2, 6, true]);
    assert.deepEqual(await query('SELECT toUInt32(count()) AS n FROM run_log_rejects'), [{ n: 0 }]);
  });

  it('takes an entry that a repair made again for the same, though its keys have another order', async () => {
    const history = await open();
    const batch = [runMoves('s00-a', 1, ['', 'queued']), runMoves('s00-b', 1, ['', 'queued'])];
    const text = entryText({ n: 1, events: batch });
    const { runs, ...rest } = JSON.parse(text) as { runs: Record<string, unknown> };
    const again = JSON.stringify({ runs: Object.fromEntries(Object.entries(runs).toReversed()), ...rest });
    await record(history, events(text));
    await record(history, events(again));
    assert.deepEqual(await query('SELECT toUInt32(count()) AS n FROM run_log_rejects'), [{ n: 0 }]);
    assert.equal((await verifyAll(history.database, interval)).rows, 2);
  });

  it('keeps aside what contradicts an entry recorded before, and what is no entry', async () => {
    const { metrics, counted } = makeMetrics();
    const history = await open(metrics);
    await record(history, events(...shortRun('s00-a', 1)));
    const other = entryText({ n: 2, events: [runMoves('s00-a', 3, ['running', 'failed'])] });
    await record(history, [...events(other, '{"n":'), busEvent((position += 1), other, 'elsewhere')]);
    const rejects = await query<{ reason: string }>('SELECT reason FROM run_log_rejects ORDER BY position');
    assert.equal(rejects.length, 3);
    assert.match(rejects[0]?.reason ?? '', /log of s00 has forked: entry 2/);
    assert.match(rejects[1]?.reason ?? '', /no JSON/);
    assert.match(rejects[2]?.reason ?? '', /"elsewhere" is no shard/);
    assert.deepEqual(await counted('log_rejects_total'), { '': 3 });
    assert.deepEqual(
      (await history.events('main', 's00-a', 10)).map(({ to }) => to),
      ['queued', 'running', 'succeeded'],
    );
  });

  it('counts a gap in the log when it comes, and finds it later', async () => {
    const { metrics, counted } = makeMetrics();
    const [one = '', two = ''] = shortRun('s00-a', 1);
    const [, four = ''] = shortRun('s00-b', 3);
    await record(await open(metrics), events(one, two, four));
    assert.deepEqual(await counted('log_gaps_total'), { history: 1 });
    const found = await verifyAll((await open()).database, interval);
    assert.deepEqual(found.gaps, [{ shard: 's00', from: 3, to: 3 }]);
    assert.deepEqual(
      found.wrong.map(({ run, sequence, code }) => [run, sequence, code]),
      [['s00-b', 1, 'missing']],
    );
  });

  const tampering: readonly (readonly [string, string, number, string])[] = [
    ['a row changed by hand', "UPDATE reason = 'nothing to see' WHERE run = 's00-b' AND sequence = 2", 2, 'changed'],
    [
      'a row changed with its digest',
      `UPDATE digest = '${'0'.repeat(64)}' WHERE run = 's00-b' AND sequence = 2`,
      2,
      'changed',
    ],
    ['a row deleted', "DELETE WHERE run = 's00-b' AND sequence = 2", 2, 'missing'],
    ['a chain blanked from the middle', "UPDATE digest = '' WHERE run = 's00-b' AND sequence > 1", 2, 'changed'],
  ];
  for (const [what, statement, sequence, code] of tampering) {
    it(`finds ${what}, by its run and sequence`, async () => {
      await record(await open(), events(...shortRun('s00-a', 1), ...shortRun('s00-b', 3), ...shortRun('s00-c', 5)));
      await alter(statement);
      const { database } = await open();
      const all = await verifyAll(database, interval);
      assert.deepEqual(
        all.wrong.map((row) => [row.run, row.sequence, row.code]),
        [['s00-b', sequence, code]],
      );
      assert.deepEqual([all.runs, all.wrongRuns, all.whole], [3, 1, false]);
      assert.equal((await verifyRun(database, 'main', 's00-b')).wrong?.sequence, sequence);
      assert.equal((await verifyRun(database, 'main', 's00-a')).wrong, null);
    });
  }

  it('finds a row written over another one, merged or not', async () => {
    const history = await open();
    await record(history, events(...shortRun('s00-a', 1)));
    const columns = '* EXCEPT (reason, to_state)';
    await client.command({
      query: `INSERT INTO run_events (tenant, run, sequence, workflow, definition, actor, step, attempt, fence, from_state, release, at, recorded_at, ref, pool, log_shard, log_n, previous, digest, reason, to_state)
              SELECT ${columns}, 'x', 'paused' FROM run_events WHERE sequence = 2`,
    });
    assert.equal((await verifyRun(history.database, 'main', 's00-a')).wrong?.sequence, 2);
    await client.command({ query: 'OPTIMIZE TABLE run_events FINAL' });
    const { wrong } = await verifyRun(history.database, 'main', 's00-a');
    assert.deepEqual([wrong?.sequence, wrong?.code], [2, 'changed']);
  });

  it('finds the end of a run cut off, which its chain can not show', async () => {
    const history = await open();
    await record(history, events(...shortRun('s00-a', 1)));
    await alter("DELETE WHERE run = 's00-a' AND sequence = 3");
    assert.equal((await verifyRun(history.database, 'main', 's00-a')).wrong, null);
    const all = await verifyAll(history.database, interval);
    assert.deepEqual(all.losses, [{ shard: 's00', n: 2, expected: 1, found: 0 }]);
    assert.equal(all.whole, false);
  });

  it('says of rows from before there was a chain that it can say nothing', async () => {
    await client.command({
      query: `INSERT INTO run_events (tenant, run, sequence, workflow, definition, actor, to_state, at)
              VALUES ('main', 's00-old', 1, 'daily', 'd', 'anna', 'queued', '2026-03-01 00:00:00')`,
    });
    const history = await open();
    await record(history, events(entryText({ n: 1, events: [runMoves('s00-old', 2, ['queued', 'running'])] })));
    const found = await verifyRun(history.database, 'main', 's00-old');
    assert.deepEqual([found.rows, found.unchained, found.wrong], [2, 1, null]);
  });

  it('records what a person asked of the core without any run', async () => {
    const call = ['control', '{"scope":"t|acme","verb":"pause"}'];
    await record(await open(), events(entryText({ n: 1, call, by: ['acme', 'boris'] })));
    assert.deepEqual(await query('SELECT verb, events, tenant, actor, arguments FROM run_log'), [
      {
        verb: 'control',
        events: 0,
        tenant: 'acme',
        actor: 'boris',
        arguments: '["{\\"scope\\":\\"t|acme\\",\\"verb\\":\\"pause\\"}"]',
      },
    ]);
  });

  it('records more rows than one block holds, and keeps the steps of many runs apart', async () => {
    const texts = Array.from({ length: 60 }, (_, index) => {
      const steps = Array.from({ length: 100 }, (_other, step) =>
        stepMoves(`s00-r${step}`, index + 1, [String(step), `step-${step}`, 'running', 'failed'], {
          reason: 'x'.repeat(500),
        }),
      );
      return entryText({ n: index + 1, events: steps });
    });
    const history = await open();
    await record(history, events(...texts));
    const all = await verifyAll(history.database, interval);
    assert.deepEqual([all.runs, all.rows, all.whole], [100, 6000, true]);
  });
});
