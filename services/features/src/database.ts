import { clickHouseError, dialectOf, type ClickHouse } from '@orrery/kit/clickhouse';
import type { Readable } from 'node:stream';
import { fillStatement, type Statements } from './statements.ts';

export interface StatementOptions {
  /** Names and compiled SQL, laid into the text. */
  readonly fills?: Readonly<Record<string, string>>;
  /** Values, sent beside the text. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Default: what the service was given. */
  readonly threadsMax?: number;
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** ClickHouse by the statements of this service. Every failure is an OrreryError that says whether to try again. */
export interface Database {
  rows<Row>(statement: string, options?: StatementOptions): Promise<Row[]>;
  run(statement: string, options?: StatementOptions): Promise<void>;
  /** The bytes of an answer in a format, as they come. */
  stream(statement: string, format: string, options?: StatementOptions): Promise<Readable>;
  /** Adds a line to a ledger; the same token adds it once. */
  append(table: string, values: readonly object[], token: string): Promise<void>;
}

export interface DatabaseOptions {
  readonly client: ClickHouse;
  readonly statements: Statements;
  readonly threadsMax: number;
  readonly queryTimeoutSeconds: number;
}

export function createDatabase({ client, statements, ...options }: DatabaseOptions): Database {
  const requestOf = (name: string, given: StatementOptions) => ({
    query: fillStatement(statements, name, given.fills ?? {}),
    query_params: { ...given.params },
    clickhouse_settings: {
      max_threads: given.threadsMax ?? options.threadsMax,
      max_execution_time: options.queryTimeoutSeconds,
      // Compiled expressions would be compiled on the third call: the same arithmetic, but not worth the doubt.
      compile_expressions: 0 as const,
      output_format_json_quote_64bit_integers: 0 as const,
      ...given.settings,
    },
  });
  let said: ((statement: string) => string) | undefined;
  return {
    async rows<Row>(name: string, given: StatementOptions = {}) {
      const answer = await attempt(name, () => client.query({ ...requestOf(name, given), format: 'JSONEachRow' }));
      return attempt(name, () => answer.json<Row>());
    },
    async run(name, given = {}) {
      await attempt(name, async () => {
        // Tables are made here too, beside the migrations: where the database has replicas, their rows have to be copied.
        said ??= await dialectOf(client);
        const request = requestOf(name, given);
        await client.command({ ...request, query: said(request.query) });
      });
    },
    async stream(name, format, given = {}) {
      const request = requestOf(name, given);
      const answer = await attempt(name, () =>
        client.exec({ ...request, query: `${request.query}\nFORMAT ${format}` }),
      );
      return answer.stream;
    },
    async append(table, values, token) {
      if (values.length === 0) return;
      await attempt(`the insert into ${table}`, () =>
        client.insert({
          table,
          values,
          format: 'JSONEachRow',
          clickhouse_settings: { insert_deduplication_token: token, async_insert: 0 },
        }),
      );
    },
  };
}

async function attempt<T>(statement: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw clickHouseError(error, statement);
  }
}
