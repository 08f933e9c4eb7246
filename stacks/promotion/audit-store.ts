import { createHash } from 'node:crypto';
import { createReadStream, existsSync, lstatSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { storeFolder, type Places } from '../release/places.ts';
import type { AuditFault } from './audit-fault.ts';

export interface StoreAudit {
  readonly objects: number;
  readonly bytes: number;
  readonly faults: readonly AuditFault[];
  /** Hexadecimal names of the objects that hold other bytes. */
  readonly corrupt: readonly string[];
}

const writable = 0o222;

/** Checks that every object of the store hashes to its name and can't be written. */
export async function auditStore(places: Places): Promise<StoreAudit> {
  const folder = join(storeFolder(places), 'sha256');
  const faults: AuditFault[] = [];
  const corrupt: string[] = [];
  let [objects, bytes] = [0, 0];
  for (const path of existsSync(folder) ? objectsBelow(folder) : []) {
    const file = join(folder, path);
    const fault = (message: string) => faults.push({ kind: 'object', path: relative(places.root, file), message });
    const { size, mode } = lstatSync(file);
    const name = path.split('/').at(-1) ?? '';
    if (!/^([0-9a-f]{2})\/\1[0-9a-f]{62}$/.test(path)) {
      fault('is no object: its name is no digest');
      continue;
    }
    objects += 1;
    bytes += size;
    const found = await hashOf(file);
    if (found !== name) {
      corrupt.push(name);
      fault(`holds other bytes: expected sha256:${name}, found sha256:${found}`);
    }
    if ((mode & writable) !== 0)
      fault(`can be written (mode ${(mode & 0o777).toString(8)}): objects are read-only (444)`);
  }
  return { objects, bytes, faults, corrupt };
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function objectsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
