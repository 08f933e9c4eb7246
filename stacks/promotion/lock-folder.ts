import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, messageOf } from '../errors.ts';
import { createRecord, writeRecord } from '../release/records.ts';
import type { LockDriver, LockRecord } from './lock-driver.ts';

const leaseName = /^(\d+)\.json$/;

/** Leases as files `<fence>.json`: created by a link, which fails when the name is taken. For all who share a file system. */
export function createFolderLock(folder: string): LockDriver {
  const file = (fence: number) => join(folder, `${fence}.json`);
  return {
    place: folder,
    pollMs: 100,
    shared: false,
    highest: () =>
      attempt(folder, () => {
        const fence = fencesIn(folder).at(-1);
        return fence === undefined ? undefined : (JSON.parse(readFileSync(file(fence), 'utf8')) as LockRecord);
      }),
    create: (record) => attempt(folder, () => createRecord(file(record.fence), record)),
    renew: (record) => attempt(folder, () => writeRecord(file(record.fence), record)),
    prune: (below) =>
      attempt(folder, () => {
        for (const fence of fencesIn(folder).filter((one) => one < below)) rmSync(file(fence), { force: true });
      }),
  };
}

function fencesIn(folder: string): number[] {
  if (!existsSync(folder)) return [];
  const fences = readdirSync(folder).flatMap((name) => leaseName.exec(name)?.[1] ?? []);
  return fences.map(Number).sort((left, right) => left - right);
}

async function attempt<T>(folder: string, work: () => T): Promise<T> {
  try {
    return await Promise.resolve(work());
  } catch (cause) {
    throw new CommandError({
      code: 'LOCK_UNREACHABLE',
      message: `the leases in ${folder} can't be read or written: ${messageOf(cause)}`,
      hint: 'see that the folder is yours and that the disk has room',
      cause,
    });
  }
}
