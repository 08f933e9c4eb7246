import { TupleParam } from '@clickhouse/client';
import type { HistoryDatabase } from './database.ts';
import { chained, genesis, type ChainedRow, type RowContent } from './rows.ts';

interface End {
  readonly sequence: number;
  readonly digest: string;
}

const runsRememberedMax = 50_000;
/** Names of rows travel in the address of a request, which is bounded. */
const rowsAskedMax = 1000;

/**
 * Chains the rows of every run, each to the digest of the row before it. Which row that is follows from the sequence alone, never from
 * what was recorded last: a range that is recorded again gives the same rows.
 */
export class RunChain {
  readonly #database: Pick<HistoryDatabase, 'select'>;
  readonly #ends = new Map<string, End>();

  constructor(database: Pick<HistoryDatabase, 'select'>) {
    this.#database = database;
  }

  async link(rows: readonly RowContent[]): Promise<ChainedRow[]> {
    const asked = await this.#ask(rows);
    const digests = new Map<string, string>();
    const linked: ChainedRow[] = [];
    for (const row of rows) {
      const before = placeOf(row.run, row.sequence - 1);
      const known = digests.get(before) ?? this.#remembered(row) ?? asked.get(before) ?? '';
      const link = chained(row.sequence === 1 ? genesis : known, row);
      digests.set(placeOf(row.run, row.sequence), link.digest);
      linked.push(link);
    }
    return linked;
  }

  /** To be called when the rows are written: only then may the next ones rest on them without asking. */
  remember(rows: readonly ChainedRow[]): void {
    for (const { run, sequence, digest } of rows) {
      this.#ends.delete(run);
      this.#ends.set(run, { sequence, digest });
    }
    for (const run of this.#ends.keys()) {
      if (this.#ends.size <= runsRememberedMax) break;
      this.#ends.delete(run);
    }
  }

  #remembered(row: RowContent): string | undefined {
    const end = this.#ends.get(row.run);
    return end?.sequence === row.sequence - 1 ? end.digest : undefined;
  }

  /** The digests of rows that neither this batch nor the memory has. */
  async #ask(rows: readonly RowContent[]): Promise<Map<string, string>> {
    const here = new Set<string>();
    const missing: (readonly [string, string, number])[] = [];
    for (const row of rows) {
      const first = row.sequence === 1 || here.has(placeOf(row.run, row.sequence - 1));
      if (!first && this.#remembered(row) === undefined) missing.push([row.tenant, row.run, row.sequence - 1]);
      here.add(placeOf(row.run, row.sequence));
    }
    const found = new Map<string, string>();
    for (let start = 0; start < missing.length; start += rowsAskedMax) {
      const asked = { rows: missing.slice(start, start + rowsAskedMax).map((row) => new TupleParam(row)) };
      const ends = await this.#database.select<'run' | 'sequence' | 'digest'>(
        'select_chain_ends',
        asked,
        'reading where the chains of runs end',
      );
      for (const { run, sequence, digest } of ends) found.set(placeOf(String(run), Number(sequence)), String(digest));
    }
    return found;
  }
}

function placeOf(run: string, sequence: number): string {
  return `${run}/${sequence}`;
}
