import { closest } from 'fastest-levenshtein';
import { messageOf, OrreryError } from '@orrery/kit/errors';

/** Every error of this service: what happened, with the values, and what to do. */

export function definitionsInvalid(problems: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'DEFINITIONS_INVALID',
    message: `${problems.length} problems in the pipelines:\n${problems.join('\n')}`,
    hint: 'mend every place above; nothing was started',
  });
}

export function definitionsUnreadable(folder: string, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'DEFINITIONS_UNREADABLE',
    message: `the pipelines in ${folder} can't be read: ${messageOf(cause)}`,
    hint: 'the release holds them: make it again, or check definitionsFolder',
    cause,
  });
}

export function unknownPipeline(name: string, known: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'PIPELINE_NOT_FOUND',
    message: `there is no pipeline "${name}"`,
    hint: nearest(name, known),
    status: 404,
  });
}

export function unknownRun(id: string): OrreryError {
  return new OrreryError({
    code: 'RUN_NOT_FOUND',
    message: `there is no run "${id}" in this process`,
    hint: 'start it again: what it has written stands, and it goes on from there',
    status: 404,
  });
}

export function runStopped(name: string): OrreryError {
  return new OrreryError({
    code: 'RUN_STOPPED',
    message: `the run of "${name}" was stopped between two ranges: this instance ends`,
    hint: 'start it again: what it has written stands, and it goes on from there',
    retry: 'retryable',
  });
}

export function unknownDataset(name: string, known: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'UNKNOWN_DATASET',
    message: `unknown dataset "${name}": this environment has no file for it`,
    hint: nearest(name, known),
  });
}

export function datasetUnreadable(name: string, path: string, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'DATASET_UNREADABLE',
    message: `the file of the dataset "${name}", ${path}, can't be read: ${messageOf(cause)}`,
    hint: 'check the path in the binding and the rights of the file; npm ci brings those of vega-datasets',
    status: 500,
    cause,
  });
}

export function fileUnreadable(name: string, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'FILE_UNREADABLE',
    message: `the dataset "${name}" is no readable Parquet file: ${messageOf(cause)}`,
    hint: 'check that the file is whole; Snappy, Zstandard, Gzip and Brotli are read',
    status: 500,
    cause,
  });
}

export function fileOffContract(name: string, problems: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'FILE_OFF_CONTRACT',
    message: `no row of the dataset "${name}" could be accepted:\n  - ${problems.join('\n  - ')}`,
    hint: 'mend the contract or name another file; nothing was written',
  });
}

export function fileChanged(name: string, path: string): OrreryError {
  return new OrreryError({
    code: 'FILE_CHANGED',
    message: `the file of the dataset "${name}", ${path}, changed while it was read`,
    hint: 'start the run again when nobody writes to it: its rows are then taken in as another file',
    retry: 'retryable',
  });
}

export function fileTooLong(name: string, rows: number, bound: string): OrreryError {
  return new OrreryError({
    code: 'FILE_TOO_LONG',
    message: `the dataset "${name}" has ${rows} rows, which is more than ${bound}`,
    hint: 'raise batchRowsMax, set rowsMax, or cut the file into several datasets',
  });
}

export function filesEqual(left: string, right: string): OrreryError {
  return new OrreryError({
    code: 'FILES_EQUAL',
    message: `the datasets "${left}" and "${right}" are the same file: each of its rows would be taken in twice`,
    hint: 'take one of them out of the pipeline',
  });
}

export function lookupInvalid(dataset: string, message: string, hint: string): OrreryError {
  return new OrreryError({
    code: 'LOOKUP_INVALID',
    message: `the lookup "${dataset}" can't be used: ${message}`,
    hint,
  });
}

export function sinkMismatch(table: string, problems: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'SINK_MISMATCH',
    message: `the rows of this pipeline do not fit the table ${table}:\n  - ${problems.join('\n  - ')}`,
    hint: "mend the pipeline's contract and steps, or add a migration for the table; nothing was written",
  });
}

export function intakeTaken(intake: string): OrreryError {
  return new OrreryError({
    code: 'INTAKE_TAKEN',
    message: `the intake ${intake} was opened by another process for another file or contract`,
    hint: 'two instances with different definitions run at once; try again when one has ended',
    retry: 'retryable',
    status: 409,
  });
}

export function rowsUnaccounted(pipeline: string, problems: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'ROWS_UNACCOUNTED',
    message: `the rows of the pipeline "${pipeline}" do not add up:\n  - ${problems.join('\n  - ')}`,
    hint: 'rows were changed by other hands or have passed their TTL: POST the run with {"again": true} to take the files in afresh',
    status: 500,
  });
}

function nearest(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'there are none';
  return `did you mean "${closest(name, [...known])}"? there are: ${known.join(', ')}`;
}
