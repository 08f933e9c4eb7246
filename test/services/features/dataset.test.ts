import assert from 'node:assert/strict';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { after, before, describe, it } from 'mocha';
import { createFolderStore } from '#services/kit/src/store.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { createFlightTables, insertFlights, readRealFlights, type Flight } from './flight-tables.ts';
import { RunningFeatures } from './running-features.ts';

const route = 'flight-delay/datasets';
const [from, to] = ['2001-02-01', '2001-03-15'];

describe('a dataset', () => {
  const running: { clickhouse: ClickHouse; features: RunningFeatures }[] = [];
  let flights: Flight[];

  /** A platform with the real flights, taken in and computed in parts of these sizes. */
  async function startWith(batchRows: number, daysPerQuery: number): Promise<RunningFeatures> {
    const clickhouse = await startClickHouse();
    const client = clickhouse.client();
    await createFlightTables(client);
    for (let first = 0; first < flights.length; first += batchRows) {
      await insertFlights(client, flights.slice(first, first + batchRows), { first: first + 1 });
    }
    const features = new RunningFeatures({ clickhouse, settings: { daysPerQuery } });
    running.push({ clickhouse, features });
    await features.start();
    return features;
  }

  before(async () => {
    flights = await readRealFlights();
    await startWith(20_000, 30);
  });

  after(async () => {
    for (const { clickhouse, features } of running) {
      await features.stop();
      await clickhouse.stop();
    }
  });

  function started(): { clickhouse: ClickHouse; features: RunningFeatures } {
    const [first] = running;
    assert.ok(first !== undefined);
    return first;
  }

  it('holds what names a row, the day, the label and the features, ordered by day and row', async () => {
    const { features } = started();
    const result = await features.result(route, from, to);
    const expected = flights.filter(({ day }) => day >= from && day <= to).length;
    assert.deepEqual([result['rows'], result['from'], result['to'], result['reused']], [expected, from, to, false]);
    const file = await asyncBufferFromFile(
      await createFolderStore(features.storeFolder).file(String(result['dataset'])),
    );
    const metadata = await parquetMetadataAsync(file);
    const columns = parquetSchema(metadata).children.map(({ element }) => element.name);
    assert.deepEqual(columns.slice(0, 7), [
      ...['file_digest', 'row_number', 'day', 'delay_minutes'],
      ...['scheduled_hour', 'day_of_week', 'distance_miles'],
    ]);
    assert.equal(columns.at(-1), 'route_flights_28d');
    const rows = await parquetReadObjects({ file });
    assert.equal(rows.length, expected);
    const places = rows.map(
      (row) => `${(row['day'] as Date).toISOString()} ${String(row['row_number']).padStart(8, '0')}`,
    );
    assert.deepEqual(places, places.toSorted());
    const row = rows[1234] ?? {};
    const flight = flights[Number(row['row_number']) - 1];
    assert.deepEqual(
      [row['file_digest'], row['origin'], row['delay_minutes'], row['distance_miles']],
      [`sha256:${'a'.repeat(64)}`, flight?.origin, flight?.delay_minutes, flight?.distance_miles],
    );
  });

  it('is the same bytes wherever the same rows are computed, in whatever parts', async () => {
    const { features } = started();
    const other = await startWith(7_000, 4);
    const [ours, theirs] = [await features.result(route, from, to), await other.result(route, from, to)];
    assert.equal(theirs['reused'], false);
    assert.equal(theirs['dataset'], ours['dataset']);
  });

  it('is written once, and again when the store has lost it', async () => {
    const { features, clickhouse } = started();
    const first = await features.result(route, from, to);
    assert.equal(first['reused'], true);
    const elsewhere = new RunningFeatures({ clickhouse });
    await elsewhere.start();
    const again = await elsewhere.result(route, from, to);
    await elsewhere.stop();
    assert.deepEqual([again['dataset'], again['reused']], [first['dataset'], false]);
  });

  it('holds only the days that were asked for, and none when there are none', async () => {
    const { features } = started();
    const day = await features.result(route, from, from);
    assert.equal(day['rows'], flights.filter((flight) => flight.day === from).length);
    assert.equal((await features.result(route, '2003-01-01', '2003-01-02'))['rows'], 0);
  });

  it('is one file however many rows it holds, cut at the same rows wherever its parts lie', async () => {
    const { features, clickhouse } = started();
    const other = running.at(-1);
    assert.ok(other !== undefined && other.features !== features);
    const many = [clickhouse, other.clickhouse].map(async (server, index) => {
      // The second takes them in backwards, so that no part, nor the order of texts in it, is like one of the first.
      const number = index === 0 ? 'number' : '(149999 - number)';
      await server.client().command({
        query: `INSERT INTO flights (tenant, intake, file_digest, row_number, day, scheduled_hour, delay_minutes, distance_miles, origin, destination, ttl_days)
          SELECT 'main', 'many', if(${number} % 7 < 3, 'sha256:some', 'sha256:others'), ${number}, toDate('2001-06-01') + ${number} % 3, ${number} % 24, ${number} % 90, 100, toString(${number} % 9), 'AAA', 3650
          FROM numbers(150000)`,
        clickhouse_settings: { insert_deduplication_token: 'many' },
      });
    });
    await Promise.all(many);
    const [ours, theirs] = [
      await features.result(route, '2001-06-01', '2001-06-03'),
      await other.features.result(route, '2001-06-01', '2001-06-03'),
    ];
    assert.deepEqual([ours['rows'], theirs['rows']], [150_000, 150_000]);
    assert.equal(theirs['dataset'], ours['dataset']);
    const file = await asyncBufferFromFile(await createFolderStore(features.storeFolder).file(String(ours['dataset'])));
    assert.equal((await parquetReadObjects({ file, columns: ['row_number'] })).length, 150_000);
  });

  it('is refused for days that are none, or too many', async () => {
    const { features } = started();
    const refusal = async (span: object) => {
      const { status, body } = await features.call('POST', `/v1/feature-sets/${route}`, span);
      return `${status} ${(body['error'] as { code: string }).code}`;
    };
    assert.equal(await refusal({ from: '2001-02-30', to }), '400 DAY_INVALID');
    assert.equal(await refusal({ from: to, to: from }), '400 SPAN_INVALID');
    assert.equal(await refusal({ from: '1999-01-01', to }), '400 SPAN_INVALID');
    assert.equal(await refusal({ from }), '400 REQUEST_INVALID');
    assert.equal(await refusal({ from: 'yesterday', to }), '400 REQUEST_INVALID');
  });
});
