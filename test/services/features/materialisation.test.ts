import assert from 'node:assert/strict';
import type { ClickHouseClient } from '@clickhouse/client';
import { after, before, describe, it } from 'mocha';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { createFlightTables, insertFlights, inventFlights, type Flight } from './flight-tables.ts';
import { RunningFeatures } from './running-features.ts';
import { shortWindows as short } from './short-windows.ts';

const definitions = { 'short.yaml': short };

function flight(day: string, origin: string, destination: string, delay: number): Flight {
  return { day, scheduled_hour: 10, origin, destination, distance_miles: 300, delay_minutes: delay };
}

async function select(client: ClickHouseClient, query: string): Promise<Record<string, unknown>[]> {
  return (await client.query({ query, format: 'JSONEachRow' })).json();
}

/** What lies in the partitions, in an order, without the fingerprint. */
async function read(client: ClickHouseClient, table: unknown, tenant = 'main'): Promise<Record<string, unknown>[]> {
  const query = `SELECT * EXCEPT (fingerprint, file_digest) FROM ${String(table)} WHERE tenant = '${tenant}' ORDER BY day, row_number`;
  return select(client, query);
}

describe('materialising a feature set', () => {
  let clickhouse: ClickHouse;
  let client: ClickHouseClient;
  let features: RunningFeatures;

  before(async () => {
    clickhouse = await startClickHouse();
    client = clickhouse.client();
    features = new RunningFeatures({ clickhouse, definitions, settings: { daysPerQuery: 3 } });
    await features.start();
  });

  after(async () => {
    await features.stop();
    await clickhouse.stop();
  });

  it('waits for the tables that rows come from, and says so', async () => {
    const { status, body } = await features.call('GET', '/readyz');
    assert.deepEqual([status, body['missing']], [503, ['short: the table flights is not there']]);
    const job = await features.job('short/materialisations', '2001-03-01', '2001-03-01');
    assert.deepEqual([job.state, job.error?.code, job.error?.retryable], ['failed', 'SOURCE_MISSING', true]);
    await createFlightTables(client);
    assert.equal((await features.call('GET', '/readyz')).status, 200);
  });

  it('gives each row the past before its day, and null where there is none', async () => {
    await insertFlights(client, [
      flight('2001-03-01', 'AAA', 'BBB', 10),
      flight('2001-03-02', 'AAA', 'BBB', 20),
      flight('2001-03-02', 'AAA', 'CCC', 60),
      flight('2001-03-03', 'BBB', 'AAA', -9),
      flight('2001-03-05', 'AAA', 'BBB', 7),
      flight('2001-03-06', 'AAA', 'BBB', 8),
    ]);
    const result = await features.result('short/materialisations', '2001-03-01', '2001-03-06');
    const { featureSet, from, to, days, computed, reusedDays, rows, reused } = result;
    assert.deepEqual(
      { featureSet, from, to, days, computed, reusedDays, rows, reused },
      {
        ...{ featureSet: 'short', from: '2001-03-01', to: '2001-03-06', days: 6, computed: 6, reusedDays: 0, rows: 6 },
        reused: false,
      },
    );
    const main = { tenant: 'main' };
    const row = (number: number, day: string, delay: number) => ({
      ...main,
      day,
      row_number: number,
      delay_minutes: delay,
    });
    const both = { sum_of_both: 310 };
    const a = { from_airport: 'aaa', ...both };
    const none = { mean_1d: null, mean_3d: null, flights_3d: null, route_flights_3d: null, inverse: null };
    // On the 2nd yesterday had one flight: 1 / 0 is no number, so null.
    const second = { mean_1d: 10, mean_3d: 10, flights_3d: 1, inverse: null };
    assert.deepEqual(await read(client, result['table']), [
      { ...row(1, '2001-03-01', 10), ...a, ...none },
      { ...row(2, '2001-03-02', 20), ...a, ...second, route_flights_3d: 1 },
      { ...row(3, '2001-03-02', 60), ...a, ...second, route_flights_3d: null },
      { ...row(4, '2001-03-03', -9), ...both, from_airport: 'bbb', ...none, mean_1d: 40, inverse: 1 },
      // Nothing on the 4th; three days back reach the 2nd: (20 + 60) / 2.
      { ...row(5, '2001-03-05', 7), ...a, ...none, mean_3d: 40, flights_3d: 2, route_flights_3d: 1 },
      // The 3rd to the 5th hold one flight from AAA.
      { ...row(6, '2001-03-06', 8), ...a, mean_1d: 7, mean_3d: 7, flights_3d: 1, route_flights_3d: 1, inverse: null },
    ]);
  });

  it('computes nothing again while its inputs are the same', async () => {
    const result = await features.result('short/materialisations', '2001-03-01', '2001-03-06');
    assert.deepEqual([result['computed'], result['reusedDays'], result['rows'], result['reused']], [0, 6, 6, true]);
  });

  it('computes a day again, and the days that have it in their past, when a row comes late', async () => {
    await insertFlights(client, [flight('2001-03-02', 'AAA', 'BBB', 40)], { file: 'b' });
    const result = await features.result('short/materialisations', '2001-03-01', '2001-03-06');
    // The 2nd itself, and the 3rd to the 5th, whose windows of three days hold it; not the 1st and the 6th.
    assert.deepEqual([result['computed'], result['reusedDays'], result['rows']], [4, 2, 7]);
    const fifth = (await read(client, result['table'])).find(({ day }) => day === '2001-03-05');
    assert.deepEqual([fifth?.['mean_3d'], fifth?.['flights_3d']], [40, 3]);
  });

  it('computes a day again when its partition was lost or changed, to the same rows', async () => {
    const { table } = await features.result('short/materialisations', '2001-03-01', '2001-03-06');
    const before = await read(client, table);
    await client.command({ query: `ALTER TABLE ${String(table)} DROP PARTITION ('main', '2001-03-02')` });
    await client.command({
      query: `INSERT INTO ${String(table)} SELECT * FROM ${String(table)} WHERE day = '2001-03-05'`,
      clickhouse_settings: { insert_deduplication_token: 'doubling' },
    });
    assert.notDeepEqual(await read(client, table), before);
    const again = await features.result('short/materialisations', '2001-03-01', '2001-03-06');
    assert.deepEqual([again['computed'], again['reusedDays']], [2, 4]);
    assert.deepEqual(await read(client, table), before);
  });

  it('empties a day whose rows were deleted', async () => {
    await client.command({
      query: "ALTER TABLE flights DELETE WHERE day = '2001-03-06'",
      clickhouse_settings: { mutations_sync: '1' },
    });
    const result = await features.result('short/materialisations', '2001-03-01', '2001-03-06');
    assert.deepEqual([result['computed'], result['rows']], [1, 6]);
    assert.equal(
      (await read(client, result['table'])).some(({ day }) => day === '2001-03-06'),
      false,
    );
    const again = await features.result('short/materialisations', '2001-03-01', '2001-03-06');
    assert.deepEqual([again['computed'], again['reusedDays']], [0, 6]);
  });

  it('leaves partitions as they were when a value breaks what is declared', async () => {
    await features.result('short/materialisations', '2001-03-09', '2001-03-09');
    await insertFlights(client, [flight('2001-03-08', 'EEE', 'BBB', 501), flight('2001-03-09', 'EEE', 'BBB', 1)], {
      file: 'c',
    });
    const job = await features.job('short/materialisations', '2001-03-09', '2001-03-09');
    assert.deepEqual([job.state, job.error?.code, job.error?.retryable], ['failed', 'FEATURE_CHECKS_FAILED', false]);
    assert.match(job.error?.message ?? '', /2001-03-09: mean_3d is above 500 in 1 of 1 rows/);
    const table = (await features.call('GET', '/v1/feature-sets/short')).body['table'];
    assert.equal(
      (await read(client, table)).some(({ day }) => day === '2001-03-09'),
      false,
    );
  });

  it('leaves no table of its own work behind', async () => {
    const tables = await select(client, "SELECT name FROM system.tables WHERE name LIKE '%staging%'");
    assert.deepEqual(tables, []);
  });
});

