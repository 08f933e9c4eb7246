import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { TarEntry } from './tar.ts';

const elf = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const script = Buffer.from('#!');

/**
 * Files and links below a folder as entries below `place`. Permissions follow from the content, since those of a machine follow
 * from how it was installed: 0755 for programs, libraries and scripts, 0644 for the rest. Empty folders are left out.
 */
export function readEntries(folder: string, place: string, keep: (path: string) => boolean = () => true): TarEntry[] {
  const entries: TarEntry[] = [];
  const visit = (below: string): void => {
    for (const { name } of readdirSync(join(folder, below), { withFileTypes: true })) {
      const path = below === '' ? name : `${below}/${name}`;
      const file = join(folder, path);
      const stat = lstatSync(file);
      if (stat.isDirectory()) visit(path);
      else if (keep(path)) entries.push({ path: place === '' ? path : `${place}/${path}`, ...describe(file, stat) });
    }
  };
  visit('');
  return entries;
}

function describe(file: string, stat: { isSymbolicLink(): boolean; size: number }): Omit<TarEntry, 'path'> {
  if (stat.isSymbolicLink()) return { mode: 0o777, target: readlinkSync(file) };
  return { mode: isExecuted(file) ? 0o755 : 0o644, source: { file, bytes: stat.size } };
}

function isExecuted(file: string): boolean {
  const head = Buffer.alloc(elf.length);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return head.equals(elf) || head.subarray(0, script.length).equals(script);
}
