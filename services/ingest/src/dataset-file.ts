import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Digest } from '@orrery/contracts/digest';
import { datasetUnreadable, fileChanged, unknownDataset } from './errors.ts';

/** A dataset's file as it was when its digest was taken. */
export interface DatasetFile {
  readonly dataset: string;
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
  /** Lines, the last one counted whether or not it is ended. */
  readonly lines: number;
  /** Changes when the file is written to or exchanged. */
  readonly state: string;
}

export type Datasets = Readonly<Record<string, string>>;

const newline = 0x0a;

/** Finds the file of a dataset and reads it once for its digest and lines. Throws `UNKNOWN_DATASET` with the nearest known name. */
export async function inspectDataset(dataset: string, datasets: Datasets): Promise<DatasetFile> {
  const path = datasets[dataset];
  if (path === undefined) throw unknownDataset(dataset, Object.keys(datasets));
  try {
    const state = await stateOf(path);
    const hash = createHash('sha256');
    let bytes = 0;
    let lines = 0;
    let last = newline;
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) lines += 1;
      last = chunk.at(-1) ?? last;
    }
    if (last !== newline) lines += 1;
    return { dataset, path, digest: `sha256:${hash.digest('hex')}`, bytes, lines, state };
  } catch (error) {
    throw datasetUnreadable(dataset, path, error);
  }
}

/** Throws `FILE_CHANGED` when the file is not the one whose digest was taken: the rows read meanwhile may be of either. */
export async function assertUnchanged(file: DatasetFile): Promise<void> {
  if ((await stateOf(file.path).catch(() => '')) !== file.state) throw fileChanged(file.dataset, file.path);
}

async function stateOf(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path);
  return `${ino}:${size}:${mtimeMs}`;
}