/** What the windows of the feature set are by a plain scan of all flights. */
function scan(flights: readonly Flight[], row: Flight): Record<string, number | null> {
  const dayOf = ({ day }: Flight) => Date.parse(`${day}T00:00:00Z`) / 86_400_000;
  const past = (days: number, matches: (flight: Flight) => boolean) =>
    flights.filter((flight) => dayOf(flight) < dayOf(row) && dayOf(flight) >= dayOf(row) - days && matches(flight));
  const mean = (found: readonly Flight[]) =>
    found.length === 0
      ? null
      : Math.fround(found.reduce((sum, flight) => sum + flight.delay_minutes, 0) / found.length);
  const yesterday = past(1, () => true);
  const three = past(3, ({ origin }) => origin === row.origin);
  const route = three.filter(({ destination }) => destination === row.destination);
  return {
    mean_1d: mean(yesterday),
    mean_3d: mean(three),
    flights_3d: three.length === 0 ? null : three.length,
    route_flights_3d: route.length === 0 ? null : route.length,
  };
}

describe('the windows of features', () => {
  let clickhouse: ClickHouse;
  let features: RunningFeatures;

  before(async () => {
    clickhouse = await startClickHouse();
    await createFlightTables(clickhouse.client());
    features = new RunningFeatures({ clickhouse, definitions, settings: { daysPerQuery: 7 } });
    await features.start();
  });

  after(async () => {
    await features.stop();
    await clickhouse.stop();
  });

  it('are what a plain scan of the rows finds, over the turn of a month and with days missing', async () => {
    const missing = ['2001-02-10', '2001-02-11', '2001-02-12', '2001-02-13', '2001-03-01'];
    const flights = inventFlights(11, '2001-02-05', 30, 8).filter(({ day }) => !missing.includes(day));
    await insertFlights(clickhouse.client(), flights);
    const { table } = await features.result('short/materialisations', '2001-02-05', '2001-03-06');
    const rows = await read(clickhouse.client(), table);
    assert.equal(rows.length, 200);
    for (const row of rows) {
      const flight = flights[Number(row['row_number']) - 1];
      assert.ok(flight !== undefined);
      const expected = scan(flights, flight);
      const found = Object.keys(expected).map((name) => {
        const value = row[name];
        return [name, typeof value === 'number' ? Math.fround(value) : value];
      });
      assert.deepEqual(Object.fromEntries(found), expected, JSON.stringify(row));
    }
  });
});

