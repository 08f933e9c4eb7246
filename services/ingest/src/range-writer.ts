import type { RawBatch, StageResult } from './batch.ts';
import { assertUnchanged } from './dataset-file.ts';
import { runStopped } from './errors.ts';
import { recordRange, tokenOf } from './intakes.ts';
import type { RunDependencies, RunPlan, Taking } from './run-plan.ts';
import type { Range } from './ranges.ts';
import { createStages } from './stages.ts';
import {
  batchColumns,
  encodeBatch,
  encodeRejects,
  rejectColumns,
  type Constants,
  type Piece,
} from './tab-separated.ts';

/** Everything of one batch that is to be written, encoded. */
interface Prepared {
  readonly batch: Range;
  readonly rows: readonly Piece[];
  readonly rejects: readonly Piece[];
  readonly accepted: number;
  readonly rejected: number;
}

/**
 * Reads the missing ranges of a file, passes them through the stages and writes them. While one batch is written the next is
 * prepared, and no more: memory holds two. A range is recorded when its rows and rejects stand, so that a kill at any point leaves
 * either a recorded range or one that is written again under the same tokens.
 */
export async function writeRanges(plan: RunPlan, taking: Taking, dependencies: RunDependencies): Promise<void> {
  const { source, missing } = taking;
  const stages = createStages(plan.request.pipeline, plan.lookups, source.times);
  const writer = createWriter(plan, taking, dependencies);
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const raw of source.read(missing)) {
      if (dependencies.signal.aborted) throw runStopped(plan.request.pipeline.name);
      const prepared = prepare(plan, taking, { raw, result: stages(raw) });
      await writing;
      writing = writer(prepared);
      // A failure is told where it is awaited; until then it must not count as unhandled.
      writing.catch(() => {});
    }
    await writing;
  } finally {
    await Promise.allSettled([writing]);
  }
}

function prepare(plan: RunPlan, taking: Taking, { raw, result }: { raw: RawBatch; result: StageResult }): Prepared {
  const rows = encodeBatch(result.batch, plan.columns, rowConstants(plan, taking));
  const rejects = encodeRejects(result.rejects, rejectConstants(plan, taking));
  const batch = { lo: raw.lo, hi: raw.lo + raw.rows - 1 };
  return { batch, rows, rejects, accepted: result.batch.positions.length, rejected: result.rejects.length };
}

type Writer = (prepared: Prepared) => Promise<void>;

function createWriter(plan: RunPlan, taking: Taking, dependencies: RunDependencies): Writer {
  const { tenant, pipeline } = plan.request;
  const { intake, file, missing } = taking;
  const { database, metrics, report } = dependencies;
  const rowColumns = batchColumns(plan.columns, rowConstants(plan, taking));
  const columnsOfRejects = [...rejectConstants(plan, taking).names, 'row_number', ...rejectColumns];
  const insert = async (table: string, columns: readonly string[], pieces: readonly Piece[]) => {
    for (const piece of pieces) {
      const stop = metrics.insertSeconds.startTimer({ table });
      await database.insert(table, columns, piece.body, tokenOf(table, tenant, intake, piece));
      stop();
    }
  };
  let open = { accepted: 0, rejected: 0 };
  return async (prepared) => {
    await insert(pipeline.sink.table, rowColumns, prepared.rows);
    await insert('rejects', columnsOfRejects, prepared.rejects);
    open = { accepted: open.accepted + prepared.accepted, rejected: open.rejected + prepared.rejected };
    const { hi } = prepared.batch;
    const range = missing.find((candidate) => candidate.hi === hi);
    if (range !== undefined) {
      await assertUnchanged(file);
      await recordRange(database, tenant, intake, { ...range, ...open });
      open = { accepted: 0, rejected: 0 };
    }
    metrics.rows.inc({ pipeline: pipeline.name, outcome: 'accepted' }, prepared.accepted);
    metrics.rows.inc({ pipeline: pipeline.name, outcome: 'rejected' }, prepared.rejected);
    report({ done: prepared.accepted + prepared.rejected, total: 0, unit: 'rows' });
  };
}

function rowConstants({ request }: RunPlan, { intake }: Taking): Constants {
  return {
    names: ['tenant', 'intake', 'file_digest', 'ttl_days'],
    values: [request.tenant, intake.name, intake.fileDigest, String(request.pipeline.sink.ttlDays)],
  };
}

function rejectConstants({ request }: RunPlan, { intake }: Taking): Constants {
  return {
    names: ['tenant', 'pipeline', 'intake', 'file_digest', 'ttl_days'],
    values: [
      request.tenant,
      request.pipeline.name,
      intake.name,
      intake.fileDigest,
      String(request.pipeline.sink.ttlDays),
    ],
  };
}
