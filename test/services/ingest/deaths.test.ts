import assert from 'node:assert/strict';
import type { ClickHouseClient } from '@clickhouse/client';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { RunResult } from '#services/ingest/src/pipeline-run.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { FaultProxy, type Fault, type Write } from '#test/support/fault-proxy.ts';
import type { Ingest, Job } from '#test/support/ingest.ts';
import { IngestPlace, query, standing } from './ingest-place.ts';

/** Summed by another program over the first rows of the file. */
const sixtyThousand = { rows: 60_000, numbers: 60_000, delay: 791_992, squares: 91_093_626, rejected: 200 };
const killsMax = 60;

let clickhouse: ClickHouse;
let client: ClickHouseClient;
let proxy: FaultProxy;
let here: IngestPlace;
let tenants = 0;

before(async function () {
  this.timeout(60_000);
  clickhouse = await startClickHouse();
  client = clickhouse.client();
});
after(() => clickhouse.stop());

beforeEach(async () => {
  proxy = new FaultProxy(clickhouse.url);
  await proxy.start();
  tenants += 1;
  const settings = { backoffMs: 20, backoffMaxMs: 2000, attemptsMax: 12 };
  here = new IngestPlace(`mortal-${tenants}`, { clickhouseUrl: proxy.url, token: clickhouse.token, settings });
});
afterEach(async () => {
  await here.remove();
  await proxy.stop();
});

/** Starts and runs until a run succeeds, as a supervisor and a caller that retries would. Returns its result and the deaths. */
async function persist(ingest: Ingest): Promise<{ result: RunResult; deaths: number }> {
  for (let deaths = 0; deaths <= killsMax; deaths += 1) {
    try {
      await ingest.start();
      const job: Job = await ingest.run('flights');
      assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
      return { result: job.result as RunResult, deaths };
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      await ingest.ended();
    }
  }
  throw new Error(`no run succeeded after ${killsMax} deaths`);
}

/** Strikes at each write of ingest's own tables, once by each of the faults. */
function strikeEach(faults: readonly Fault[], wanted: (write: Write) => boolean = () => true): Map<string, number> {
  const struck = new Map<string, number>();
  proxy.decide = (write: Write) => {
    const times = struck.get(write.name) ?? 0;
    const fault = faults[times];
    if (write.table === 'migrations' || fault === undefined || !wanted(write)) return 'none';
    struck.set(write.name, times + 1);
    return fault;
  };
  return struck;
}

/** Every token has carried one and the same body, however often it was sent. */
function assertSameBodies(): void {
  for (const [token, digests] of proxy.bodies) {
    if (!token.startsWith('ingest:')) assert.equal(digests.size, 1, `${token} carried different bodies`);
  }
}

async function assertWhole(expected: { rows: number; rejected: number }): Promise<void> {
  const found = await standing(client, here.tenant);
  assert.deepEqual(
    { rows: found.rows, numbers: found.numbers, rejected: found.rejected },
    { ...expected, numbers: expected.rows },
  );
}

describe('ingest, killed', function () {
  this.timeout(120_000);

  it('before and after each of its writes in turn, loses and doubles nothing', async () => {
    const struck = strikeEach(['before', 'after']);
    proxy.strike = () => here.ingest.kill();
    here.define(2000, 1000);
    const { result, deaths } = await persist(here.ingest);
    assert.deepEqual([result.read, result.accepted, result.rejected], [2200, 2000, 200]);
    await assertWhole({ rows: 2000, rejected: 200 });
    assertSameBodies();
    // Two intakes; two ranges of rows; one of rejects; a record for each of the three ranges.
    assert.deepEqual([deaths, struck.size], [16, 8]);
  });

  it('before and after each removal of replaced rows, leaves the replacement only', async () => {
    here.define(2000, 1000);
    await persist(here.ingest);
    await here.ingest.kill();
    here.define(2000, 1000, (text) => text.replace('maximum: 2880', 'maximum: 60'));
    const struck = strikeEach(['before', 'after'], ({ verb }) => verb === 'ALTER');
    proxy.strike = () => here.ingest.kill();
    const { result, deaths } = await persist(here.ingest);
    assert.ok(result.rejected > 200);
    assert.equal(result.accepted + result.rejected, 2200);
    await assertWhole({ rows: result.accepted, rejected: result.rejected });
    assert.deepEqual([deaths, struck.size], [6, 3]);
    assertSameBodies();
  });

  it('at random moments, loses and doubles nothing', async () => {
    here.define(60_000, 4000);
    const delays = [40, 110, 190, 300, 430, 600];
    for (const delay of delays) {
      await here.ingest.start();
      const running = here.ingest.run('flights').catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, delay));
      await here.ingest.kill();
      await running;
    }
    const { result } = await persist(here.ingest);
    assert.deepEqual([result.read, result.accepted, result.rejected], [60_200, 60_000, 200]);
    assert.deepEqual(await standing(client, here.tenant), sixtyThousand);
    assertSameBodies();
  });

  it('goes on from what stands instead of from the beginning', async () => {
    here.define(60_000, 4000);
    let records = 0;
    proxy.decide = ({ table }) => (table === 'ingest_ranges' && ++records === 10 ? 'after' : 'none');
    proxy.strike = () => here.ingest.kill();
    await persist(here.ingest);
    const sent = [...proxy.bodies.keys()].filter((token) => token.includes(':flights:'));
    assert.equal(sent.length, 15);
    // Ten records, of which the tenth was the last that the first process made; the second wrote only what was missing.
    assert.equal(records, 16);
    assert.deepEqual(await standing(client, here.tenant), sixtyThousand);
  });
});

