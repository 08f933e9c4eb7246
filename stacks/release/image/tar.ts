import type { BundleFile } from '../files.ts';

/** Anything that stands in a layer beside plain files: folders and links. */
export interface TarEntry {
  /** With `/`, relative to the root of the image, without a leading one; a folder's ends in `/`. */
  readonly path: string;
  /** Permissions, for example 0o644. */
  readonly mode: number;
  readonly content?: Buffer;
  /** Where a symbolic link points to. */
  readonly target?: string;
}

const blockBytes = 512;
const nameBytesMax = 100;
const prefixBytesMax = 155;
const end = Buffer.alloc(2 * blockBytes);

/** Files as entries of a layer below a folder, with every folder that leads to them. */
export function placeFiles(folder: string, files: readonly BundleFile[]): TarEntry[] {
  return files.map(({ path, content }) => ({ path: `${folder}/${path}`, mode: 0o644, content }));
}

/**
 * An uncompressed tar archive: sorted entries with every folder that leads to them; owner 0, time 0, no names. The same entries
 * give the same bytes, on any machine and in any order.
 */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...sortEntries(entries).flatMap(writeEntry), end]);
}

export function sortEntries(entries: readonly TarEntry[]): TarEntry[] {
  const all = new Map<string, TarEntry>();
  for (const entry of entries) {
    for (const folder of foldersOf(entry.path)) if (!all.has(folder)) all.set(folder, { path: folder, mode: 0o755 });
    all.set(entry.path, entry);
  }
  return [...all.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** One entry's header and content, each filled up to whole blocks. */
export function writeEntry(entry: TarEntry): Buffer[] {
  const content = entry.content ?? Buffer.alloc(0);
  return [
    ...writeHeaders(entry, content.length),
    content,
    Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes),
  ];
}

/** The header of an entry, preceded by an extended one where a path or a target is too long for the plain form. */
export function writeHeaders(entry: TarEntry, bytes: number): Buffer[] {
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
  return [extended, records, Buffer.alloc((blockBytes - (records.length % blockBytes)) % blockBytes), plain];
}

interface Header {
  readonly name: string;
  readonly prefix: string;
  readonly type: string;
  readonly target: string;
  readonly mode: number;
  readonly bytes: number;
}

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

/** `<length> key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  const length = bytes + String(bytes + String(bytes).length).length;
  return `${length}${rest}`;
}

function cut(text: string): string {
  return Buffer.from(text)
    .subarray(0, nameBytesMax)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '?');
}

function foldersOf(path: string): string[] {
  const parts = path.replace(/\/$/, '').split('/').slice(0, -1);
  return parts.map((_, index) => `${parts.slice(0, index + 1).join('/')}/`);
}
