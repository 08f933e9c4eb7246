import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { digestOf, isDigest, shortDigest, type Digest } from '@orrery/contracts/digest';
import { Binding } from '@orrery/contracts/pin';
import { Provenance, Release } from '@orrery/contracts/release';
import { CommandError, messageOf } from '../errors.ts';
import { isLocal, recordsFolder, recordsFolders, type Places } from './places.ts';

export interface RecordedRelease {
  readonly digest: Digest;
  readonly release: Release;
  readonly provenance: Provenance;
  readonly folder: string;
}

const ajv = new Ajv2020({ allErrors: true, strict: false });
const checkRelease = ajv.compile(Release);
const checkProvenance = ajv.compile(Provenance);
const checkBinding = ajv.compile(Binding);

/** Adds a release to the records; one that is there already stays as it is, with its first provenance. */
export function recordRelease(
  places: Places,
  environment: string,
  release: Release,
  provenance: Omit<Provenance, 'schema' | 'release'>,
): RecordedRelease {
  const digest = digestOf('release', release);
  const folder = join(recordsFolder(places, environment), 'releases', shortDigest(digest));
  const known = isLocal(environment) ? findReleaseFolder(places, digest) : existingFolder(folder);
  if (known !== undefined) return readReleaseFolder(known);
  const document: Provenance = { schema: 1, release: digest, ...provenance };
  writeRecord(join(folder, 'provenance.json'), document);
  writeRecord(join(folder, 'release.json'), release);
  return { digest, release, provenance: document, folder };
}

/** The release of a digest or of any unambiguous beginning of one (at least four digits). Its bytes are checked. */
export function readRelease(places: Places, reference: string): RecordedRelease {
  const wanted = reference.replace(/^sha256:/, '');
  if (!/^[0-9a-f]{4,64}$/.test(wanted)) {
    const message = `"${reference}" is no release`;
    const hint = 'give at least four digits of its digest: npx orrery release list';
    throw new CommandError({ code: 'RELEASE_UNKNOWN', message, hint, exitCode: 2 });
  }
  const folders = releaseFolders(places).filter((folder) => matches(folder, wanted));
  const [only, second] = folders;
  if (only === undefined) {
    const message = `there is no release ${reference}`;
    throw new CommandError({ code: 'RELEASE_UNKNOWN', message, hint: 'npx orrery release list', exitCode: 2 });
  }
  if (second !== undefined) {
    const message = `${reference} stands for ${folders.length} releases`;
    throw new CommandError({ code: 'RELEASE_AMBIGUOUS', message, hint: 'give more digits', exitCode: 2 });
  }
  const found = readReleaseFolder(only);
  if (found.digest.slice('sha256:'.length).startsWith(wanted)) return found;
  throw new CommandError({
    code: 'RELEASE_UNKNOWN',
    message: `there is no release ${reference}`,
    hint: 'npx orrery release list',
    exitCode: 2,
  });
}

/** Every record of a release, each checked by itself: the release, or what is wrong with its record. */
export function checkReleases(
  places: Places,
): { readonly name: string; readonly found: RecordedRelease | CommandError }[] {
  return releaseFolders(places).map((folder) => ({ name: basename(folder), found: checkFolder(folder) }));
}

