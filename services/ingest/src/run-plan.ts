import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import type { Clock } from '@orrery/kit/clock';
import type { Progress } from '@orrery/kit/jobs';
import type { Log } from '@orrery/kit/log';
import type { OutputColumn } from './batch.ts';
import type { Database } from './database.ts';
import type { DatasetFile } from './dataset-file.ts';
import type { Intake } from './intakes.ts';
import type { Lookup } from './lookup.ts';
import type { IngestMetrics } from './metrics.ts';
import type { Range } from './ranges.ts';
import type { RowSource } from './row-source.ts';

/** One run: a pipeline over its files as they were when it was asked for. */
export interface RunRequest {
  readonly pipeline: Pipeline;
  readonly tenant: string;
  readonly actor: string;
  /** In the order of the definition. */
  readonly files: readonly DatasetFile[];
  readonly lookupFiles: readonly DatasetFile[];
  /** Takes the files in afresh and replaces what stands. */
  readonly again: boolean;
}

export interface RunDependencies {
  readonly database: Database;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: IngestMetrics;
  readonly report: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** A file with the intake that it belongs to and the ranges that are still to be written. */
export interface Taking {
  readonly file: DatasetFile;
  readonly source: RowSource;
  readonly intake: Intake;
  readonly missing: readonly Range[];
}

/** What all takings of a run share. */
export interface RunPlan {
  readonly request: RunRequest;
  readonly columns: readonly OutputColumn[];
  readonly lookups: ReadonlyMap<number, Lookup>;
}
