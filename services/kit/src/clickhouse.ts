import { readdir, readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createClient, ClickHouseError, ClickHouseLogLevel, type ClickHouseClient } from '@clickhouse/client';
import { messageOf, OrreryError } from './errors.ts';
import type { Log } from './log.ts';
import { replicateTables } from './replicated-tables.ts';

export type ClickHouse = ClickHouseClient;

export interface ClickHouseOptions {
  readonly url: string;
  readonly database: string;
  readonly token: string;
  readonly service: string;
  /** Longest wait for one answer. Default 120,000. */
  readonly timeoutMs?: number;
  /** Queries at the same time; more wait. Default 10. */
  readonly connectionsMax?: number;
}

export function openClickHouse(options: ClickHouseOptions): ClickHouse {
  return createClient({
    url: options.url,
    username: 'default',
    password: options.token,
    database: options.database,
    application: options.service,
    request_timeout: options.timeoutMs ?? 120_000,
    max_open_connections: options.connectionsMax ?? 10,
    clickhouse_settings: { wait_end_of_query: 1 },
    // Callers log what they can't handle, as one line of JSON; the client would write its own text beside it.
    log: { level: ClickHouseLogLevel.OFF },
  });
}

/** Codes by which ClickHouse says "not now" rather than "not so": timeouts, too many queries or parts, memory. */
const retryableCodes = new Set(['159', '160', '202', '209', '210', '241', '242', '252', '319']);

/** Turns what the client throws into a retryable or terminal error, so that callers decide on type, not on text. */
export function clickHouseError(error: unknown, doing: string): OrreryError {
  const refused = error instanceof ClickHouseError && !retryableCodes.has(error.code);
  return new OrreryError({
    code: error instanceof ClickHouseError ? `CLICKHOUSE_${error.code}` : 'CLICKHOUSE_UNREACHABLE',
    message: `${doing} failed: ${messageOf(error)}`,
    hint: refused ? 'the statement or the data is at fault' : 'ClickHouse is busy or away: npx orrery status',
    retry: refused ? 'terminal' : 'retryable',
    status: refused ? 500 : 503,
    cause: error,
  });
}

/** Says how statements that make tables are said to this server: as they stand, or for a database that has replicas. */
export async function dialectOf(client: ClickHouse): Promise<(statement: string) => string> {
  const answer = await client.query({
    query: 'SELECT engine FROM system.databases WHERE name = currentDatabase()',
    format: 'JSONEachRow',
  });
  const [database] = await answer.json<{ engine: string }>();
  return database?.engine === 'Replicated' ? replicateTables : (statement) => statement;
}

/**
 * Applies `NNN_<verb>_<noun>.sql` of a folder in order, each once, and remembers them by digest: of the text as it was written, which
 * is the same on a server with replicas. Throws `MIGRATION_CHANGED` when one that was applied has other text: an applied migration
 * is never edited, another one follows it.
 */
export async function migrate(client: ClickHouse, options: { service: string; folder: URL; log: Log }): Promise<void> {
  const said = await dialectOf(client);
  const ledger = await readFile(new URL('../sql/migrations-ledger.sql', import.meta.url), 'utf8');
  await client.command({ query: said(ledger) });
  const applied = await appliedMigrations(client, options.service);
  const files = (await readdir(options.folder)).filter((file) => /^\d{3}_[a-z0-9_]+\.sql$/.test(file)).sort();
  for (const file of files) {
    const text = await readFile(new URL(file, options.folder), 'utf8');
    const digest = createHash('sha256').update(text).digest('hex');
    const before = applied.get(file);
    if (before === digest) continue;
    if (before !== undefined) throw changed(options.service, file);
    for (const statement of text.split(/;\s*(?:\n|$)/).filter((part) => part.trim() !== '')) {
      await client.command({ query: said(statement) });
    }
    await client.insert({
      table: 'migrations',
      values: [{ service: options.service, file, digest }],
      format: 'JSONEachRow',
      clickhouse_settings: { insert_deduplication_token: `${options.service}:${file}:${digest}` },
    });
    options.log.info({ migration: file }, 'migration applied');
  }
}

async function appliedMigrations(client: ClickHouse, service: string): Promise<Map<string, string>> {
  const answer = await client.query({
    query: 'SELECT file, digest FROM migrations WHERE service = {service:String}',
    query_params: { service },
    format: 'JSONEachRow',
  });
  const rows = await answer.json<{ file: string; digest: string }>();
  return new Map(rows.map((row) => [row.file, row.digest]));
}

function changed(service: string, file: string): OrreryError {
  return new OrreryError({
    code: 'MIGRATION_CHANGED',
    message: `${service}/${file} was applied with other text`,
    hint: 'restore its text and write the change as the next migration',
  });
}
