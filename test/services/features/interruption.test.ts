import assert from 'node:assert/strict';
import type { ClickHouseClient } from '@clickhouse/client';
import { after, before, describe, it } from 'mocha';
import { Registry } from 'prom-client';
import { migrate, type ClickHouse as Client } from '#services/kit/src/clickhouse.ts';
import { messageOf } from '#services/kit/src/errors.ts';
import { silentLog } from '#services/kit/src/log.ts';
import type { CompiledFeatureSet } from '#services/features/src/compiler.ts';
import { createDatabase, type Database } from '#services/features/src/database.ts';
import { readFeatureSet } from '#services/features/src/definitions.ts';
import { dropOldStaging } from '#services/features/src/feature-tables.ts';
import { createHistory } from '#services/features/src/history.ts';
import { Materialiser, type Materialisation } from '#services/features/src/materialiser.ts';
import { createMetrics } from '#services/features/src/metrics.ts';
import { Partitions } from '#services/features/src/partitions.ts';
import { readStatements, type Statements } from '#services/features/src/statements.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { eventually } from '#test/support/eventually.ts';
import { createFlightTables, insertFlights, inventFlights, readRealFlights } from './flight-tables.ts';
import { RunningFeatures } from './running-features.ts';
import { shortWindows } from './short-windows.ts';

const featuresSql = new URL('../../../services/features/sql/', import.meta.url);
const from = '2001-03-29';
const to = '2001-04-02';

/**
 * A client that works until its `fatal`th call with an effect, which it doesn't make any more: from there on it is dead, as a
 * killed process. To die after an effect is to die before the next one: what lies between only reads.
 */
function dyingClient(client: Client, fatal: number, die: () => void): Client {
  let effects = 0;
  const methods = new Set<string | symbol>(['query', 'command', 'insert', 'exec']);
  return new Proxy(client, {
    get(target, property) {
      const method: unknown = Reflect.get(target, property);
      if (typeof method !== 'function' || !methods.has(property)) return method;
      return async (...given: unknown[]) => {
        effects += Number(property !== 'query');
        if (effects >= fatal) throw dead(die);
        return Reflect.apply(method, target, given) as unknown;
      };
    },
  });
}

function dead(die: () => void): Error {
  die();
  return new Error('killed here');
}

async function partitionsOf(client: ClickHouseClient, table: string, tenant: string): Promise<unknown[]> {
  const query = `SELECT * EXCEPT (tenant, fingerprint) FROM ${table} WHERE tenant = '${tenant}' ORDER BY day, row_number`;
  return (await client.query({ query, format: 'JSONEachRow' })).json();
}

async function ledgerOf(client: ClickHouseClient, tenant: string): Promise<unknown[]> {
  const query = `SELECT day, rows, row_hash FROM feature_days FINAL WHERE tenant = '${tenant}' ORDER BY day`;
  return (await client.query({ query, format: 'JSONEachRow' })).json();
}

