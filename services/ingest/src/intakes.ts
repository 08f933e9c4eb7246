import type { Digest } from '@orrery/contracts/digest';
import type { Database } from './database.ts';
import { intakeTaken } from './errors.ts';
import type { Range } from './ranges.ts';

/** One file taken in under one contract: the unit that is continued after a break and replaced as a whole. */
export interface Intake {
  /** `pipeline/dataset/number`. */
  readonly name: string;
  readonly number: number;
  readonly fileDigest: string;
  readonly contractDigest: string;
  readonly rows: number;
  /** How the file is cut; kept with the intake, so that a changed batch size never cuts a begun file anew. */
  readonly batchRows: number;
}

/** What a dataset is to be taken in as. */
export interface Wanted {
  readonly tenant: string;
  readonly actor: string;
  readonly pipeline: string;
  readonly dataset: string;
  readonly fileDigest: Digest;
  readonly contractDigest: Digest;
  readonly rows: number;
  readonly batchRows: number;
}

export interface RangeRecord extends Range {
  readonly accepted: number;
  readonly rejected: number;
}

interface IntakeRow {
  readonly number: number;
  readonly intake: string;
  readonly file_digest: string;
  readonly contract_digest: string;
  readonly rows: number;
  readonly batch_rows: number;
}

/**
 * The latest intake of the dataset when it is of the same file and contract, else one with the next number. With `again`, always the next.
 * Throws `INTAKE_TAKEN` when another process opened that number for something else.
 */
export async function openIntake(database: Database, wanted: Wanted, again: boolean): Promise<Intake> {
  const latest = await latestIntake(database, wanted);
  if (latest !== undefined && !again && isSame(latest, wanted)) return latest;
  const number = (latest?.number ?? 0) + 1;
  const name = `${wanted.pipeline}/${wanted.dataset}/${number}`;
  const { tenant, actor, pipeline, dataset, fileDigest, contractDigest, rows, batchRows } = wanted;
  const values = [tenant, pipeline, dataset, number, name, fileDigest, contractDigest, rows, batchRows, actor];
  await database.insert('ingest_intakes', intakeColumns, lineOf(values), `ingest_intakes:${tenant}:${name}`);
  const opened = await latestIntake(database, wanted);
  if (opened?.number !== number || !isSame(opened, wanted)) throw intakeTaken(name);
  return opened;
}

export async function readRanges(database: Database, tenant: string, intake: Intake): Promise<RangeRecord[]> {
  return database.select<RangeRecord>('select_ranges', { tenant, intake: intake.name });
}

/** Says durably that a range stands, rows and rejects. Call it when both were written. */
export async function recordRange(
  database: Database,
  tenant: string,
  intake: Intake,
  record: RangeRecord,
): Promise<void> {
  const { lo, hi, accepted, rejected } = record;
  const values = [tenant, intake.name, intake.fileDigest, lo, hi, accepted, rejected];
  await database.insert(
    'ingest_ranges',
    rangeColumns,
    lineOf(values),
    tokenOf('ingest_ranges', tenant, intake, record),
  );
}

/** By what a repeated insert is known: the table, the intake with its file, and the rows. */
export function tokenOf(table: string, tenant: string, intake: Intake, { lo, hi }: Range): string {
  return `${intake.name}:${table}:${tenant}:${intake.fileDigest}:${lo}-${hi}`;
}

const intakeColumns = [
  'tenant',
  'pipeline',
  'dataset',
  'number',
  'intake',
  'file_digest',
  'contract_digest',
  'rows',
  'batch_rows',
  'actor',
];
const rangeColumns = ['tenant', 'intake', 'file_digest', 'lo', 'hi', 'accepted', 'rejected'];

async function latestIntake(database: Database, wanted: Wanted): Promise<Intake | undefined> {
  const { tenant, pipeline, dataset } = wanted;
  const [row] = await database.select<IntakeRow>('select_latest_intake', { tenant, pipeline, dataset });
  if (row === undefined) return undefined;
  return {
    name: row.intake,
    number: row.number,
    fileDigest: row.file_digest,
    contractDigest: row.contract_digest,
    rows: row.rows,
    batchRows: row.batch_rows,
  };
}

function isSame(intake: Intake, wanted: Wanted): boolean {
  return intake.fileDigest === wanted.fileDigest && intake.contractDigest === wanted.contractDigest;
}

/** Names, digests and numbers hold nothing that the format would read otherwise. */
function lineOf(values: readonly (string | number)[]): Buffer {
  return Buffer.from(`${values.join('\t')}\n`);
}