function checkFolder(folder: string): RecordedRelease | CommandError {
  try {
    return readReleaseFolder(folder);
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

/** Every release that is recorded, each checked, by the time of its making. */
export function listReleases(places: Places): RecordedRelease[] {
  const releases = releaseFolders(places).map(readReleaseFolder);
  return releases.sort((left, right) => left.provenance.createdAt.localeCompare(right.provenance.createdAt));
}

export function recordBinding(places: Places, binding: Binding): Digest {
  const digest = digestOf('binding', binding);
  const file = join(recordsFolder(places, binding.environment), 'bindings', `${shortDigest(digest)}.json`);
  if (!existsSync(file)) writeRecord(file, binding);
  return digest;
}

export function readBinding(places: Places, environment: string, digest: Digest): Binding {
  const file = join(recordsFolder(places, environment), 'bindings', `${shortDigest(digest)}.json`);
  const binding = readDocument(file, checkBinding) as Binding;
  const found = digestOf('binding', binding);
  if (found !== digest) throw corrupt(file, digest, found);
  return binding;
}

/** Writes a document whole or not at all, for people to read. */
export function writeRecord(file: string, document: unknown): void {
  renameSync(writeAside(file, document), file);
}

/** Writes a document whole where nothing is. False, and nothing written, when the name is taken. */
export function createRecord(file: string, document: unknown): boolean {
  const temporary = writeAside(file, document);
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** A document as it is recorded, for people to read: keys sorted, two blanks of indentation, one end of line. */
export function formatRecord(document: unknown): string {
  return `${JSON.stringify(sortKeys(document), null, 2)}\n`;
}

/** A temporary file begins with a dot and ends with its writer's number, so that readers leave it alone and the dead's can be swept. */
function writeAside(file: string, document: unknown): string {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.${process.pid}.tmp`);
  try {
    writeFileSync(temporary, formatRecord(document), { flush: true });
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return temporary;
}

/** The release of a folder of the records, checked against the folder's name. */
export function readReleaseFolder(folder: string): RecordedRelease {
  const file = join(folder, 'release.json');
  const release = readDocument(file, checkRelease) as Release;
  const provenance = readDocument(join(folder, 'provenance.json'), checkProvenance) as Provenance;
  const digest = digestOf('release', release);
  if (!folder.endsWith(shortDigest(digest)) || provenance.release !== digest)
    throw corrupt(file, provenance.release, digest);
  return { digest, release, provenance, folder };
}

function findReleaseFolder(places: Places, digest: Digest): string | undefined {
  return releaseFolders(places).find((folder) => folder.endsWith(shortDigest(digest)));
}

function existingFolder(folder: string): string | undefined {
  return existsSync(join(folder, 'release.json')) ? folder : undefined;
}

/** Every recorded release once; what is recorded in git and on this machine too counts as recorded in git. */
function releaseFolders(places: Places): string[] {
  const folders = recordsFolders(places).flatMap((records) => {
    const folder = join(records, 'releases');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => /^[0-9a-f]{12}$/.test(name) && existsSync(join(folder, name, 'release.json')))
      .map((name) => join(folder, name));
  });
  const names = folders.map((folder) => folder.slice(-12));
  return folders.filter((folder, index) => names.indexOf(folder.slice(-12)) === index);
}

function matches(folder: string, wanted: string): boolean {
  const name = folder.slice(-12);
  return name.startsWith(wanted.slice(0, 12));
}

function readDocument(file: string, check: ReturnType<typeof ajv.compile>): unknown {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw unreadable(file, missing ? 'it is missing' : messageOf(cause), cause);
  }
  if (check(document)) return document;
  if (check === checkRelease && (document as { schema?: unknown } | null)?.schema === 1) throw outdated(file);
  const first = check.errors?.[0];
  throw unreadable(file, `${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}`);
}

/** What an earlier form of orrery wrote. Everything that it says can be made again; no data lies in it. */
export function outdated(file: string): CommandError {
  return new CommandError({
    code: 'RECORD_OUTDATED',
    message: `${file} was written by an earlier form of orrery, which this one does not read`,
    hint: 'delete the folders records and pins of the state folder (.orrery): they are made again, and the data beside them stays',
    exitCode: 3,
  });
}

function unreadable(file: string, reason: string, cause?: unknown): CommandError {
  return new CommandError({
    code: 'RECORD_CORRUPT',
    message: `${file} is no valid record: ${reason}`,
    hint: `records are never edited: restore it (git checkout -- ${file}), or delete its folder when it is machine state`,
    exitCode: 3,
    cause,
  });
}

function corrupt(file: string, expected: string, found: string): CommandError {
  return new CommandError({
    code: 'RECORD_CORRUPT',
    message: `${file} was changed: it is recorded as ${isDigest(expected) ? expected : 'no digest'} but hashes to ${found}`,
    hint: `records are never edited: restore it (git checkout -- ${file}), or delete its folder when it is machine state`,
    exitCode: 3,
  });
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}
