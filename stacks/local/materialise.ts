import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOfBytes, type Digest } from '@orrery/contracts/digest';
import type { ReleasedService } from '@orrery/contracts/release';
import type { ObjectStore } from '@orrery/kit/store';
import { readFileSync } from 'node:fs';
import { readBundle } from '../release/closure.ts';
import { versionFolder, type Layout } from './layout.ts';

interface PlacedFile {
  readonly path: string;
  readonly object: Digest;
}

/**
 * Lays a service's bundle and definitions into `versions/<own>/` and returns that folder: `src/`, `lua/`, `sql/`, `definitions/`,
 * and a link to the installed packages for native modules. A folder that is there is checked byte for byte and made again when
 * a byte differs.
 */
export async function materialise(layout: Layout, store: ObjectStore, service: ReleasedService): Promise<string> {
  const folder = versionFolder(layout, service);
  const files = await filesOf(store, service);
  if (existsSync(folder)) {
    if (files.every((file) => holds(join(folder, file.path), file.object))) return folder;
    remove(folder);
  }
  mkdirSync(layout.versions, { recursive: true });
  const temporary = mkdtempSync(join(layout.versions, '.making-'));
  chmodSync(temporary, 0o755);
  mkdirSync(join(temporary, 'definitions'), { recursive: true });
  for (const file of files) {
    const target = join(temporary, file.path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, await store.get(file.object), { mode: 0o444 });
  }
  symlinkSync(join(layout.root, 'node_modules'), join(temporary, 'node_modules'));
  renameSync(temporary, folder);
  return folder;
}

async function filesOf(store: ObjectStore, service: ReleasedService): Promise<PlacedFile[]> {
  const bundle = await readBundle(store, service.bundle);
  const definitions = Object.entries(service.definitions).map(([path, object]) => ({
    path: `definitions/${path}`,
    object,
  }));
  return [...bundle.files.map((file) => ({ path: file.path, object: file.object })), ...definitions];
}

function holds(path: string, object: Digest): boolean {
  return existsSync(path) && digestOfBytes(readFileSync(path)) === object;
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
