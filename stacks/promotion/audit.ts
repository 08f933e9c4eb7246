import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { messageOf } from '../errors.ts';
import { withBuiltRelease } from '../release/checkout.ts';
import { storeFolder, type Places } from '../release/places.ts';
import { listReleases } from '../release/records.ts';
import { firstOffset, type AuditFault } from './audit-fault.ts';
import { auditHistory } from './audit-history.ts';
import { auditRecords } from './audit-records.ts';
import { auditStore } from './audit-store.ts';

export interface Audit {
  readonly whole: boolean;
  /** Of what was checked, how many. */
  readonly checked: Readonly<
    Record<'commits' | 'releases' | 'bindings' | 'ledgers' | 'entries' | 'pins' | 'objects', number>
  >;
  /** Git's history was not all there to be checked. */
  readonly shallow: boolean;
  /** The first is the first wrong byte that is known. */
  readonly faults: readonly AuditFault[];
}

export interface AuditOptions {
  readonly places: Places;
  /** Builds releases again to tell at which byte a corrupt object is wrong. */
  readonly rebuilds: boolean;
  readonly progress: (line: string) => void;
}

/**
 * Checks that what was recorded is what stands: git only ever added to the records, each is what its name says, ledgers follow from entry
 * to entry, pins are where their ledgers say, and every object of the store hashes to its name and is read-only.
 */
export async function auditAll({ places, rebuilds, progress }: AuditOptions): Promise<Audit> {
  progress('reading the history of stacks/records');
  const history = await auditHistory(places.root);
  progress('reading records, ledgers and pins');
  const [git, local] = [await auditRecords(places, 'git'), await auditRecords(places, 'local')];
  progress('hashing the objects of the store');
  const store = await auditStore(places);
  const objects = rebuilds && store.corrupt.length > 0 ? await locate(places, store, progress) : store.faults;
  // History first: it knows what stood before, so it names the byte where the others only see that a digest is wrong.
  const faults = withoutDoubles([...history.faults, ...git.faults, ...local.faults, ...objects]);
  const sum = (key: 'releases' | 'bindings' | 'ledgers' | 'entries' | 'pins') => git[key] + local[key];
  return {
    whole: faults.length === 0,
    checked: {
      commits: history.commits,
      releases: sum('releases'),
      bindings: sum('bindings'),
      ledgers: sum('ledgers'),
      entries: sum('entries'),
      pins: sum('pins'),
      objects: store.objects,
    },
    shallow: history.shallow,
    faults,
  };
}

/** The same wrong byte is found by several checks: the first that names it stays, and others that know no place go. */
function withoutDoubles(faults: readonly AuditFault[]): AuditFault[] {
  return faults.filter((fault, index) => {
    if (fault.kind === 'history') return true;
    const earlier = faults.slice(0, index).filter((one) => one.path === fault.path && one.kind !== 'object');
    return !earlier.some((one) => one.place !== undefined && (fault.place === undefined || isSamePlace(one, fault)));
  });
}

function isSamePlace(left: AuditFault, right: AuditFault): boolean {
  return left.place?.line === right.place?.line && left.place?.column === right.place?.column;
}

/** Finds the first wrong byte of corrupt objects by building them again, release after release, the newest first. */
async function locate(
  places: Places,
  store: { readonly corrupt: readonly string[]; readonly faults: readonly AuditFault[] },
  progress: (line: string) => void,
): Promise<AuditFault[]> {
  const offsets = new Map<string, number>();
  const commits = new Set(listReleases(places).map(({ provenance }) => provenance.commit));
  const path = (hex: string) => join(storeFolder(places), 'sha256', hex.slice(0, 2), hex);
  for (const commit of [...commits].reverse()) {
    if (offsets.size === store.corrupt.length) break;
    progress(`building commit ${commit.slice(0, 12)} again, to compare`);
    const build = withBuiltRelease(
      { root: places.root, state: places.state, commit, progress },
      async ({ objectFiles }) => {
        for (const file of objectFiles) {
          const hex = basename(file);
          if (store.corrupt.includes(hex)) offsets.set(hex, firstOffset(readFileSync(file), readFileSync(path(hex))));
        }
      },
    );
    await build.catch((error: unknown) =>
      progress(`commit ${commit.slice(0, 12)} can't be built: ${messageOf(error)}`),
    );
  }
  const byPath = new Map([...offsets].map(([hex, offset]) => [relative(places.root, path(hex)), offset]));
  return store.faults.map((fault) => {
    const offset = byPath.get(fault.path);
    return offset === undefined || !fault.message.startsWith('holds') ? fault : { ...fault, offset };
  });
}
