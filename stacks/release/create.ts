import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { createFolderStore, type ObjectStore } from '@orrery/kit/store';
import { CommandError } from '../errors.ts';
import { withBuiltRelease } from './checkout.ts';
import { storeFolder, type Places } from './places.ts';
import { recordRelease, type RecordedRelease } from './records.ts';

export interface CreateOptions {
  readonly places: Places;
  /** Whose records take the release. */
  readonly environment: string;
  readonly commit: string;
  /** Pairs that the release carries: model -> pair. */
  readonly live: Readonly<Record<string, Digest>>;
  readonly actor: string;
  readonly reason: string;
  readonly at: string;
  readonly progress: (line: string) => void;
}

/** Makes the release of a commit: computes it, keeps its objects and records it. Making it again changes nothing. */
export async function createRelease(options: CreateOptions): Promise<RecordedRelease> {
  const { places, commit, progress } = options;
  const store = createFolderStore(storeFolder(places));
  return withBuiltRelease({ root: places.root, state: places.state, commit, progress }, async (built) => {
    await admitObjects(store, built.objectFiles);
    return recordRelease(places, options.environment, withLivePairs(built.release, options.live), {
      commit,
      createdAt: options.at,
      actor: options.actor,
      reason: options.reason,
    });
  });
}

/** The same services with other live pairs: what a pair's going live makes. */
export function withLivePairs(release: Release, live: Readonly<Record<string, Digest>>): Release {
  return { ...release, live: { ...live } };
}

/** Brings back what the store lacks of a release, from the commit that made it. Names what was rebuilt. */
export async function rebuildRelease(
  places: Places,
  recorded: RecordedRelease,
  progress: (line: string) => void,
): Promise<void> {
  const store = createFolderStore(storeFolder(places));
  const { commit } = recorded.provenance;
  progress(`rebuilding the bundles of ${recorded.digest.slice(7, 19)} from commit ${commit.slice(0, 12)}`);
  await withBuiltRelease({ root: places.root, state: places.state, commit, progress }, async (built) => {
    const expected = digestOf('release', withLivePairs(recorded.release, {}));
    if (built.digest !== expected) {
      throw new CommandError({
        code: 'REBUILD_DIFFERS',
        message: `commit ${commit} rebuilds to ${built.digest}, the release without its pairs is ${expected}`,
        hint: 'nothing was admitted: the record or the commit was tampered with',
        exitCode: 3,
      });
    }
    await admitObjects(store, built.objectFiles);
  });
}

async function admitObjects(store: ObjectStore, files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (await store.has(`sha256:${basename(file)}`)) continue;
    await store.put(createReadStream(file));
  }
}
