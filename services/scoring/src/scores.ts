import { readFileSync } from 'node:fs';
import { clickHouseError, type ClickHouse } from '@orrery/kit/clickhouse';
import { retry } from '@orrery/kit/retry';

export interface ScoredRow {
  readonly file_digest: string;
  readonly row_number: number;
  readonly prediction: number;
}

export interface ScoredDay {
  readonly tenant: string;
  readonly model: string;
  readonly pair: string;
  readonly release: string;
  readonly day: string;
  /** The features that are scored, by digest. */
  readonly dataset: string;
}

const attempts = { attemptsMax: 6, backoffMs: 200, backoffMaxMs: 5000 };

/** Writes the rows of a day from one place on; the same rows again are dropped by their token. */
export async function writeScores(
  client: ClickHouse,
  scored: ScoredDay,
  from: number,
  rows: readonly ScoredRow[],
): Promise<void> {
  const place = `${scored.day}:${from}+${rows.length}`;
  const token = `scores:${scored.tenant}:${scored.pair}:${scored.release}:${scored.dataset}:${place}`;
  const values = rows.map((row) => ({ ...scored, ...row }));
  const insert = async () => {
    try {
      await client.insert({
        table: 'scores',
        values,
        format: 'JSONEachRow',
        clickhouse_settings: { insert_deduplication_token: token, async_insert: 0 },
      });
    } catch (error) {
      throw clickHouseError(error, `writing the scores of ${scored.day}`);
    }
  };
  await retry(insert, attempts);
}

/** How many rows of a day a pair has scored, and their mean: from the table, not from memory. */
export async function countScores(
  client: ClickHouse,
  scored: ScoredDay,
): Promise<{ rows: number; mean: number | null }> {
  const { tenant, model, pair, day, dataset } = scored;
  const query = readFileSync(new URL('../sql/count-scores.sql', import.meta.url), 'utf8');
  try {
    const answer = await client.query({
      query,
      query_params: { tenant, model, pair, day, dataset },
      format: 'JSONEachRow',
    });
    const [row] = await answer.json<{ rows: string | number; mean: number | null }>();
    return { rows: Number(row?.rows ?? 0), mean: row?.mean ?? null };
  } catch (error) {
    throw clickHouseError(error, `counting the scores of ${day}`);
  }
}
