import { createReadStream } from 'node:fs';
import type { BundleFile } from '../files.ts';

/** One thing in a layer: a file, a folder or a symbolic link. */
export interface TarEntry {
  /** With `/`, relative to the root of the image, without a leading one; a folder's ends in `/`. */
  readonly path: string;
  /** Permissions, for example 0o644. */
  readonly mode: number;
  readonly content?: Buffer;
  /** A file of this machine that holds the content, where it is too big to hold in memory. */
  readonly source?: { readonly file: string; readonly bytes: number };
  /** Where a symbolic link points to. */
  readonly target?: string;
}

const blockBytes = 512;
const nameBytesMax = 100;
const prefixBytesMax = 155;

/** Plain files as entries below a folder. */
export function placeFiles(folder: string, files: readonly BundleFile[]): TarEntry[] {
  return files.map(({ path, content }) => ({ path: `${folder}/${path}`, mode: 0o644, content }));
}

/**
 * An uncompressed tar archive: sorted entries with every folder that leads to them; owner 0, time 0, no names. The same entries
 * give the same bytes, on any machine and in any order.
 */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...orderEntries(entries).flatMap(writeEntry), endOfArchive()]);
}

/** The same archive in pieces, for entries whose contents are files. */
export async function* streamTar(entries: readonly TarEntry[]): AsyncGenerator<Buffer> {
  for (const entry of orderEntries(entries)) {
    if (entry.source === undefined) {
      yield Buffer.concat(writeEntry(entry));
      continue;
    }
    const { file, bytes } = entry.source;
    yield Buffer.concat(writeHeaders(entry, bytes));
    let written = 0;
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== bytes) throw new RangeError(`${file} has ${written} bytes and had ${bytes}`);
    yield padding(bytes);
  }
  yield endOfArchive();
}

/** Sorted by path, each folder before what is in it. Throws RangeError where two entries would lie in one place. */
export function orderEntries(entries: readonly TarEntry[]): TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const entry of entries) {
    const place = entry.path.replace(/\/$/, '');
    if (all.has(place)) throw new RangeError(`two entries lie at ${place}`);
    all.set(place, entry);
  }
  for (const { path } of entries) {
    for (const folder of foldersOf(path)) {
      const there = all.get(folder);
      if (there === undefined) all.set(folder, { path: `${folder}/`, mode: 0o755 });
      else if (!there.path.endsWith('/')) throw new RangeError(`${path} lies below ${folder}, which is no folder`);
    }
  }
  return [...all.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
}

function writeEntry(entry: TarEntry): Buffer[] {
  const content = entry.content ?? Buffer.alloc(0);
  return [...writeHeaders(entry, content.length), content, padding(content.length)];
}

/** The header of an entry, preceded by an extended one where a path or a target is too long for the plain form. */
function writeHeaders(entry: TarEntry, bytes: number): Buffer[] {
  const type = entry.target !== undefined ? '2' : entry.path.endsWith('/') ? '5' : '0';
  const target = entry.target ?? '';
  const split = splitPath(entry.path);
  const long = [
    ...(split === undefined ? [paxRecord('path', entry.path)] : []),
    ...(Buffer.byteLength(target) > nameBytesMax ? [paxRecord('linkpath', target)] : []),
  ].join('');
  const { name, prefix } = split ?? { name: cut(entry.path), prefix: '' };
  const plain = writeHeader({ name, prefix, type, target: cut(target), mode: entry.mode, bytes });
  if (long === '') return [plain];
  const records = Buffer.from(long);
  const extended = writeHeader({ name: 'pax', prefix: '', type: 'x', target: '', mode: 0o644, bytes: records.length });
  return [extended, records, padding(records.length), plain];
}

interface Header {
  readonly name: string;
  readonly prefix: string;
  readonly type: string;
  readonly target: string;
  readonly mode: number;
  readonly bytes: number;
}

/** The 512 bytes of POSIX.1-1988 ustar; owner, group and time are 0, the sum is of all bytes with blanks in its own place. */
function writeHeader(header: Header): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  block.write(header.name, 0, 'utf8');
  octal(header.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(header.bytes, 124, 12);
  octal(0, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(header.type, 156, 'latin1');
  block.write(header.target, 157, 'utf8');
  block.write('ustar\u000000', 257, 'latin1');
  octal(0, 329, 8);
  octal(0, 337, 8);
  block.write(header.prefix, 345, 'utf8');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** A path as name and prefix, or undefined where it fits neither. */
function splitPath(path: string): { name: string; prefix: string } | undefined {
  if (Buffer.byteLength(path) <= nameBytesMax) return { name: path, prefix: '' };
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const prefix = path.slice(0, at);
    const name = path.slice(at + 1);
    if (name !== '' && Buffer.byteLength(name) <= nameBytesMax && Buffer.byteLength(prefix) <= prefixBytesMax)
      return { name, prefix };
  }
  return undefined;
}

/** `<length> key=value\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const restBytes = Buffer.byteLength(rest);
  let bytes = restBytes + 1;
  while (bytes !== restBytes + String(bytes).length) bytes += 1;
  return `${bytes}${rest}`;
}

/** What stands in the plain header where the extended one has the whole: readers of the extended one ignore it. */
function cut(text: string): string {
  return Buffer.from(text)
    .subarray(0, nameBytesMax)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '?');
}

function padding(bytes: number): Buffer {
  return Buffer.alloc((blockBytes - (bytes % blockBytes)) % blockBytes);
}

function endOfArchive(): Buffer {
  return Buffer.alloc(2 * blockBytes);
}

function foldersOf(path: string): string[] {
  const parts = path.replace(/\/$/, '').split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
