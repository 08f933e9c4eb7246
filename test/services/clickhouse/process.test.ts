import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { eventually } from '#test/support/eventually.ts';

const main = path.join(import.meta.dirname, '../../../services/clickhouse/src/main.ts');

async function rowsOf(server: ClickHouse, query: string): Promise<unknown[]> {
  return (await server.client().query({ query, format: 'JSONEachRow' })).json();
}

describe('the process of the embedded ClickHouse', () => {
  const servers: ClickHouse[] = [];
  const start = async (...options: Parameters<typeof startClickHouse>) => {
    const server = await startClickHouse(...options);
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('killed in the middle of inserts has lost none that it acknowledged, and a retry by token doubles none', async function () {
    this.timeout(120_000);
    const server = await start();
    const create = 'CREATE TABLE t (batch UInt32, row UInt32) ENGINE = MergeTree ORDER BY (batch, row)';
    await server.client().command({ query: `${create} SETTINGS non_replicated_deduplication_window = 1000` });
    const batchRows = 2000;
    const insert = (batch: number) =>
      server.client().insert({
        table: 't',
        values: Array.from({ length: batchRows }, (_, row) => ({ batch, row })),
        format: 'JSONEachRow',
        clickhouse_settings: { insert_deduplication_token: `batch ${batch}` },
      });
    let [batch, retried] = [0, 0];
    for (let kill = 0; kill < 5; kill += 1) {
      const last = batch + 10 + kill;
      let death: Promise<void> | undefined;
      for (let alive = true; alive;) {
        const inserted = insert(batch).then(
          () => true,
          () => false,
        );
        if (batch >= last) death ??= setTimeout(kill).then(() => server.kill());
        alive = await inserted;
        if (alive) batch += 1;
      }
      await death;
      await server.restart();
      const [found] = (await rowsOf(server, `SELECT count() AS n FROM t WHERE batch < ${batch}`)) as { n: number }[];
      assert.equal(found?.n, batch * batchRows);
      await insert(batch);
      batch += 1;
      retried += 1;
    }
    assert.equal(retried, 5);
    const totals = 'SELECT count() AS n, uniqExact(batch, row) AS distinct, max(batch) + 1 AS batches FROM t';
    assert.deepEqual(await rowsOf(server, totals), [
      { n: batch * batchRows, distinct: batch * batchRows, batches: batch },
    ]);
  });

  it('refuses to share its folder, with one message and exit code 1', async () => {
    const server = await start();
    const second = startClickHouse({ dataFolder: server.dataFolder });
    await assert.rejects(second, /exited with 1: [^]*the data folder [^]*can't be opened: another process holds it/);
    assert.deepEqual(await rowsOf(server, 'SELECT 1 AS x'), [{ x: 1 }]);
  });

  it('keeps its tables over a restart', async () => {
    const server = await start();
    await server.client().command({ query: 'CREATE TABLE kept ENGINE = MergeTree ORDER BY tuple() AS SELECT 7 AS x' });
    await server.restart();
    assert.deepEqual(await rowsOf(server, 'SELECT x FROM kept'), [{ x: 7 }]);
  });

  it('told to end, finishes what runs, accepts nothing else and exits 0', async () => {
    const server = await start();
    const client = server.client();
    await client.command({ query: 'CREATE TABLE late (x UInt8) ENGINE = MergeTree ORDER BY x' });
    const running = rowsOf(server, 'SELECT sum(sleepEachRow(0.1)) AS x FROM numbers(15) SETTINGS max_block_size = 1');
    await eventually(
      async () => (await rowsOf(server, "SELECT 1 FROM system.processes WHERE query LIKE '%sleepEachRow%'")).length > 1,
    );
    const { pid } = server;
    const exited = server.stop();
    process.kill(pid, 'SIGINT');
    await eventually(async () => {
      const refused = await fetch(`${server.url}/ping`).then(
        () => false,
        () => true,
      );
      return refused;
    });
    assert.deepEqual(await running, [{ x: 0 }]);
    assert.equal(await exited, 0);
  });

  it('told to end, waits for what runs no longer than its deadline', async () => {
    const server = await start({ drainMs: 300 });
    const client = server.client();
    await client.command({ query: 'CREATE TABLE t (x UInt64) ENGINE = MergeTree ORDER BY x' });
    const work = [
      client.query({ query: 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)' }),
      client.command({ query: 'INSERT INTO t SELECT sipHash64(number) FROM numbers(1000000000000)' }),
    ];
    const ended = Promise.allSettled(work);
    await eventually(async () => (await rowsOf(server, 'SELECT 1 FROM system.processes')).length === 3);
    const began = performance.now();
    assert.equal(await server.stop(), 0);
    assert.ok(performance.now() - began < 3000, `${performance.now() - began} ms`);
    await ended;
  });

  it('names every problem of its configuration at once and exits 2', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-clickhouse-'));
    const file = path.join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ service: 'clickhouse', port: 'x', settings: { sesions: 3, waitMs: 0 } }));
    const { status, stderr } = spawnSync(process.execPath, [main, '--config', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    assert.equal(status, 2);
    for (const problem of ['release', 'port', 'waitMs', 'unknown key "sesions", did you mean "sessions"']) {
      assert.ok(stderr.includes(problem), stderr);
    }
  });

  it('stays within the 400 lines that it promises', () => {
    const lines = execFileSync('sh', ['-c', `cat "${path.dirname(main)}"/*.ts | wc -l`], { encoding: 'utf8' });
    assert.ok(Number(lines) <= 400, `${lines.trim()} lines`);
  });
});