describe('a materialisation that is killed', () => {
  let clickhouse: ClickHouse;
  let client: ClickHouseClient;
  let statements: Statements;
  let set: CompiledFeatureSet;

  before(async () => {
    clickhouse = await startClickHouse();
    client = clickhouse.client();
    await createFlightTables(client);
    await migrate(client, { service: 'features', folder: featuresSql, log: silentLog() });
    statements = await readStatements(featuresSql);
    const read = readFeatureSet(shortWindows, 'features/short.yaml');
    assert.ok(read.ok);
    set = read.compiled;
    await createHistory({ database: databaseOf(client), checkMs: 0, now: Date.now }).ensure(set.history);
  });

  after(async () => {
    await clickhouse.stop();
  });

  function databaseOf(from: Client): Database {
    return createDatabase({ client: from, statements, threadsMax: 2, queryTimeoutSeconds: 60 });
  }

  async function materialise(through: Client, tenant: string, signal: AbortSignal): Promise<Materialisation> {
    const database = databaseOf(through);
    const history = createHistory({ database, checkMs: 0, now: Date.now });
    const partitions = new Partitions({ database, statements });
    const limits = { daysPerQuery: 3, daysPerRequestMax: 100, jobsMax: 1 };
    const metrics = createMetrics(new Registry());
    const materialiser = new Materialiser({ database, history, partitions, log: silentLog(), metrics, ...limits });
    const asker = { tenant, actor: 'test' };
    return materialiser.run(set, { asker, from, to, report: () => undefined, signal });
  }

  it('before any statement leaves nothing lost or doubled once it is run again', async function () {
    this.timeout(90_000);
    const flights = inventFlights(3, '2001-03-20', 14, 12);
    await insertFlights(client, flights, { tenant: 'calm' });
    await materialise(client, 'calm', new AbortController().signal);
    const [rows, ledger] = [await partitionsOf(client, set.table, 'calm'), await ledgerOf(client, 'calm')];
    assert.deepEqual([rows.length, ledger.length], [60, 5]);
    const deaths: number[] = [];
    for (let fatal = 1; deaths.length === fatal - 1; fatal += 1) {
      const tenant = `killed-${fatal}`;
      await insertFlights(client, flights, { tenant });
      const abort = new AbortController();
      const dying = dyingClient(client, fatal, () => abort.abort());
      await materialise(dying, tenant, abort.signal).catch((error: unknown) => {
        assert.match(messageOf(error), /killed here/);
        deaths.push(fatal);
      });
      await materialise(client, tenant, new AbortController().signal);
      assert.deepEqual(await partitionsOf(client, set.table, tenant), rows, tenant);
      assert.deepEqual(await ledgerOf(client, tenant), ledger, tenant);
    }
    // One for the table, four to sum up the past, five for each of the two parts of the days.
    assert.equal(deaths.length, 15);
    await eventually(async () => {
      await dropOldStaging(databaseOf(client), 0);
      const query = "SELECT name FROM system.tables WHERE name LIKE '%staging%'";
      const left = await (await client.query({ query, format: 'JSONEachRow' })).json();
      return left.length === 0;
    });
  });
});

describe('the service, killed by SIGKILL while it computes', () => {
  let clickhouse: ClickHouse;
  let client: ClickHouseClient;
  let features: RunningFeatures;

  before(async () => {
    clickhouse = await startClickHouse();
    client = clickhouse.client();
    await createFlightTables(client);
    const flights = await readRealFlights();
    await insertFlights(client, flights);
    await insertFlights(client, flights, { tenant: 'calm' });
    const theirs = shortWindows.replace('name: short', 'name: short\ntenant: calm');
    const definitions = { 'ours.yaml': shortWindows, 'theirs.yaml': theirs };
    features = new RunningFeatures({ clickhouse, definitions, settings: { daysPerQuery: 2 } });
    await features.start();
  });

  after(async () => {
    await features.stop();
    await clickhouse.stop();
  });

  it('goes on from where it was, and ends with the same rows', async function () {
    this.timeout(60_000);
    const span = { from: '2001-01-10', to: '2001-02-08' };
    const route = '/v1/feature-sets/short/materialisations';
    const doneAtKills: number[] = [];
    for (const share of [0.2, 0.5]) {
      const { body } = await features.call('POST', route, span);
      const done = await eventually(async () => {
        const job = await features.call('GET', String(body['location']));
        const progress = job.body['progress'] as { done: number; total: number } | undefined;
        return progress !== undefined && progress.done >= progress.total * share && progress.done;
      });
      await features.kill();
      doneAtKills.push(done);
      await features.start();
    }
    const last = await features.result('short/materialisations', span.from, span.to);
    const [first = 0, second = 0] = doneAtKills;
    assert.ok(first < second && second < 30, String(doneAtKills));
    assert.ok(Number(last['reusedDays']) >= second, JSON.stringify(last));
    const calm = { 'x-orrery-tenant': 'calm' };
    const { body } = await features.call('POST', route, span, calm);
    await eventually(
      async () => (await features.call('GET', String(body['location']), undefined, calm)).body['state'] === 'succeeded',
      { timeoutMs: 30_000 },
    );
    assert.deepEqual(await ledgerOf(client, 'main'), await ledgerOf(client, 'calm'));
    const table = String(last['table']);
    assert.deepEqual(await partitionsOf(client, table, 'main'), await partitionsOf(client, table, 'calm'));
  });
});