describe('ingest, twice', function () {
  this.timeout(120_000);

  it('at the same work at once, as when one instance replaces another, doubles nothing', async () => {
    here.define(20_000, 2000);
    const other = here.twin();
    await Promise.all([here.ingest.start(), other.start()]);
    const jobs = await Promise.all([here.ingest.run('flights'), other.run('flights')]);
    assert.deepEqual(
      jobs.map((job) => job.state),
      ['succeeded', 'succeeded'],
      JSON.stringify(jobs),
    );
    await assertWhole({ rows: 20_000, rejected: 200 });
    assertSameBodies();
    await other.stop();
  });

  it('told to end, stops between two ranges and tells its caller to try again', async () => {
    here.define(20_000, 2000);
    let writes = 0;
    proxy.decide = () => {
      writes += 1;
      if (writes === 10) process.kill(here.ingest.pid, 'SIGTERM');
      return 'none';
    };
    await here.ingest.start();
    await here.ingest.run('flights').catch(() => undefined);
    await here.ingest.ended();
    assert.match(here.ingest.log, /"code":"RUN_STOPPED"/);
    const [recorded] = await query<{ rows: string | number }>(
      client,
      'SELECT sum(hi - lo + 1) AS rows FROM ingest_ranges WHERE tenant = {tenant:String}',
      here.tenant,
    );
    const { rows } = await standing(client, here.tenant);
    assert.equal(rows, Number(recorded?.rows));
    assert.ok(rows > 0 && rows < 20_000);
    proxy.decide = () => 'none';
    await persist(here.ingest);
    await assertWhole({ rows: 20_000, rejected: 200 });
  });
});

describe('ingest, when ClickHouse', function () {
  this.timeout(120_000);

  it('does each write and its answer is lost, repeats the write and doubles nothing', async () => {
    const struck = strikeEach(['after']);
    here.define(3000, 1000);
    const { result, deaths } = await persist(here.ingest);
    assert.deepEqual([deaths, struck.size, result.accepted], [0, 10, 3000]);
    await assertWhole({ rows: 3000, rejected: 200 });
    assertSameBodies();
    assert.match(
      await here.ingest.text('/metrics'),
      /orrery_ingest_retries_total\{pipeline="flights",service="ingest"\} 10\n/,
    );
  });

  it('is killed in the middle of a run, waits for it and ends exact', async () => {
    here.define(60_000, 4000);
    const deaths: Promise<void>[] = [];
    let writes = 0;
    proxy.decide = ({ table }) => {
      if (table !== 'flights') return 'none';
      writes += 1;
      // Once while an insert is at work: it may be done or not.
      if (writes === 13) setTimeout(() => deaths.push(clickhouse.restart()), 15);
      return writes === 4 ? 'before' : writes === 9 ? 'after' : 'none';
    };
    proxy.strike = () => {
      deaths.push(clickhouse.restart());
      return Promise.resolve(deaths.at(-1));
    };
    const { result } = await persist(here.ingest);
    await Promise.all(deaths);
    assert.equal(deaths.length, 3);
    assert.deepEqual([result.accepted, result.rejected], [60_000, 200]);
    assert.deepEqual(await standing(client, here.tenant), sixtyThousand);
    assertSameBodies();
  });

  it('stays away, fails the run as one to be tried again, and the next run goes on', async () => {
    await here.remove();
    const settings = { backoffMs: 20, backoffMaxMs: 40, attemptsMax: 3 };
    here = new IngestPlace(here.tenant, { clickhouseUrl: proxy.url, token: clickhouse.token, settings });
    here.define(3000, 1000);
    await here.ingest.start();
    let away = true;
    proxy.decide = ({ table, name }) =>
      away && table === 'flights' && name.endsWith(':2001-3000') ? 'before' : 'none';
    const failed = await here.ingest.run('flights');
    assert.deepEqual(
      [failed.state, failed.error?.code, failed.error?.retryable],
      ['failed', 'CLICKHOUSE_UNREACHABLE', true],
    );
    assert.deepEqual(failed.progress, { done: 2000, total: 3200, unit: 'rows' });
    away = false;
    const job = await here.ingest.run('flights');
    assert.equal(job.state, 'succeeded');
    await assertWhole({ rows: 3000, rejected: 200 });
  });
});

describe('the record of ranges', () => {
  it('holds each range once', async () => {
    const doubled = await query(
      client,
      'SELECT intake, lo, count() AS records FROM ingest_ranges GROUP BY tenant, intake, lo HAVING records > 1',
      '',
    );
    assert.deepEqual(doubled, []);
  });
});
