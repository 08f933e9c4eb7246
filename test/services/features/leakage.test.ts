import assert from 'node:assert/strict';
import type { ClickHouseClient } from '@clickhouse/client';
import { after, before, describe, it } from 'mocha';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { createFlightTables, insertFlights, inventFlights, type Flight } from './flight-tables.ts';
import { RunningFeatures } from './running-features.ts';

const firstDay = '2001-03-01';
const day = '2001-03-11';

/** The features of a day's rows, by what names them. */
async function readFeatures(client: ClickHouseClient, table: unknown, of: string): Promise<Map<string, string>> {
  const answer = await client.query({
    query: `SELECT * EXCEPT (fingerprint, delay_minutes) FROM ${String(table)} WHERE day = '${of}'`,
    format: 'JSONEachRow',
  });
  const rows = await answer.json<{ file_digest: string; row_number: number }>();
  return new Map(rows.map((row) => [`${row.file_digest}/${row.row_number}`, JSON.stringify(row)]));
}

/** Rows of that day and the days after it, in which the airport tells the delay: from a late one a flight is 10 hours late. */
function signal(days: readonly string[]): Flight[] {
  return days.flatMap((each) =>
    Array.from({ length: 300 }, (_, index) => ({
      day: each,
      scheduled_hour: 6 + (index % 4),
      origin: index % 2 === 0 ? 'AAA' : 'CCC',
      destination: index % 2 === 0 ? 'BBB' : 'DDD',
      distance_miles: 700,
      delay_minutes: index % 2 === 0 ? 600 : -60,
    })),
  );
}

describe('a signal that only the future holds', () => {
  let clickhouse: ClickHouse;
  let client: ClickHouseClient;
  let features: RunningFeatures;

  before(async () => {
    clickhouse = await startClickHouse();
    client = clickhouse.client();
    await createFlightTables(client);
    await insertFlights(client, inventFlights(7, firstDay, 12, 40));
    features = new RunningFeatures({ clickhouse });
    await features.start();
  });

  after(async () => {
    await features.stop();
    await clickhouse.stop();
  });

  const given = { origin: 'AAA', destination: 'BBB', day, scheduled_hour: 7, distance_miles: 100 };
  const askOnline = async () =>
    (await features.call('POST', '/v1/feature-sets/flight-delay/vectors', { rows: [given] })).body;

  it("changes no bit of a day's features when it is planted in the day itself and all days after", async () => {
    const { table } = await features.result('flight-delay/materialisations', day, day);
    const before = await readFeatures(client, table, day);
    const online = await askOnline();
    assert.equal(before.size, 40);
    await insertFlights(client, signal([day, '2001-03-12', '2001-03-13']), { file: 'f' });
    const again = await features.result('flight-delay/materialisations', day, day);
    assert.equal(again['computed'], 1);
    const after = await readFeatures(client, table, day);
    assert.equal(after.size, 340);
    for (const [row, values] of before) assert.equal(after.get(row), values);
    assert.deepEqual(await askOnline(), online);
  });

  it('is the same to rows that are late and rows that are early on that day', async () => {
    const { table } = await features.result('flight-delay/materialisations', day, day);
    const answer = await client.query({
      query: `SELECT count() AS kinds FROM (
        SELECT origin, destination, scheduled_hour, distance_miles, uniqExact(origin_mean_7d, route_mean_28d, hour_mean_7d) AS different
        FROM ${String(table)} WHERE day = '${day}' GROUP BY ALL HAVING different > 1)`,
      format: 'JSONEachRow',
    });
    assert.deepEqual(await answer.json(), [{ kinds: 0 }]);
  });

  it('is there from the next day on: the test would see a leak', async () => {
    const { table } = await features.result('flight-delay/materialisations', '2001-03-12', '2001-03-12');
    const features12 = [...(await readFeatures(client, table, '2001-03-12')).values()].map(
      (text) => JSON.parse(text) as { origin: string; origin_mean_1d: number },
    );
    const late = features12.filter(({ origin }) => origin === 'AAA').map((row) => row.origin_mean_1d);
    assert.ok(late.length > 0 && late.every((mean) => mean > 400), String(late));
  });
});
