import { digestOf, type Digest } from '@orrery/contracts/digest';
import type { Database } from './database.ts';
import { assertUnchanged, type DatasetFile } from './dataset-file.ts';
import { fileTooLong } from './errors.ts';
import { openIntake, readRanges } from './intakes.ts';
import { loadLookup, type Lookup } from './lookup.ts';
import { countRows, cutRanges, missingRanges, rangesMax, rowNumberMax } from './ranges.ts';
import { writeRanges } from './range-writer.ts';
import type { RunDependencies, RunPlan, RunRequest, Taking } from './run-plan.ts';
import { planSink, type TableColumn } from './sink.ts';
import { openSource } from './source.ts';
import { stagesVersion } from './stages.ts';
import { accountRows, removeSuperseded } from './totals.ts';

export interface RunResult {
  readonly pipeline: string;
  readonly read: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly rejects: readonly { readonly kind: string; readonly rows: number }[];
  readonly files: readonly { readonly dataset: string; readonly digest: Digest; readonly rows: number }[];
  readonly lookups: readonly { readonly dataset: string; readonly digest: Digest }[];
  /** What was taken in: the files and the contract. The same digest means the same rows. */
  readonly data: Digest;
  /** Nothing was read or written again: all of it stood. */
  readonly reused: boolean;
  readonly seconds: number;
}

/** Takes in what is missing, in ranges that are each written once, and accounts for every row. Repeat it after any failure. */
export async function runPipeline(request: RunRequest, dependencies: RunDependencies): Promise<RunResult> {
  const { pipeline, tenant } = request;
  const { database, clock, log } = dependencies;
  const startedMs = clock.now();
  const plan = await planRun(request, database);
  const takings: Taking[] = [];
  try {
    for (const [index, file] of request.files.entries()) {
      takings.push(await openTaking({ request, file, index }, database));
    }
    const intakes = takings.map((taking) => taking.intake);
    const removed = await removeSuperseded(database, { tenant, pipeline, intakes });
    if (removed > 0) log.info({ pipeline: pipeline.name, rows: removed }, 'rows of earlier intakes removed');
    const report = createReport(takings, dependencies.report);
    for (const taking of takings) await writeRanges(plan, taking, { ...dependencies, report });
    const totals = await accountRows(database, { tenant, pipeline, intakes });
    return {
      pipeline: pipeline.name,
      ...totals,
      files: takings.map(({ file, intake }) => ({ dataset: file.dataset, digest: file.digest, rows: intake.rows })),
      lookups: request.lookupFiles.map(({ dataset, digest }) => ({ dataset, digest })),
      data: digestOf(
        'data',
        intakes.map(({ fileDigest, contractDigest }) => ({ fileDigest, contractDigest })),
      ),
      reused: takings.every((taking) => taking.missing.length === 0),
      seconds: (clock.now() - startedMs) / 1000,
    };
  } finally {
    for (const { source } of takings) await source.close();
  }
}

async function planRun(request: RunRequest, database: Database): Promise<RunPlan> {
  const { pipeline, lookupFiles } = request;
  const table = await database.select<TableColumn>('select_columns', { table: pipeline.sink.table });
  const columns = planSink(pipeline, table);
  const lookups = new Map<number, Lookup>();
  for (const [index, step] of pipeline.steps.entries()) {
    if (step.uses !== 'enrich') continue;
    const file = lookupFiles.find(({ dataset }) => dataset === step.with.lookup);
    const key = pipeline.lookups?.find(({ dataset }) => dataset === step.with.lookup)?.key;
    if (file === undefined || key === undefined) throw new Error(`the lookup ${step.with.lookup} was not inspected`);
    lookups.set(index, await loadLookup({ dataset: file.dataset, path: file.path, key, columns: step.with.columns }));
  }
  return { request, columns, lookups };
}

async function openTaking(
  place: { request: RunRequest; file: DatasetFile; index: number },
  database: Database,
): Promise<Taking> {
  const { request, file, index } = place;
  const { pipeline, tenant, actor } = request;
  const declared = pipeline.source.files[index];
  if (declared === undefined) throw new Error(`the pipeline ${pipeline.name} has no file ${index}`);
  const source = await openSource(declared.format, file, pipeline.contract);
  try {
    await assertUnchanged(file);
    const rows = Math.min(source.rows, declared.rowsMax ?? Infinity);
    assertLength(file.dataset, rows, pipeline.sink.batchRowsMax);
    const wanted = {
      tenant,
      actor,
      pipeline: pipeline.name,
      dataset: file.dataset,
      fileDigest: file.digest,
      contractDigest: contractDigest(request, index),
      rows,
      batchRows: pipeline.sink.batchRowsMax,
    };
    const intake = await openIntake(database, wanted, request.again);
    const done = await readRanges(database, tenant, intake);
    return { file, source, intake, missing: missingRanges(cutRanges(intake.rows, intake.batchRows), done) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function assertLength(dataset: string, rows: number, batchRows: number): void {
  if (rows > rowNumberMax) throw fileTooLong(dataset, rows, `the ${rowNumberMax} that a row number can count`);
  if (rows > rangesMax * batchRows) throw fileTooLong(dataset, rows, `${rangesMax} ranges of ${batchRows} rows`);
}

/** All that decides, beside the file's bytes, which rows come out of it and where they go. */
function contractDigest({ pipeline, lookupFiles }: RunRequest, index: number): Digest {
  return digestOf('contract', {
    stages: stagesVersion,
    format: pipeline.source.files[index]?.format ?? '',
    rowsMax: pipeline.source.files[index]?.rowsMax ?? null,
    contract: pipeline.contract,
    steps: pipeline.steps,
    lookups: (pipeline.lookups ?? []).map((lookup, place) => ({ ...lookup, digest: lookupFiles[place]?.digest ?? '' })),
    table: pipeline.sink.table,
  });
}

/** Counts rows over all files, starting with those that stand already. */
function createReport(takings: readonly Taking[], report: RunDependencies['report']): RunDependencies['report'] {
  const total = takings.reduce((sum, { intake }) => sum + intake.rows, 0);
  let done = total - takings.reduce((sum, { missing }) => sum + countRows(missing), 0);
  report({ done, total, unit: 'rows' });
  return (progress) => {
    done += progress.done;
    report({ done, total, unit: 'rows' });
  };
}
