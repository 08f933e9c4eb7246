import { dirname } from 'node:path/posix';
import { CommandError } from '../errors.ts';

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  /** Where it can be installed; one name or several, all where absent. */
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
  readonly libc?: string | readonly string[];
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

export interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/**
 * What a workspace runs with: place in `node_modules` -> version and integrity, read from the lockfile alone. Follows
 * dependencies, optional and peer ones as Node resolves them, from the innermost `node_modules` outwards.
 */
export function lockedClosure(lock: Lockfile, workspace: string): Record<string, string> {
  const found = new Map<string, string>();
  const visited = new Set<string>();
  const open = [workspace];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (visited.has(place)) continue;
    visited.add(place);
    const entry = lock.packages[place];
    if (entry === undefined) throw missing(place, workspace);
    if (entry.link === true && entry.resolved !== undefined) {
      open.push(entry.resolved);
      continue;
    }
    if (place.includes('node_modules/')) found.set(place, `${entry.version ?? ''} ${entry.integrity ?? ''}`);
    for (const [name, optional] of wanted(entry)) {
      const target = resolvePlace(lock, place, name);
      if (target !== undefined) open.push(target);
      else if (!optional) throw missing(name, place);
    }
  }
  return Object.fromEntries([...found].sort(([left], [right]) => (left < right ? -1 : 1)));
}

/** Version and integrity of one package as a workspace sees it. */
export function lockedPackage(lock: Lockfile, workspace: string, name: string): string {
  const entry = lock.packages[lockedPlace(lock, workspace, name)];
  return `${entry?.version ?? ''} ${entry?.integrity ?? ''}`;
}

/** Where the package lies that a workspace sees by this name. */
export function lockedPlace(lock: Lockfile, workspace: string, name: string): string {
  const place = resolvePlace(lock, workspace, name);
  if (place === undefined) throw missing(name, workspace);
  return place;
}

function wanted(entry: LockedPackage): [name: string, optional: boolean][] {
  const peers = Object.keys(entry.peerDependencies ?? {});
  return [
    ...Object.keys(entry.dependencies ?? {}).map((name): [string, boolean] => [name, false]),
    ...Object.keys(entry.optionalDependencies ?? {}).map((name): [string, boolean] => [name, true]),
    ...peers.map((name): [string, boolean] => [name, entry.peerDependenciesMeta?.[name]?.optional === true]),
  ];
}

function resolvePlace(lock: Lockfile, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder === '' || folder === '.' ? '.' : dirname(folder)) {
    const place = folder === '' || folder === '.' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (lock.packages[place] !== undefined) return place;
    if (folder === '' || folder === '.') return undefined;
  }
}

function missing(name: string, from: string): CommandError {
  return new CommandError({
    code: 'LOCKFILE_INCOMPLETE',
    message: `package-lock.json has no ${name}, which ${from} needs`,
    hint: 'run npm install and commit package-lock.json',
  });
}
