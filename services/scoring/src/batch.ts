import { readFile } from 'node:fs/promises';
import { parquetReadObjects } from 'hyparquet';
import type { ClickHouse } from '@orrery/kit/clickhouse';
import { systemClock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import type { Progress } from '@orrery/kit/jobs';
import type { Peer } from '@orrery/kit/peer';
import type { ObjectStore } from '@orrery/kit/store';
import type { LivePair } from './live-pair.ts';
import { countScores, writeScores, type ScoredDay } from './scores.ts';

export interface BatchOptions {
  readonly scored: Omit<ScoredDay, 'dataset'>;
  readonly pair: LivePair;
  readonly features: Peer;
  readonly store: ObjectStore;
  readonly client: ClickHouse;
  readonly batchRowsMax: number;
  readonly report: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

interface DatasetJob {
  readonly state: string;
  readonly location: string;
  readonly result?: { readonly dataset: string; readonly rows: number; readonly fingerprint: string };
  readonly error?: { readonly message: string; readonly hint: string };
}

const pollMs = 250;
const pollsMax = 2400;

/** Scores a day: its features as one dataset, the pair over it in parts, each part written once. */
export async function scoreDay(options: BatchOptions): Promise<object> {
  const { pair, client } = options;
  const dataset = await fetchDataset(options);
  const scored = { ...options.scored, dataset: dataset.dataset };
  const before = await countScores(client, scored);
  if (before.rows === dataset.rows && dataset.rows > 0) return answer(options, before, true);
  const rows = await readDataset(options.store, dataset.dataset);
  for (let from = 0; from < rows.length; from += options.batchRowsMax) {
    options.signal.throwIfAborted();
    const cut = rows.slice(from, from + options.batchRowsMax);
    const predictions = await pair.predict(cut);
    const values = cut.map((row, index) => ({
      file_digest: String(row['file_digest']),
      row_number: Number(row['row_number']),
      prediction: predictions[index] ?? Number.NaN,
    }));
    await writeScores(client, scored, from, values);
    options.report({ done: from + cut.length, total: rows.length, unit: 'rows' });
  }
  const after = await countScores(client, scored);
  if (after.rows === dataset.rows) return answer(options, after, false);
  throw new OrreryError({
    code: 'SCORES_INCOMPLETE',
    message: `${scored.day} has ${dataset.rows} rows, ${after.rows} are scored`,
    hint: 'the batch is tried again; when it stays so, see the log of scoring',
    retry: 'retryable',
  });
}

function answer({ scored }: BatchOptions, counted: { rows: number; mean: number | null }, reused: boolean): object {
  return { model: scored.model, pair: scored.pair, day: scored.day, ...counted, reused };
}

async function fetchDataset(options: BatchOptions): Promise<{ dataset: string; rows: number }> {
  const { scored, pair, features, signal } = options;
  const { name, fingerprint } = pair.document.featureSet;
  const path = `/v1/feature-sets/${encodeURIComponent(name)}/datasets`;
  const call = { tenant: scored.tenant, actor: 'scoring', signal } as const;
  const post = () => features.call({ ...call, method: 'POST', path, body: { from: scored.day, to: scored.day } });
  const started = await post();
  let job = started.body as DatasetJob;
  // A features service that was restarted has forgotten its jobs: asked again, it goes on from what it had made.
  const pollOrPost = async ({ location }: DatasetJob): Promise<DatasetJob> => {
    try {
      return (await features.call({ ...call, method: 'GET', path: location })).body as DatasetJob;
    } catch (error) {
      if (!(error instanceof OrreryError) || error.status !== 404) throw error;
      return (await post()).body as DatasetJob;
    }
  };
  for (let poll = 0; job.state === 'running' && poll < pollsMax; poll += 1) {
    await systemClock.sleep(pollMs, signal);
    job = await pollOrPost(job);
  }
  if (job.result === undefined) throw datasetFailed(scored.day, job);
  if (job.result.fingerprint !== fingerprint) throw featuresDiffer(pair, job.result.fingerprint);
  return job.result;
}

async function readDataset(store: ObjectStore, digest: string): Promise<Record<string, unknown>[]> {
  const bytes = await readFile(await store.file(digest));
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return parquetReadObjects({ file: buffer });
}

function datasetFailed(day: string, job: DatasetJob): OrreryError {
  return new OrreryError({
    code: 'FEATURES_FAILED',
    message: `the features of ${day} could not be had: ${job.error?.message ?? job.state}`,
    hint: job.error?.hint ?? 'see the log of features',
    retry: 'retryable',
  });
}

export function featuresDiffer(pair: LivePair, found: string): OrreryError {
  return new OrreryError({
    code: 'FEATURES_DIFFER',
    message: `${pair.digest} reads features ${pair.document.featureSet.fingerprint}, this release computes ${found}`,
    hint: 'a pair is served only with its own feature set: train again, or roll back',
    status: 409,
  });
}
