import { createReadStream } from 'node:fs';
import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import { messageOf } from '@orrery/kit/errors';
import { Fault, type RawBatch } from './batch.ts';
import type { DatasetFile } from './dataset-file.ts';
import { datasetUnreadable } from './errors.ts';
import type { Range } from './ranges.ts';
import type { RowSource } from './row-source.ts';

type Contract = Pipeline['contract'];

const newline = 0x0a;
const lineBytesMax = 65_536;
const batchBytesMax = 8 * 1024 * 1024;

interface Line {
  readonly number: number;
  readonly text: string;
  /** Of the whole line, also where only its beginning was kept. */
  readonly bytes: number;
}

/** One JSON object a line; the row number is the line number. */
export function openJsonLines(file: DatasetFile, contract: Contract): RowSource {
  return {
    rows: file.lines,
    times: 'text',
    read: (ranges) => readBatches(file, contract, ranges),
    close: async () => {},
  };
}

async function* readBatches(file: DatasetFile, contract: Contract, ranges: readonly Range[]): AsyncGenerator<RawBatch> {
  const last = ranges.at(-1)?.hi ?? 0;
  let index = 0;
  let lines: Line[] = [];
  let bytes = 0;
  for await (const line of readLines(file)) {
    if (line.number > last) break;
    const range = ranges[index];
    if (range === undefined || line.number < range.lo) continue;
    lines.push(line);
    bytes += Math.min(line.bytes, lineBytesMax);
    if (line.number < range.hi && bytes < batchBytesMax) continue;
    yield parseLines(lines, contract);
    if (line.number === range.hi) index += 1;
    lines = [];
    bytes = 0;
  }
}

/** Lines one by one; of a line above the bound only the beginning is kept. */
async function* readLines(file: DatasetFile): AsyncGenerator<Line> {
  let number = 0;
  let parts: Buffer[] = [];
  let kept = 0;
  let bytes = 0;
  const take = (part: Buffer) => {
    const room = lineBytesMax - kept;
    if (room > 0) parts.push(part.length <= room ? part : part.subarray(0, room));
    kept += Math.min(part.length, Math.max(room, 0));
    bytes += part.length;
  };
  const end = (): Line => {
    number += 1;
    const line = { number, text: Buffer.concat(parts).toString('utf8').replace(/\r$/, ''), bytes };
    [parts, kept, bytes] = [[], 0, 0];
    return line;
  };
  try {
    for await (const chunk of createReadStream(file.path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, start)) {
        take(chunk.subarray(start, at));
        yield end();
        start = at + 1;
      }
      if (start < chunk.length) take(chunk.subarray(start));
    }
    if (bytes > 0) yield end();
  } catch (error) {
    throw datasetUnreadable(file.dataset, file.path, error);
  }
}

function parseLines(lines: readonly Line[], contract: Contract): RawBatch {
  const names = Object.keys(contract.columns);
  const columns = new Map<string, unknown[]>(
    names.map((name) => [name, new Array<unknown>(lines.length).fill(undefined)]),
  );
  const faults = new Map<number, Fault>();
  lines.forEach((line, position) => {
    const row = parseLine(line);
    const fault = row instanceof Fault ? row : findUnknown(row, contract);
    if (fault !== undefined) faults.set(position, fault);
    if (row instanceof Fault) return;
    for (const [name, values] of columns) values[position] = Object.hasOwn(row, name) ? row[name] : undefined;
  });
  return {
    lo: lines[0]?.number ?? 1,
    rows: lines.length,
    columns,
    faults,
    body: (position) => lines[position]?.text ?? '',
  };
}

function parseLine(line: Line): Record<string, unknown> | Fault {
  if (line.bytes > lineBytesMax) {
    const reason = `the line has ${line.bytes} bytes, at most ${lineBytesMax} are taken; the body holds its beginning`;
    return new Fault('row_too_long', '', line.text, reason);
  }
  try {
    const row: unknown = JSON.parse(line.text);
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Record<string, unknown>;
    return new Fault('not_an_object', '', line.text, 'the line is JSON, but no object of columns');
  } catch (error) {
    return new Fault('not_json', '', line.text, `the line is no JSON: ${messageOf(error)}`);
  }
}

function findUnknown(row: Record<string, unknown>, contract: Contract): Fault | undefined {
  if (contract.unknownColumns === 'drop') return undefined;
  const unknown = Object.keys(row).find((name) => !Object.hasOwn(contract.columns, name));
  if (unknown === undefined) return undefined;
  return new Fault('unknown_column', unknown, row[unknown], `the contract knows no column "${unknown}"`);
}
