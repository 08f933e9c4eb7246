import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.join(import.meta.dirname, '..', '..');
const NOT_OURS = new Set([
  'node_modules',
  '.git',
  '.orrery',
  'coverage',
  '__pycache__',
  '.pytest_cache',
  '.ruff_cache',
]);

/** Every file of the repository below a folder, as sorted paths from the root with forward slashes. */
export function filesUnder(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !NOT_OURS.has(name))
    .flatMap((entry) => {
      const file = path.posix.join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(file) : [file];
    })
    .toSorted();
}

export function foldersIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !NOT_OURS.has(entry.name))
    .map(({ name }) => name)
    .toSorted();
}

export function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** A package.json, as far as the tests here read it. */
export interface Manifest {
  readonly name: string;
  readonly type?: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export function manifestOf(folder: string): Manifest {
  return JSON.parse(read(path.posix.join(folder, 'package.json'))) as Manifest;
}
