import { canonicalJson, digestOfBytes } from '@orrery/contracts/digest';
import type { ObjectStore } from '@orrery/kit/store';
import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import type { CompiledFeatureSet } from './compiler.ts';
import type { Database } from './database.ts';
import { datasetTorn, partitionsChanged } from './errors.ts';
import { readTypes } from './feature-tables.ts';
import type { DaysAsked, Materialiser } from './materialiser.ts';
import type { Partitions, Span } from './partitions.ts';
import type { DayDigest } from './plan.ts';

export interface Dataset {
  readonly featureSet: string;
  readonly fingerprint: string;
  readonly dataset: string;
  readonly rows: number;
  readonly bytes: number;
  readonly from: string;
  readonly to: string;
  readonly reused: boolean;
}

export interface DatasetOptions {
  readonly database: Database;
  readonly partitions: Partitions;
  readonly materialiser: Materialiser;
  readonly store: ObjectStore;
}

/** Raised when the same partitions would be written as other bytes. */
const formatVersion = 1;

/** One thread, so that row groups are cut at the same rows whenever the same rows are written; Snappy, which every reader has. */
const writing = { threadsMax: 1, settings: { output_format_parquet_compression_method: 'snappy' } } as const;

/** Exports days as one Parquet object, after bringing them up. The same rows give the same bytes. */
export async function exportDataset(
  options: DatasetOptions,
  set: CompiledFeatureSet,
  asked: DaysAsked,
): Promise<Dataset> {
  const { partitions, materialiser, store } = options;
  const { rows } = await materialiser.run(set, asked);
  const { from, to, asker } = asked;
  const span = { tenant: asker.tenant, from, to };
  const before = await partitions.readPartitions(set, span);
  const content = contentOf(set, before);
  const known = await findExported(options.database, set, span, content);
  const { name } = set.definition;
  const answer = { featureSet: name, fingerprint: set.fingerprint, rows, from, to };
  if (known !== undefined && (await store.has(known.dataset))) return { ...answer, ...known, reused: true };
  const written = await store.put(await streamRows(options.database, set, span));
  await checkWritten(store, written.digest, rows);
  const changed = findChanged(before, await partitions.readPartitions(set, span));
  if (changed.length > 0) throw partitionsChanged(name, changed);
  const exported = { dataset: written.digest, rows, bytes: written.bytes };
  const token = [asker.tenant, from, to, content, written.digest].join('/');
  await options.database.append('feature_datasets', [lineOf(set, asked, content, exported)], token);
  return { ...answer, ...exported, reused: false };
}

/** An answer that broke off, or that a server cut into files of their own, is still bytes: the footer tells what is readable. */
async function checkWritten(store: ObjectStore, digest: string, rows: number): Promise<void> {
  const { num_rows: readable } = await parquetMetadataAsync(await asyncBufferFromFile(await store.file(digest)));
  if (Number(readable) !== rows) throw datasetTorn(digest, rows, Number(readable));
}

function lineOf(set: CompiledFeatureSet, { asker, from, to }: DaysAsked, content: string, exported: object): object {
  const { fingerprint, definition } = set;
  return { ...asker, feature_set: definition.name, fingerprint, first_day: from, last_day: to, content, ...exported };
}

async function findExported(database: Database, set: CompiledFeatureSet, span: Span, content: string) {
  const params = { ...span, featureSet: set.definition.name, fingerprint: set.fingerprint, content };
  const [line] = await database.rows<{ dataset: string; rows: number; bytes: number }>('select_exported_dataset', {
    params,
  });
  return line;
}

/** Names what goes in: the feature set, the partitions' rows and the way of writing. */
function contentOf(set: CompiledFeatureSet, partitions: ReadonlyMap<string, DayDigest>): string {
  const days = [...partitions.values()].map(({ day, rows, hash }) => [day, rows, hash] as const);
  const sorted = days.sort(([left], [right]) => (left < right ? -1 : 1));
  return digestOfBytes(canonicalJson({ format: formatVersion, fingerprint: set.fingerprint, days: sorted }));
}

function findChanged(before: ReadonlyMap<string, DayDigest>, after: ReadonlyMap<string, DayDigest>): string[] {
  const days = [...new Set([...before.keys(), ...after.keys()])];
  return days.filter((day) => before.get(day)?.hash !== after.get(day)?.hash);
}

/** Texts go out as they are: by number, their order would be that of the parts that they came from. */
async function streamRows(database: Database, set: CompiledFeatureSet, span: Span) {
  const { rows, features } = set.definition;
  const types = await readTypes(database, set.table);
  const plain = (name: string) => `CAST(${name}, '${outsideLowCardinality(types.get(name) ?? 'String')}') AS ${name}`;
  const columns = [...rows.identity, rows.day, rows.label.column, ...features.map(({ name }) => name)];
  const fills = {
    columns: columns.map(plain).join(', '),
    table: set.table,
    day: rows.day,
    order: [rows.day, ...rows.identity].join(', '),
  };
  return database.stream('select_dataset', 'Parquet', { fills, params: { ...span }, ...writing });
}

function outsideLowCardinality(type: string): string {
  return /^LowCardinality\((.*)\)$/.exec(type)?.[1] ?? type;
}
