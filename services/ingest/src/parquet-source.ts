import { open, type FileHandle } from 'node:fs/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parquetMetadataAsync, parquetScan, type Compressors, type ParquetScan } from 'hyparquet';
import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import { formatDay, formatTimestamp } from '@orrery/contracts/definitions/wall-time';
import type { RawBatch } from './batch.ts';
import type { DatasetFile } from './dataset-file.ts';
import { fileOffContract, fileUnreadable } from './errors.ts';
import { checkParquetColumns } from './parquet-columns.ts';
import type { Range } from './ranges.ts';
import type { RowSource } from './row-source.ts';

type Contract = Pipeline['contract'];

/** Decoded at a time. A row group up to this size is decoded whole and once; a larger one in parts, by its page index. */
const windowRowsMax = 524_288;

/** Rows `start` to `end - 1`, counted from 0 as the format does. */
interface Window {
  readonly start: number;
  readonly end: number;
}

const decompressors: Compressors = {
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: length }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: length }),
  ZSTD: (input, length) => zstdDecompressSync(input, { maxOutputLength: length }),
};

/** Times become seconds, days stay days: the numbers that checks and tables work with. */
const parsers = {
  timestampFromMilliseconds: (value: bigint | null) => secondsOf(value, 1e3),
  timestampFromMicroseconds: (value: bigint | null) => secondsOf(value, 1e6),
  timestampFromNanoseconds: (value: bigint | null) => secondsOf(value, 1e9),
  dateFromDays: (value: number | null) => value,
};

function secondsOf(value: bigint | null, unitsPerSecond: number): number | null {
  return value === null ? null : Math.floor(Number(value) / unitsPerSecond);
}

/** Flat columns of a Parquet file. A file that breaks the contract as a whole is refused before its first row. */
export async function openParquet(file: DatasetFile, contract: Contract): Promise<RowSource> {
  const handle = await open(file.path);
  try {
    const scan = await openScan(handle, file, contract);
    const windows = scan.ranges.flatMap(({ rowStart, rowEnd }) => cutWindows(rowStart, rowEnd));
    return {
      rows: Number(scan.metadata.num_rows),
      times: 'number',
      read: (ranges) => readRanges(scan, windows, { contract, ranges, file }),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openScan(handle: FileHandle, file: DatasetFile, contract: Contract): Promise<ParquetScan> {
  const source = {
    byteLength: file.bytes,
    slice: (start: number, end?: number) => readBytes(handle, start, end ?? file.bytes),
  };
  const metadata = await parquetMetadataAsync(source, { parsers }).catch((error: unknown) => {
    throw fileUnreadable(file.dataset, error);
  });
  const problems = checkParquetColumns(metadata, contract);
  if (problems.length > 0) throw fileOffContract(file.dataset, problems);
  return parquetScan({ file: source, metadata, compressors: decompressors, parsers });
}

async function readBytes(handle: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(end - start);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
  if (bytesRead < bytes.length) throw new Error(`the file ends ${bytes.length - bytesRead} bytes early`);
  return bytes.buffer;
}

function cutWindows(start: number, end: number): Window[] {
  const windows: Window[] = [];
  for (let at = start; at < end; at += windowRowsMax)
    windows.push({ start: at, end: Math.min(at + windowRowsMax, end) });
  return windows;
}

interface Reading {
  readonly contract: Contract;
  readonly ranges: readonly Range[];
  readonly file: DatasetFile;
}

async function* readRanges(scan: ParquetScan, windows: readonly Window[], reading: Reading): AsyncGenerator<RawBatch> {
  const present = new Set(scan.metadata.schema.map((element) => element.name));
  const names = Object.keys(reading.contract.columns).filter((name) => present.has(name));
  let loaded: { window: Window; columns: Map<string, unknown[]> } | undefined;
  for (const { lo, hi } of reading.ranges) {
    const columns = new Map<string, unknown[]>(names.map((name) => [name, []]));
    for (const window of windows.filter(({ start, end }) => start < hi && end >= lo)) {
      if (loaded?.window !== window) {
        loaded = undefined;
        loaded = { window, columns: await loadWindow(scan, window, { names, dataset: reading.file.dataset }) };
      }
      appendRows(columns, loaded.columns, { from: Math.max(lo - 1 - window.start, 0), to: hi - window.start });
    }
    yield createBatch({ lo, hi }, columns, reading.contract);
  }
}

/** Columns one after the other: the raw form of one is garbage before the next is decoded. */
async function loadWindow(
  scan: ParquetScan,
  window: Window,
  wanted: { names: readonly string[]; dataset: string },
): Promise<Map<string, unknown[]>> {
  const columns = new Map<string, unknown[]>();
  for (const name of wanted.names) {
    try {
      const data = await scan.readColumn({ column: name, rowStart: window.start, rowEnd: window.end });
      columns.set(name, toPlain(data));
    } catch (error) {
      throw fileUnreadable(wanted.dataset, error);
    }
  }
  return columns;
}

/** 64-bit integers become numbers; those beyond what a number holds exactly become NaN, which no check accepts. */
function toPlain(data: ArrayLike<unknown>): unknown[] {
  const plain = Array.isArray(data) ? (data as unknown[]) : Array.from(data);
  for (let row = 0; row < plain.length; row += 1) {
    const value = plain[row];
    if (typeof value !== 'bigint') continue;
    const number = Number(value);
    plain[row] = Number.isSafeInteger(number) ? number : Number.NaN;
  }
  return plain;
}

function appendRows(
  target: ReadonlyMap<string, unknown[]>,
  source: ReadonlyMap<string, unknown[]>,
  rows: { from: number; to: number },
): void {
  for (const [name, values] of target) {
    const part = source.get(name) ?? [];
    const end = Math.min(rows.to, part.length);
    for (let row = rows.from; row < end; row += 1) values.push(part[row]);
  }
}

function createBatch({ lo, hi }: Range, columns: ReadonlyMap<string, unknown[]>, contract: Contract): RawBatch {
  return {
    lo,
    rows: hi - lo + 1,
    columns,
    faults: new Map(),
    body: (position) => {
      const row = [...columns].map(([name, values]) => [name, readable(values[position], contract, name)]);
      return JSON.stringify(Object.fromEntries(row));
    },
  };
}

/** As the value would stand in a file of JSON lines, so that the row can be taken in from there. */
function readable(value: unknown, contract: Contract, name: string): unknown {
  if (typeof value !== 'number') return value;
  const type = contract.columns[name]?.type;
  if (type === 'timestamp') return formatTimestamp(value);
  return type === 'day' ? formatDay(value) : value;
}
