import type { HistoryDatabase } from './database.ts';
import { digestOfRow, genesis, rowOfCells, type ChainedRow } from './rows.ts';

/** The first row of a run that is not as it was recorded. */
export interface WrongRow {
  readonly tenant: string;
  readonly run: string;
  readonly sequence: number;
  /**
   * `missing`: the row is not there. `twice`: another row was written over it. `changed`: its digest is not that of its content.
   * `unlinked`: it does not follow on the row before. `reordered`: it stands earlier in the log than the row before.
   */
  readonly code: 'missing' | 'twice' | 'changed' | 'unlinked' | 'reordered';
  readonly why: string;
}

export interface RunVerification {
  readonly tenant: string;
  readonly run: string;
  /** Rows that were looked at. */
  readonly rows: number;
  /** Rows from before there was a chain: nothing can be said of them. */
  readonly unchained: number;
  /** The last row: a digest kept elsewhere proves later that nobody has written the run anew. */
  readonly end: { readonly sequence: number; readonly digest: string } | null;
  readonly wrong: WrongRow | null;
}

export interface HistoryVerification {
  readonly runs: number;
  readonly rows: number;
  readonly unchained: number;
  /** One a run, at most 100. */
  readonly wrong: readonly WrongRow[];
  /** How many runs have a wrong row. */
  readonly wrongRuns: number;
  /** Entries of the log that are missing, from and to; at most 100. */
  readonly gaps: readonly { readonly shard: string; readonly from: number; readonly to: number }[];
  /** Entries of which not every event is a row; at most 100. */
  readonly losses: readonly {
    readonly shard: string;
    readonly n: number;
    readonly expected: number;
    readonly found: number;
  }[];
  readonly whole: boolean;
}

const wrongMax = 100;

/** Computes the chain of a run again. Throws only when the history can't be read. */
export async function verifyRun(database: HistoryDatabase, tenant: string, run: string): Promise<RunVerification> {
  const check = new RunCheck(tenant, run);
  const cells = database.stream('select_chain_of_run', { tenant, run }, `reading the chain of ${run}`);
  for await (const row of cells) check.push(rowOfCells(row));
  return check.result();
}

/** Computes every chain again that grew in an interval, and asks the log whether entries or events are missing. */
export async function verifyAll(
  database: HistoryDatabase,
  interval: { readonly fromMs: number; readonly toMs: number },
): Promise<HistoryVerification> {
  const totals = { runs: 0, rows: 0, unchained: 0, wrongRuns: 0 };
  const wrong: WrongRow[] = [];
  const close = (check: RunCheck | undefined) => {
    if (check === undefined) return;
    const found = check.result();
    totals.runs += 1;
    totals.rows += found.rows;
    totals.unchained += found.unchained;
    if (found.wrong === null) return;
    totals.wrongRuns += 1;
    if (wrong.length < wrongMax) wrong.push(found.wrong);
  };
  let check: RunCheck | undefined;
  for await (const cells of database.stream('select_chains', interval, 'reading the chains of runs')) {
    const row = rowOfCells(cells);
    if (check?.isOf(row) !== true) {
      close(check);
      check = new RunCheck(row.tenant, row.run);
    }
    check.push(row);
  }
  close(check);
  const gaps = await database.select<'shard' | 'from' | 'to'>(
    'select_log_gaps',
    interval,
    'looking for gaps in the log',
  );
  const losses = await database.select<'shard' | 'n' | 'expected' | 'found'>(
    'select_log_losses',
    interval,
    'looking for events that are missing',
  );
  return {
    ...totals,
    wrong,
    gaps: gaps.map(({ shard, from, to }) => ({ shard: String(shard), from: Number(from), to: Number(to) })),
    losses: losses.map(({ shard, n, expected, found }) => ({
      shard: String(shard),
      n: Number(n),
      expected: Number(expected),
      found: Number(found),
    })),
    whole: totals.wrongRuns + gaps.length + losses.length === 0,
  };
}

/** Rows of one run, pushed in their order. */
class RunCheck {
  readonly #tenant: string;
  readonly #run: string;
  #rows = 0;
  #unchained = 0;
  #last: ChainedRow | undefined;
  #wrong: WrongRow | null = null;

  constructor(tenant: string, run: string) {
    this.#tenant = tenant;
    this.#run = run;
  }

  isOf(row: ChainedRow): boolean {
    return row.tenant === this.#tenant && row.run === this.#run;
  }

  push(row: ChainedRow): void {
    const last = this.#last;
    // A row that was recorded twice and not merged yet is one row.
    if (last?.sequence === row.sequence && last.digest === row.digest && digestOfRow(row.previous, row) === row.digest)
      return;
    this.#rows += 1;
    if (row.digest === '' && (last === undefined || last.digest === '')) this.#unchained += 1;
    this.#wrong ??= this.#judge(row, last);
    this.#last = row;
  }

  result(): RunVerification {
    const end = this.#last === undefined ? null : { sequence: this.#last.sequence, digest: this.#last.digest };
    const counts = { rows: this.#rows, unchained: this.#unchained };
    return { tenant: this.#tenant, run: this.#run, ...counts, end, wrong: this.#wrong };
  }

  #judge(row: ChainedRow, last: ChainedRow | undefined): WrongRow | null {
    const expected = (last?.sequence ?? 0) + 1;
    const { sequence } = row;
    if (sequence < expected) return this.#found(sequence, 'twice', `two rows stand at ${sequence}, and they differ`);
    if (sequence > expected) {
      return this.#found(expected, 'missing', `rows ${expected} to ${sequence - 1} are missing`);
    }
    const chainless = last === undefined || last.digest === '';
    if (row.digest === '' && chainless) return null;
    const digest = digestOfRow(row.previous, row);
    if (digest !== row.digest) {
      return this.#found(sequence, 'changed', `the content has digest ${digest}, recorded was ${row.digest || 'none'}`);
    }
    const previous = last === undefined ? genesis : last.digest;
    if (row.previous !== previous) {
      return this.#found(
        sequence,
        'unlinked',
        `it follows on ${row.previous || 'nothing'}, the row before is ${previous || 'unchained'}`,
      );
    }
    if (last !== undefined && last.logShard === row.logShard && last.logN > row.logN) {
      return this.#found(sequence, 'reordered', `entry ${row.logN} of the log stands behind entry ${last.logN}`);
    }
    return null;
  }

  #found(sequence: number, code: WrongRow['code'], why: string): WrongRow {
    return { tenant: this.#tenant, run: this.#run, sequence, code, why };
  }
}
