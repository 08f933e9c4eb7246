import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, messageOf } from '../errors.ts';

/** One version of somebody else's software, as infra/planning/versions.json has it. */
export interface PinnedEntry {
  readonly version: string;
  readonly verified: boolean;
  readonly source: string;
  readonly repository?: string;
  readonly chart?: string;
  readonly digest?: string | null;
}

export type PinnedVersions = Readonly<Record<string, unknown>> & { readonly kubernetes: string };

/** Where a version stands in the file: `charts`, `keda`. */
export interface Place {
  readonly group: string;
  readonly name: string;
}

export const versionsFile = 'infra/planning/versions.json';

export function readVersions(root: string): PinnedVersions {
  try {
    return JSON.parse(readFileSync(join(root, versionsFile), 'utf8')) as PinnedVersions;
  } catch (cause) {
    const message = `${versionsFile} can't be read: ${messageOf(cause)}`;
    throw new CommandError({ code: 'VERSIONS_UNREADABLE', message, hint: `git checkout -- ${versionsFile}`, cause });
  }
}

/** Every version of the file, in its order. */
export function entriesOf(versions: PinnedVersions): [Place, PinnedEntry][] {
  return Object.entries(versions).flatMap(([group, entries]) =>
    typeof entries !== 'object' || entries === null
      ? []
      : Object.entries(entries as Record<string, PinnedEntry>).map(([name, entry]): [Place, PinnedEntry] => [
          { group, name },
          entry,
        ]),
  );
}

/** The file with some entries replaced; everything else stays, byte for byte. Written whole or not at all. */
export function writeVersions(root: string, versions: PinnedVersions, changed: readonly [Place, PinnedEntry][]): void {
  const next = structuredClone(versions) as Record<string, Record<string, PinnedEntry>>;
  for (const [{ group, name }, entry] of changed) {
    const entries = next[group];
    if (entries !== undefined) entries[name] = entry;
  }
  const file = join(root, versionsFile);
  writeFileSync(`${file}.new`, `${JSON.stringify(next, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}
