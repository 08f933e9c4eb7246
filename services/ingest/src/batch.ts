import type { ColumnShape } from '@orrery/contracts/definitions/pipeline-columns';

/** A value after its check: text, a number (times are seconds, days are days since 1970), or null where the column may be empty. */
export type Value = string | number | null;

/** Rows of a file as they came, numbered `lo` to `lo + rows - 1`, by column. */
export interface RawBatch {
  readonly lo: number;
  readonly rows: number;
  /** Columns of the contract; one that the file lacks is absent, a value that a row lacks is undefined. */
  readonly columns: ReadonlyMap<string, readonly unknown[]>;
  /** Rows that are at fault as a whole, by position. */
  readonly faults: ReadonlyMap<number, Fault>;
  /** The row at a position as one line that can be read again: JSON, or the line itself where it is none. */
  body(position: number): string;
}

/** Rows that have passed so far: `positions[i]` is where row `i` stands in the raw batch. */
export interface Batch {
  readonly raw: RawBatch;
  readonly positions: readonly number[];
  readonly columns: ReadonlyMap<string, readonly Value[]>;
}

/** What is wrong with a row. A class, so that a check can answer either a value or a fault at no cost. */
export class Fault {
  readonly kind: string;
  readonly column: string;
  readonly value: string;
  readonly reason: string;

  constructor(kind: string, column: string, value: unknown, reason: string) {
    this.kind = kind;
    this.column = column;
    this.value = showValue(value);
    this.reason = reason;
  }
}

/** A row that broke its contract, with all that is needed to understand it and to take it in again. */
export interface Reject {
  readonly rowNumber: number;
  readonly kind: string;
  readonly column: string;
  readonly value: string;
  readonly reason: string;
  readonly body: string;
}

export interface StageResult {
  readonly batch: Batch;
  readonly rejects: readonly Reject[];
}

/** One step over a batch: pure, without clock, chance or network, so that a repeated range gives the same bytes. */
export type Stage = (batch: Batch) => StageResult;

/** A column of the sink with what is known of its values. */
export interface OutputColumn {
  readonly name: string;
  readonly shape: ColumnShape;
}

const valueLengthMax = 200;
const bodyLengthMax = 65_536;

/** Parts the rows at fault from the others. */
export function splitBatch(batch: Batch, faults: ReadonlyMap<number, Fault>): StageResult {
  if (faults.size === 0) return { batch, rejects: [] };
  const kept: number[] = [];
  const rejects: Reject[] = [];
  for (let row = 0; row < batch.positions.length; row += 1) {
    const fault = faults.get(row);
    if (fault === undefined) kept.push(row);
    else rejects.push(rejectOf(batch.raw, batch.positions[row] ?? 0, fault));
  }
  const columns = new Map<string, readonly Value[]>();
  for (const [name, values] of batch.columns) columns.set(name, pick(values, kept));
  return { batch: { raw: batch.raw, positions: pick(batch.positions, kept), columns }, rejects };
}

/** The column by its name. A missing one is a mistake of ours: the definition was checked for it. */
export function columnOf(batch: Batch, name: string): readonly Value[] {
  const values = batch.columns.get(name);
  if (values === undefined) throw new Error(`the batch has no column ${name}`);
  return values;
}

function rejectOf(raw: RawBatch, position: number, fault: Fault): Reject {
  const body = raw.body(position);
  const cut = body.length > bodyLengthMax;
  return {
    rowNumber: raw.lo + position,
    kind: fault.kind,
    column: fault.column,
    value: fault.value,
    reason: cut ? `${fault.reason} (the body is cut to ${bodyLengthMax} of ${body.length} characters)` : fault.reason,
    body: cut ? body.slice(0, bodyLengthMax) : body,
  };
}

function pick<T>(values: readonly T[], kept: readonly number[]): T[] {
  return kept.map((row) => values[row] as T);
}

/** A value as it stood in the row: text bare, anything else as JSON. */
function showValue(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  return text.length <= valueLengthMax ? text : `${text.slice(0, valueLengthMax - 1)}…`;
}
