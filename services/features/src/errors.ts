import { messageOf, OrreryError } from '@orrery/kit/errors';

export function definitionsInvalid(problems: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'DEFINITIONS_INVALID',
    message: `${problems.length} problems in the feature sets:\n${problems.join('\n')}`,
    hint: 'mend every line above; nothing was started',
  });
}

export function definitionsUnreadable(folder: string, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'DEFINITIONS_UNREADABLE',
    message: `the feature sets can't be read from ${folder}`,
    hint: 'definitionsFolder names a folder that holds features/*.yaml',
    cause,
  });
}

export function configIncomplete(missing: string): OrreryError {
  return new OrreryError({
    code: 'CONFIG_INVALID',
    message: `${missing} is missing`,
    hint: 'give features clickhouse, store and definitionsFolder',
  });
}

export function featureSetUnknown(name: string, known: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'FEATURE_SET_UNKNOWN',
    message: `there is no feature set "${name}"`,
    hint: known.length === 0 ? 'this tenant has none' : `there is: ${known.join(', ')}`,
    status: 404,
  });
}

export function jobUnknown(id: string): OrreryError {
  return new OrreryError({
    code: 'JOB_UNKNOWN',
    message: `there is no job ${id}`,
    hint: 'jobs are kept in memory: post it again, what was computed is reused',
    status: 404,
  });
}

export function dayInvalid(text: string, where: string): OrreryError {
  return new OrreryError({
    code: 'DAY_INVALID',
    message: `${where} is "${text}", which is no day`,
    hint: 'write a day of the calendar from 1971-02-07 on, as 2001-06-15',
  });
}

export function spanInvalid(from: string, to: string, days: number, daysMax: number): OrreryError {
  return new OrreryError({
    code: 'SPAN_INVALID',
    message: `from ${from} to ${to} are ${days} days`,
    hint: `ask for 1 to ${daysMax} days, the first before the last`,
  });
}

export function rowsInvalid(problems: readonly string[], columns: string): OrreryError {
  return new OrreryError({
    code: 'REQUEST_INVALID',
    message: problems.join('; '),
    hint: `a row has exactly: ${columns}`,
  });
}

export function rowDaysTooMany(days: number, daysMax: number): OrreryError {
  return new OrreryError({
    code: 'ROW_DAYS_TOO_MANY',
    message: `the rows are of ${days} different days`,
    hint: `send rows of at most ${daysMax} days at once, or export a dataset`,
  });
}

export function sqlRefused(name: string, cause: unknown): OrreryError {
  // What follows is the whole query, which is longer than any reason.
  const reason =
    messageOf(cause)
      .split(/:? in scope /i)[0]
      ?.slice(0, 500) ?? '';
  return new OrreryError({
    code: 'FEATURE_SQL_REFUSED',
    message: `ClickHouse refuses the SQL of "${name}": ${reason}`,
    hint: 'mend the expression that it names; nothing was computed',
    cause,
  });
}

export function columnsDiffer(problems: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'COLUMNS_DIFFER',
    message: `the features come out otherwise than declared:\n  - ${problems.join('\n  - ')}`,
    hint: 'change the template or the declaration; nothing was computed',
  });
}

export function sourceMissing(table: string, columns: readonly string[]): OrreryError {
  const what = columns.length === 0 ? `the table ${table} is not there` : `${table} lacks ${columns.join(', ')}`;
  return new OrreryError({
    code: 'SOURCE_MISSING',
    message: what,
    hint: 'the service that fills it makes it at its start; check that it runs and that the names agree',
    retry: 'retryable',
  });
}

export function checksFailed(name: string, failures: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'FEATURE_CHECKS_FAILED',
    message: `"${name}" came out otherwise than declared:\n  - ${failures.join('\n  - ')}`,
    hint: 'mend the data, the template or the declared bounds; the partitions stayed as they were',
    status: 422,
  });
}

export function inputsChanged(day: string, expected: number, found: number): OrreryError {
  return new OrreryError({
    code: 'INPUTS_CHANGED',
    message: `${day} had ${expected} rows when it was begun and ${found} when it was computed`,
    hint: 'rows are still being written; ask again when the ingest is done',
    retry: 'retryable',
  });
}

export function historyChanged(table: string, months: readonly number[]): OrreryError {
  return new OrreryError({
    code: 'HISTORY_CHANGED',
    message: `${table} changed while its months ${months.join(', ')} were summed`,
    hint: 'rows are still being written; ask again when the ingest is done',
    retry: 'retryable',
  });
}

export function partitionsChanged(name: string, days: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'PARTITIONS_CHANGED',
    message: `partitions of "${name}" changed while they were exported: ${days.slice(0, 5).join(', ')}`,
    hint: 'another run computed them at the same time; ask again',
    retry: 'retryable',
  });
}

export function datasetTorn(digest: string, rows: number, readable: number): OrreryError {
  return new OrreryError({
    code: 'DATASET_TORN',
    message: `${rows} rows were exported, ${readable} of them can be read from ${digest}`,
    hint: 'ClickHouse must answer FORMAT Parquet as one file; the object is not handed out',
    status: 500,
  });
}
