import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createRequire } from 'node:module';
import type { Clone } from './clone.ts';

const repository = resolve(import.meta.dirname, '../..');
const whole = join(repository, 'node_modules/vega-datasets/data/flights-3m.parquet');

/** A Parquet file with every `nth` row of the real flights, made once. Returns its path. */
export function sampleFlights(nth: number): string {
  const folder = join(tmpdir(), 'orrery-flights');
  const file = join(folder, `every-${nth}.parquet`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const require = createRequire(join(repository, 'services/clickhouse/package.json'));
  const { query } = require('chdb') as { query: (sql: string, format: string) => string };
  query(
    `SELECT * FROM file('${whole}') WHERE rowNumberInAllBlocks() % ${nth} = 0 INTO OUTFILE '${file}' FORMAT Parquet
     SETTINGS max_threads = 1, output_format_parquet_string_as_string = 1`,
    'CSV',
  );
  return file;
}

/** Lets the local environment of a clone read a part of the flights instead of all. */
export function useFlights(clone: Clone, file: string): void {
  clone.commit('Pulumi.local.yaml', (text) => text.replace(/flights-3m: .*/, `flights-3m: file:${file}`));
}
