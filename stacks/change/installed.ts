import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CommandError } from '../errors.ts';
import type { Lockfile } from '../release/lockfile.ts';

type Entry = Lockfile['packages'][string] & { readonly optional?: boolean };

/** Where npm writes what it installed. Where `node_modules` is a link, it is what lies at its target that would be bundled. */
const installedFile = 'node_modules/.package-lock.json';

/** Differences that are named; the rest is counted. */
const namedMax = 3;

const kindsOfDependency = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const;

/**
 * Makes sure that a tree is bundled with the packages that its lockfile names, and that the lockfile is what its manifests ask for.
 * Reads lists, not packages. Throws `PACKAGES_DIFFER`.
 */
export function assertInstalled(root: string): void {
  const locked = readLock(root, 'package-lock.json');
  const asked = Object.keys(locked)
    .filter((place) => !isPackage(place))
    .filter((place) => !agrees(root, place, locked[place]))
    .map((place) => `${join(place, 'package.json')} asks for other packages than package-lock.json has for it`);
  if (asked.length > 0) throw differ(asked, 'npm install, and commit package-lock.json');
  const found = diffPackages(locked, settle(root, locked, readInstalled(root)));
  if (found.length > 0) throw differ(found, 'npm ci');
}

/** npm's list outlives an installation that was taken back, or shared by links: where it differs, what lies there decides. */
function settle(root: string, locked: Lockfile['packages'], installed: Lockfile['packages']): Lockfile['packages'] {
  const entries = Object.entries(installed).flatMap(([place, entry]): [string, Entry][] => {
    const wanted = locked[place];
    if (!isPackage(place) || (wanted !== undefined && wanted.version === entry.version)) return [[place, entry]];
    const written = readJson(join(root, place, 'package.json'))?.['version'];
    if (typeof written !== 'string') return [];
    // A publisher may write v1.2.3, which npm locks as 1.2.3.
    const version = written.replace(/^v(?=\d)/, '');
    return [[place, wanted?.version === version ? wanted : { ...entry, version }]];
  });
  return Object.fromEntries(entries);
}

/** One sentence for each package that is not the locked one. What may be absent on this machine may be absent. */
export function diffPackages(
  locked: Readonly<Record<string, Entry>>,
  installed: Readonly<Record<string, Entry>>,
): string[] {
  const places = [...new Set([...Object.keys(locked), ...Object.keys(installed)])].filter(isPackage).sort();
  return places.flatMap((place) => {
    const [wanted, here] = [locked[place], installed[place]];
    const name = place.replace(/^node_modules\//, '');
    if (wanted === undefined) return [`${name} ${here?.version ?? ''} is installed, but not locked`];
    if (here === undefined) return wanted.optional === true ? [] : [`${name} ${wanted.version ?? ''} is not installed`];
    if (wanted.version !== here.version)
      return [`${name} is installed as ${here.version ?? 'a link'}, but locked as ${wanted.version ?? 'a link'}`];
    return wanted.integrity === here.integrity ? [] : [`${name} ${here.version ?? ''} is installed from other bytes`];
  });
}

function isPackage(place: string): boolean {
  return place.includes('node_modules/');
}

/** Whether the lockfile was made for what a manifest asks for. A folder that is gone asks for nothing. */
function agrees(root: string, place: string, locked: object | undefined): boolean {
  const manifest = readJson(join(root, place, 'package.json'));
  if (manifest === undefined) return true;
  const seen = locked as Readonly<Record<string, unknown>> | undefined;
  return kindsOfDependency.every((kind) => isDeepStrictEqual(manifest[kind] ?? {}, seen?.[kind] ?? {}));
}

function readLock(root: string, file: string): Lockfile['packages'] {
  return (readJson(join(root, file)) as Partial<Lockfile> | undefined)?.packages ?? {};
}

function readInstalled(root: string): Lockfile['packages'] {
  const installed = readJson(join(root, installedFile)) as Partial<Lockfile> | undefined;
  if (installed?.packages !== undefined) return installed.packages;
  throw differ([`${installedFile} is missing, so nobody knows what is installed`], 'npm ci');
}

function readJson(file: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function differ(found: readonly string[], hint: string): CommandError {
  const more = found.length > namedMax ? `; and ${found.length - namedMax} more` : '';
  return new CommandError({
    code: 'PACKAGES_DIFFER',
    message: `the tree would be bundled with other packages than it names: ${found.slice(0, namedMax).join('; ')}${more}`,
    hint,
  });
}
