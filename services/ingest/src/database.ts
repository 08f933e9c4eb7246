import { Readable } from 'node:stream';
import { clickHouseError, type ClickHouse } from '@orrery/kit/clickhouse';
import { isRetryable } from '@orrery/kit/errors';
import { retry } from '@orrery/kit/retry';
import type { StatementName, Statements } from './statements.ts';

/** What this service asks of ClickHouse; every call is repeated while ClickHouse is away, an insert always as the same bytes. */
export interface Database {
  select<Row>(statement: StatementName, parameters: Parameters): Promise<Row[]>;
  command(statement: StatementName, parameters: Parameters): Promise<void>;
  /** Inserts tab-separated values. The same token a second time changes nothing, in the table as in its views. */
  insert(table: string, columns: readonly string[], body: Buffer, token: string): Promise<void>;
}

export type Parameters = Readonly<Record<string, string | number | readonly string[]>>;

export interface DatabaseOptions {
  readonly clickhouse: ClickHouse;
  readonly statements: Statements;
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly signal: AbortSignal;
  /** Told of each failed try that is followed by another. */
  readonly onRetry: (error: unknown) => void;
}

/** A running statement can't be stopped from outside: it gives up by itself after this long. */
const executionSecondsMax = 100;

export function createDatabase(options: DatabaseOptions): Database {
  const { clickhouse, statements } = options;
  const repeat = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    retry(async (attempt) => {
      try {
        return await work();
      } catch (cause) {
        const error = clickHouseError(cause, doing);
        if (attempt < options.attemptsMax && isRetryable(error)) options.onRetry(error);
        throw error;
      }
    }, options);
  const limits = { max_execution_time: executionSecondsMax };
  return {
    select: <Row>(statement: StatementName, parameters: Parameters) =>
      repeat(`reading (${statement})`, async () => {
        const answer = await clickhouse.query({
          query: statements[statement],
          query_params: { ...parameters },
          format: 'JSONEachRow',
          clickhouse_settings: limits,
        });
        return answer.json<Row>();
      }),
    command: (statement, parameters) =>
      repeat(`running ${statement}`, async () => {
        const query = statements[statement];
        await clickhouse.command({ query, query_params: { ...parameters }, clickhouse_settings: limits });
      }),
    insert: (table, columns, body, token) =>
      repeat(`writing ${token}`, async () => {
        await clickhouse.insert({
          table,
          columns: [...columns] as [string, ...string[]],
          values: Readable.from([body], { objectMode: false }),
          format: 'TabSeparated',
          clickhouse_settings: {
            ...limits,
            insert_deduplication_token: token,
            deduplicate_blocks_in_dependent_materialized_views: 1,
            // One body is one block: cut differently at a second try, it would no longer be known by its token.
            input_format_parallel_parsing: 0,
            async_insert: 0,
          },
        });
      }),
  };
}
