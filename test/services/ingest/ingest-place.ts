import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { Ingest, type IngestOptions } from '#test/support/ingest.ts';
import { plantedFile } from '#test/support/planted-rows.ts';
import { flightsText } from './flights-pipeline.ts';

const vega = path.join(import.meta.dirname, '../../../node_modules/vega-datasets/data');

export const datasets = {
  'flights-3m': path.join(vega, 'flights-3m.parquet'),
  airports: path.join(vega, 'airports.csv'),
  'planted-rows': plantedFile.pathname,
};

/** The lines of the planted rows, as they stand in the file. */
export const plantedLines = readFileSync(plantedFile, 'utf8').trimEnd().split('\n');

/** A place of its own for one test: a tenant, a folder of definitions, and an ingest process. */
export class IngestPlace {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-pipelines-'));
  readonly tenant: string;
  readonly ingest: Ingest;
  readonly #options: IngestOptions;

  constructor(tenant: string, options: Omit<IngestOptions, 'definitionsFolder' | 'datasets'> & Partial<IngestOptions>) {
    this.tenant = tenant;
    mkdirSync(path.join(this.folder, 'pipelines'));
    this.#options = { datasets, ...options, definitionsFolder: this.folder, tenant };
    this.ingest = new Ingest(this.#options);
  }

  /** A second instance of the same service. */
  twin(): Ingest {
    return new Ingest(this.#options);
  }

  /** Writes the flights pipeline for this tenant, over the first rows of the real file, with changes. */
  define(rowsMax: number, batchRowsMax: number, change: (text: string) => string = (text) => text): void {
    const text = flightsText
      .replace('name: flights\n', `name: flights\ntenant: ${this.tenant}\n`)
      .replace('format: parquet', `format: parquet\n      rowsMax: ${rowsMax}`)
      .replace(/batchRowsMax: \d+/, `batchRowsMax: ${batchRowsMax}`);
    writeFileSync(path.join(this.folder, 'pipelines', 'flights.yaml'), change(text));
  }

  async remove(): Promise<void> {
    await this.ingest.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function query<Row>(client: ClickHouseClient, statement: string, tenant: string): Promise<Row[]> {
  const answer = await client.query({ query: statement, query_params: { tenant }, format: 'JSONEachRow' });
  return answer.json<Row>();
}

export interface Standing {
  readonly rows: number;
  readonly numbers: number;
  readonly delay: number;
  readonly squares: number;
}

/** What the table holds for a tenant, after asserting that the view says the same and that rejects stand once each. */
export async function standing(client: ClickHouseClient, tenant: string): Promise<Standing & { rejected: number }> {
  const where = 'WHERE tenant = {tenant:String}';
  const sums = 'sum(toInt64(delay_minutes)) AS delay, sum(toInt64(delay_minutes) * delay_minutes) AS squares';
  const [table] = await query<Record<keyof Standing, string | number>>(
    client,
    `SELECT count() AS rows, uniqExact(file_digest, row_number) AS numbers, ${sums} FROM flights ${where}`,
    tenant,
  );
  const [view] = await query<Record<keyof Standing, string | number>>(
    client,
    `SELECT sum(flights) AS rows, sum(delay_sum) AS delay, sum(delay_squares_sum) AS squares FROM flights_by_hour ${where}`,
    tenant,
  );
  const [rejects] = await query<{ rows: string | number; numbers: string | number }>(
    client,
    `SELECT count() AS rows, uniqExact(file_digest, row_number) AS numbers FROM rejects ${where}`,
    tenant,
  );
  assert.ok(table !== undefined && view !== undefined && rejects !== undefined);
  const { rows, numbers, delay, squares } = asNumbers(table);
  assert.deepEqual(asNumbers(view), { rows, delay, squares }, 'the view says something else than the table');
  assert.equal(Number(rejects.rows), Number(rejects.numbers), 'a reject stands twice');
  assert.ok(rows !== undefined && numbers !== undefined && delay !== undefined && squares !== undefined);
  return { rows, numbers, delay, squares, rejected: Number(rejects.rows) };
}

function asNumbers(row: Readonly<Record<string, string | number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
}
