import { readFile } from 'node:fs/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { migrate } from '#services/kit/src/clickhouse.ts';
import { silentLog } from '#services/kit/src/log.ts';

/** A flight as the feature set sees it, with what names it and its delay. */
export interface Flight {
  readonly day: string;
  readonly scheduled_hour: number;
  readonly origin: string;
  readonly destination: string;
  readonly distance_miles: number;
  readonly delay_minutes: number;
}

const ingestSql = new URL('../../../services/ingest/sql/', import.meta.url);

/** The tables of ingest, by its own migrations. */
export async function createFlightTables(client: ClickHouseClient): Promise<void> {
  await migrate(client, { service: 'ingest', folder: ingestSql, log: silentLog() });
}

let intakes = 0;

/** Adds flights as one file of a tenant; rows are numbered from `first`. */
export async function insertFlights(
  client: ClickHouseClient,
  flights: readonly Flight[],
  { tenant = 'main', file = 'a', first = 1 } = {},
): Promise<void> {
  intakes += 1;
  await client.insert({
    table: 'flights',
    format: 'JSONEachRow',
    values: flights.map((flight, index) => ({
      ...flight,
      tenant,
      intake: 'test/test/1',
      file_digest: `sha256:${file.repeat(64).slice(0, 64)}`,
      row_number: first + index,
      departure: `${flight.day} 00:00:00`,
      ttl_days: 3650,
    })),
    clickhouse_settings: { insert_deduplication_token: `test-${intakes}`, async_insert: 0 },
  });
}

interface RealFlight {
  readonly date: string;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

/** 20,000 of the real flights, over three months of 2001, at their scheduled departure. */
export async function readRealFlights(): Promise<Flight[]> {
  const file = new URL('../../../node_modules/vega-datasets/data/flights-20k.json', import.meta.url);
  const flights = JSON.parse(await readFile(file, 'utf8')) as RealFlight[];
  return flights.map(({ date, delay, distance, origin, destination }) => {
    const departure = Date.parse(`${date.replaceAll('/', '-').replace(' ', 'T')}:00Z`);
    const scheduled = new Date(departure - delay * 60_000).toISOString();
    const hour = Number(scheduled.slice(11, 13));
    const planned = { day: scheduled.slice(0, 10), scheduled_hour: hour };
    return { ...planned, origin, destination, distance_miles: distance, delay_minutes: delay };
  });
}

/** Flights between four airports that differ by day, hour and route in a way that a seed decides. */
export function inventFlights(seed: number, firstDay: string, days: number, flightsADay: number): Flight[] {
  const random = randomOf(seed);
  const airports = ['AAA', 'BBB', 'CCC', 'DDD'];
  const pick = (count: number) => Math.floor(random() * count);
  return Array.from({ length: days * flightsADay }, (_, index) => {
    const time = Date.parse(`${firstDay}T00:00:00Z`) + Math.floor(index / flightsADay) * 86_400_000;
    const from = pick(4);
    return {
      day: new Date(time).toISOString().slice(0, 10),
      scheduled_hour: 6 + pick(4),
      origin: airports[from] ?? 'AAA',
      destination: airports[(from + 1 + pick(3)) % 4] ?? 'BBB',
      distance_miles: 100 * (1 + from),
      delay_minutes: pick(90) - 20,
    };
  });
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
