import assert from 'node:assert/strict';
import type { ClickHouseClient } from '@clickhouse/client';
import { after, before, describe, it } from 'mocha';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { createFlightTables, insertFlights, readRealFlights, type Flight } from './flight-tables.ts';
import { RunningFeatures } from './running-features.ts';

const route = '/v1/feature-sets/flight-delay/vectors';
type Values = Record<string, string | number | null>;

function givenOf({ delay_minutes: _label, ...known }: Flight): Omit<Flight, 'delay_minutes'> {
  return known;
}

describe('vectors', () => {
  let clickhouse: ClickHouse;
  let client: ClickHouseClient;
  let features: RunningFeatures;
  let flights: Flight[];

  before(async () => {
    clickhouse = await startClickHouse();
    client = clickhouse.client();
    await createFlightTables(client);
    flights = await readRealFlights();
    await insertFlights(client, flights);
    features = new RunningFeatures({ clickhouse, settings: { historyCheckMs: 0 } });
    await features.start();
  });

  after(async () => {
    await features.stop();
    await clickhouse.stop();
  });

  async function ask(rows: readonly object[]): Promise<Values[]> {
    const { status, body } = await features.call('POST', route, { rows });
    assert.equal(status, 200, JSON.stringify(body));
    return body['vectors'] as Values[];
  }

  async function refusal(rows: readonly object[]): Promise<string> {
    const { status, body } = await features.call('POST', route, { rows });
    const { code, message } = body['error'] as { code: string; message: string };
    return `${status} ${code} ${message}`;
  }

  it('are bit for bit what lies in the partitions, for 1,000 real rows', async () => {
    const { table, fingerprint } = await features.result('flight-delay/materialisations', '2001-03-01', '2001-03-31');
    const answer = await client.query({
      query: `SELECT * EXCEPT (tenant, fingerprint, day, file_digest, delay_minutes) FROM ${String(table)} ORDER BY row_number`,
      format: 'JSONEachRow',
    });
    const stored = new Map((await answer.json<Values>()).map(({ row_number, ...row }) => [Number(row_number), row]));
    const march = flights
      .map((flight, index) => ({ flight, stored: stored.get(index + 1) }))
      .filter((row): row is { flight: Flight; stored: Values } => row.stored !== undefined);
    // Every sixth, so that all days and most airports are there.
    const sample = march.filter((_row, index) => index % 6 === 0).slice(0, 1000);
    assert.equal(sample.length, 1000);
    const { body } = await features.call('POST', route, { rows: sample.map(({ flight }) => givenOf(flight)) });
    assert.deepEqual([body['featureSet'], body['fingerprint']], ['flight-delay', fingerprint]);
    const vectors = body['vectors'] as Values[];
    assert.equal(vectors.length, 1000);
    let nulls = 0;
    for (const [index, row] of sample.entries()) {
      assert.deepEqual(vectors[index], row.stored);
      nulls += Object.values(row.stored).filter((value) => value === null).length;
    }
    assert.ok(nulls > 0, 'some of the sample has no past');
  });

  it('come in the order of the rows, alone as among others', async () => {
    const rows = [flights[15_000], flights[3], flights[19_000]].filter((flight) => flight !== undefined).map(givenOf);
    const together = await ask(rows);
    const alone = await Promise.all(rows.map((row) => ask([row])));
    assert.deepEqual(together, alone.flat());
  });

  it('have no past where none is known', async () => {
    const [vector] = await ask([
      { origin: "O'Ha\\re\t\n{x:1}", destination: 'ÅÄÖ', day: '2001-03-15', scheduled_hour: 3, distance_miles: 65_535 },
    ]);
    assert.equal(vector?.['origin'], "O'Ha\\re\t\n{x:1}");
    assert.equal(vector['destination'], 'ÅÄÖ');
    assert.equal(vector['distance_miles'], 65_535);
    assert.equal(vector['day_of_week'], 4);
    assert.deepEqual([vector['origin_mean_7d'], vector['route_flights_28d']], [null, null]);
    assert.equal(typeof vector['system_mean_1d'], 'number');
  });

  it('see rows that were taken in a moment ago', async () => {
    const row = { origin: 'QQQ', destination: 'LAS', day: '2001-03-20', scheduled_hour: 3, distance_miles: 100 };
    assert.equal((await ask([row]))[0]?.['origin_mean_1d'], null);
    await insertFlights(client, [{ ...row, day: '2001-03-19', delay_minutes: 42 }], { file: 'e' });
    assert.equal((await ask([row]))[0]?.['origin_mean_1d'], 42);
  });

  it('are refused, row by row, for what the feature set does not declare', async () => {
    const row = { origin: 'LAS', destination: 'PHL', day: '2001-03-15', scheduled_hour: 17, distance_miles: 2176 };
    assert.match(await refusal([row, { ...row, delay_minutes: 5 }]), /^400 REQUEST_INVALID rows\.1 .*"delay_minutes"/);
    assert.match(
      await refusal([{ ...row, scheduled_hour: 256 }]),
      /^400 REQUEST_INVALID rows\.0\.scheduled_hour must be <= 255/,
    );
    assert.match(
      await refusal([{ ...row, scheduled_hour: '17' }]),
      /^400 REQUEST_INVALID rows\.0\.scheduled_hour must be integer/,
    );
    assert.match(await refusal([{ ...row, day: '2001-02-30' }]), /^400 DAY_INVALID rows\.0\.day is "2001-02-30"/);
    assert.match(await refusal([]), /^400 REQUEST_INVALID/);
    assert.match(
      await refusal(Array.from({ length: 1001 }, () => row)),
      /^400 REQUEST_INVALID rows must NOT have more than 1000 items/,
    );
    const days = Array.from({ length: 32 }, (_, index) => ({
      ...row,
      day: `2001-0${1 + Math.floor(index / 28)}-${String(1 + (index % 28)).padStart(2, '0')}`,
    }));
    assert.match(await refusal(days), /^400 ROW_DAYS_TOO_MANY/);
  });
});
