import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Release } from '@orrery/contracts/release';
import { CommandError } from '../errors.ts';
import { movesOf, readLedger } from '../promotion/ledger.ts';
import type { Places } from '../release/places.ts';
import { readRelease } from '../release/records.ts';
import { versionFolder, type Layout } from './layout.ts';

/** Going back to one of these needs nothing to be laid out anew. */
const movesKept = 10;
/** An object that is still being written is younger than this. */
const incomingMaxMs = 60 * 60 * 1000;

/**
 * Removes what earlier releases and interrupted work left: laid out versions of services that no release of `kept` names, the
 * configuration of processes that ended, unfinished objects and folders. Nothing that can't be made again, and only while nothing
 * runs. Returns what it removed, in words; empty when there was nothing.
 */
export function sweep(layout: Layout, kept: readonly Release[], nowMs: number): string[] {
  const named = new Set(
    kept.flatMap((release) =>
      Object.values(release.services).map((service) => basename(versionFolder(layout, service))),
    ),
  );
  const versions = entriesOf(layout.versions).filter(
    (name) => name.startsWith('.making-') || (isServiceVersion(name) && !named.has(name)),
  );
  const incoming = join(layout.store, 'incoming');
  const abandoned = entriesOf(incoming).filter(
    (name) => nowMs - statSync(join(incoming, name)).mtimeMs > incomingMaxMs,
  );
  // These are written at every launch, so their number tells nobody anything.
  removeAll(layout.configs, entriesOf(layout.configs), '');
  return [
    ...removeAll(layout.versions, versions, 'laid out versions'),
    ...removeAll(incoming, abandoned, 'unfinished objects'),
  ];
}

/** The releases that `local` stood on lately; one whose record is gone keeps nothing. */
export function releasesOfLastMoves(places: Places): Release[] {
  const moves = movesOf(readLedger(places, 'local')).slice(-movesKept);
  const digests = new Set(moves.map((move) => move.entry.event.pin.release));
  return [...digests].flatMap((digest) => {
    try {
      return [readRelease(places, digest).release];
    } catch (error) {
      if (error instanceof CommandError) return [];
      throw error;
    }
  });
}

/** Laid out infrastructure programs belong to whoever renders, perhaps at this moment. */
function isServiceVersion(name: string): boolean {
  return /-[0-9a-f]{12}$/.test(name) && !name.startsWith('infrastructure-');
}

function removeAll(folder: string, names: readonly string[], what: string): string[] {
  for (const name of names) rmSync(join(folder, name), { recursive: true, force: true });
  return names.length === 0 ? [] : [`${what} (${names.length})`];
}

function entriesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
