import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestOf, digestOfBytes, type Digest } from '@orrery/contracts/digest';

/** One file of a bundle or a tree: path with `/`, relative to its root. */
export interface BundleFile {
  readonly path: string;
  readonly content: Buffer;
}

const ignored = new Set(['node_modules', '__pycache__', '.DS_Store']);

/** Every file below a folder, sorted by path; an absent folder is empty. */
export function readTree(folder: string): BundleFile[] {
  return listFiles(folder).map((path) => ({
    path: relative(folder, path).split(sep).join('/'),
    content: readFileSync(path),
  }));
}

/** Digest of a tree: paths and contents, no times, modes or owners. */
export function digestOfTree(files: readonly BundleFile[]): Digest {
  return digestOf(
    'tree',
    files.map((file) => ({ path: file.path, object: digestOfBytes(file.content) })),
  );
}

/** Digest of a file of any size. */
export async function digestOfFile(file: string): Promise<Digest> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return `sha256:${hash.digest('hex')}`;
}

export function sortFiles(files: readonly BundleFile[]): BundleFile[] {
  return [...files].sort((left, right) => (left.path < right.path ? -1 : 1));
}

function listFiles(folder: string): string[] {
  const entries = readFolder(folder).filter((entry) => !ignored.has(entry.name) && !entry.name.endsWith('.pyc'));
  const files = entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? listFiles(path) : [path];
  });
  return files.sort();
}

function readFolder(folder: string): { name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
