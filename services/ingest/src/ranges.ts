/** Rows `lo` to `hi` of a file, both within, counted from 1. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
}

/** How many ranges a file may have: all of them are held in memory. */
export const rangesMax = 1_000_000;

/** Row numbers are stored in 32 bits. */
export const rowNumberMax = 4_294_967_295;

/** Cuts a file's rows into ranges of `batchRows`; the last one may be shorter. The same rows and size always give the same ranges. */
export function cutRanges(rows: number, batchRows: number): Range[] {
  const ranges: Range[] = [];
  for (let lo = 1; lo <= rows; lo += batchRows) ranges.push({ lo, hi: Math.min(lo + batchRows - 1, rows) });
  return ranges;
}

/** The ranges that are not among the done ones. */
export function missingRanges(all: readonly Range[], done: readonly Range[]): Range[] {
  const known = new Set(done.map(nameOf));
  return all.filter((range) => !known.has(nameOf(range)));
}

export function countRows(ranges: readonly Range[]): number {
  return ranges.reduce((sum, range) => sum + range.hi - range.lo + 1, 0);
}

function nameOf(range: Range): string {
  return `${range.lo}-${range.hi}`;
}
