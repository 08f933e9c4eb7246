import { clickHouseError, type ClickHouse } from '@orrery/kit/clickhouse';
import type { StatementName, Statements } from '../statements.ts';

type Parameters = Readonly<Record<string, unknown>>;
type Cell = string | number;

/** ClickHouse by the statements of `sql/`. Every failure is an error that says whether asking again helps. */
export class HistoryDatabase {
  readonly #clickhouse: ClickHouse;
  readonly #statements: Statements;

  constructor(clickhouse: ClickHouse, statements: Statements) {
    this.#clickhouse = clickhouse;
    this.#statements = statements;
  }

  /** Rows by name. Wide integers may come as text. */
  async select<K extends string>(
    name: StatementName,
    parameters: Parameters,
    doing: string,
  ): Promise<Record<K, Cell>[]> {
    try {
      const answer = await this.#clickhouse.query({
        query: this.#statements[name],
        query_params: { ...parameters },
        format: 'JSONEachRow',
      });
      return await answer.json<Record<K, Cell>>();
    } catch (error) {
      throw clickHouseError(error, doing);
    }
  }

  /** Rows by position, as they come: for answers that don't fit into memory. */
  async *stream(name: StatementName, parameters: Parameters, doing: string): AsyncGenerator<readonly Cell[]> {
    try {
      const answer = await this.#clickhouse.query({
        query: this.#statements[name],
        query_params: { ...parameters },
        format: 'JSONCompactEachRow',
        // Held back until its end, an answer of any length would have to fit into the server's memory.
        clickhouse_settings: { wait_end_of_query: 0 },
      });
      for await (const rows of answer.stream<readonly Cell[]>()) {
        for (const row of rows) yield row.json();
      }
    } catch (error) {
      throw clickHouseError(error, doing);
    }
  }

  /** Writes rows; twice under the same token they are written once. */
  async insert(
    table: string,
    block: { readonly columns: readonly string[]; readonly rows: readonly (readonly Cell[])[]; readonly token: string },
  ): Promise<void> {
    const [first, ...others] = block.columns;
    if (block.rows.length === 0 || first === undefined) return;
    try {
      await this.#clickhouse.insert({
        table,
        columns: [first, ...others],
        values: block.rows,
        format: 'JSONCompactEachRow',
        clickhouse_settings: { insert_deduplication_token: block.token },
      });
    } catch (error) {
      throw clickHouseError(error, `recording ${block.token} in ${table}`);
    }
  }
}
