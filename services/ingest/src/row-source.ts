import type { RawBatch } from './batch.ts';
import type { Range } from './ranges.ts';
import type { TimeForm } from './value-check.ts';

/** A file of rows that can be read from any row on. */
export interface RowSource {
  /** How many rows the file has. */
  readonly rows: number;
  readonly times: TimeForm;
  /**
   * The rows of the given ranges, which ascend, in batches that each lie within one range; a range whose rows are large comes in several.
   * Where a batch ends depends on the file alone. Memory stays flat whatever the file's size.
   */
  read(ranges: readonly Range[]): AsyncIterable<RawBatch>;
  close(): Promise<void>;
}