describe("a tenant's features", () => {
  let clickhouse: ClickHouse;
  let client: ClickHouseClient;
  let features: RunningFeatures;
  const theirs = short.replace('name: short', 'name: short\ntenant: acme');

  before(async () => {
    clickhouse = await startClickHouse();
    client = clickhouse.client();
    await createFlightTables(client);
    features = new RunningFeatures({ clickhouse, definitions: { ...definitions, 'theirs.yaml': theirs } });
    await features.start();
  });

  after(async () => {
    await features.stop();
    await clickhouse.stop();
  });

  it("come from the tenant's own rows and past alone", async () => {
    const ours = inventFlights(1, '2001-03-01', 5, 20);
    await insertFlights(client, ours);
    const { table } = await features.result('short/materialisations', '2001-03-01', '2001-03-05');
    const before = await read(client, table);
    assert.equal(before.length, 100);
    await insertFlights(client, inventFlights(2, '2001-03-01', 5, 30), { tenant: 'acme', file: 'd' });
    const again = await features.result('short/materialisations', '2001-03-01', '2001-03-05');
    assert.equal(again['reused'], true);
    assert.deepEqual(await read(client, table), before);
    assert.deepEqual(await read(client, table, 'acme'), []);
  });

  it('are not there for another tenant', async () => {
    const acme = { 'x-orrery-tenant': 'acme' };
    const other = { 'x-orrery-tenant': 'other' };
    assert.deepEqual((await features.call('GET', '/v1/feature-sets', undefined, other)).body, { featureSets: [] });
    const unknown = await features.call('GET', '/v1/feature-sets/short', undefined, other);
    assert.deepEqual([unknown.status, (unknown.body['error'] as { code: string }).code], [404, 'FEATURE_SET_UNKNOWN']);
    const span = { from: '2001-03-01', to: '2001-03-01' };
    const started = await features.call('POST', '/v1/feature-sets/short/materialisations', span, acme);
    assert.equal(started.status, 202);
    const seen = await features.call('GET', String(started.body['location']));
    assert.deepEqual([seen.status, (seen.body['error'] as { code: string }).code], [404, 'JOB_UNKNOWN']);
  });
});
