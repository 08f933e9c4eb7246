import type { CompiledFeatureSet } from './compiler.ts';
import type { Database } from './database.ts';
import { monthsBetween, shiftDay } from './days.ts';
import { rowDaysTooMany } from './errors.ts';
import { selectGivenRows } from './feature-tables.ts';
import type { History } from './history.ts';
import { createLimiter, type Limiter } from './limiter.ts';
import type { Statements } from './statements.ts';

export type GivenRow = Readonly<Record<string, string | number>>;
export type Vector = Readonly<Record<string, string | number | null>>;

export interface VectorsOptions {
  readonly database: Database;
  readonly statements: Statements;
  readonly history: History;
  readonly daysMax: number;
}

/** Rows travel as parameters in the address of a request, which servers bound (1 MiB); escaping can make three of each byte. */
const bytesPerQueryMax = 200 * 1024;
const queriesRunningMax = 2;
const queriesWaitingMax = 200;

/** Features of rows that come with the request, by the SQL that fills the partitions. */
export class Vectors {
  private readonly options: VectorsOptions;
  private readonly limiter: Limiter;
  private readonly selects = new Map<string, string>();

  constructor(options: VectorsOptions) {
    this.options = options;
    const what = 'vectors';
    this.limiter = createLimiter({ what, runningMax: queriesRunningMax, waitingMax: queriesWaitingMax });
  }

  /** One vector a row, in the rows' order. */
  async compute(set: CompiledFeatureSet, tenant: string, rows: readonly GivenRow[]): Promise<Vector[]> {
    const { history, daysMax } = this.options;
    const days = distinct(rows, set.definition.rows.day);
    if (days.length > daysMax) throw rowDaysTooMany(days.length, daysMax);
    const months = days.flatMap((day) =>
      monthsBetween(shiftDay(String(day), -set.historyDays), shiftDay(String(day), -1)),
    );
    await history.refreshIfStale(set.history, tenant, [...new Set(months)]);
    const parts = cutBySize(rows, bytesPerQueryMax);
    const answers = await Promise.all(parts.map((part) => this.limiter(() => this.query(set, tenant, part))));
    return answers.flat();
  }

  private async query(set: CompiledFeatureSet, tenant: string, rows: readonly GivenRow[]): Promise<Vector[]> {
    const { definition, fingerprint } = set;
    const select = this.selects.get(fingerprint) ?? selectGivenRows(set, this.options.statements);
    this.selects.set(fingerprint, select);
    const columns = Object.keys(definition.rows.columns);
    const params = {
      tenant,
      days: distinct(rows, definition.rows.day),
      ...Object.fromEntries(definition.history.keys.map((key) => [`of_${key}`, distinct(rows, key)])),
      ...Object.fromEntries(columns.map((column) => [`row_${column}`, rows.map((row) => row[column])])),
    };
    const answers = await this.options.database.rows<Vector>('select_vectors', {
      fills: { select },
      params,
      threadsMax: 1,
    });
    return answers.map(({ position: _position, ...vector }) => vector);
  }
}

/** Cuts rows, in order, into parts of at most so many bytes; a row that is larger goes alone. */
export function cutBySize(rows: readonly GivenRow[], bytesMax: number): GivenRow[][] {
  const parts: GivenRow[][] = [];
  let room = 0;
  for (const row of rows) {
    const bytes = Buffer.byteLength(JSON.stringify(row));
    if (bytes > room) {
      parts.push([]);
      room = bytesMax;
    }
    parts.at(-1)?.push(row);
    room -= bytes;
  }
  return parts;
}

function distinct(rows: readonly GivenRow[], column: string): (string | number)[] {
  return [...new Set(rows.map((row) => row[column] ?? ''))];
}
