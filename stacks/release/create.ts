import { createReadStream, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { CommandError } from '../errors.ts';
import { diffSettings } from '../pinned-environment.ts';
import { withBuiltRelease, type BuiltRelease } from './checkout.ts';
import { verifyClosure } from './closure.ts';
import { storeFolder, type Places } from './places.ts';
import { recordRelease, type RecordedRelease } from './records.ts';
import { openStore } from './store.ts';

const differencesShownMax = 5;

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
  return withBuiltRelease({ root: places.root, state: places.state, commit, progress }, async (built) => {
    await admitObjects(places, built.objectFiles);
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

/** Brings back what the store lacks of a release, from the commit that made it, once that commit gives the release's digest. */
export async function rebuildRelease(
  places: Places,
  recorded: RecordedRelease,
  progress: (line: string) => void,
): Promise<void> {
  const { commit } = recorded.provenance;
  progress(`rebuilding ${recorded.digest.slice(7, 19)} from commit ${commit.slice(0, 12)}`);
  await withBuiltRelease({ root: places.root, state: places.state, commit, progress }, async (built) => {
    assertRebuilds(recorded, built);
    await admitObjects(places, built.objectFiles);
  });
  const [left, ...more] = await verifyClosure(openStore(places), recorded.release);
  if (left === undefined) return;
  throw new CommandError({
    code: 'RELEASE_INCOMPLETE',
    message: `${left.what} is not in the store and no commit makes it${more.length > 0 ? `, nor ${more.length} more` : ''}`,
    hint: 'a live pair is trained, not built: train it again, or pin a release with another pair',
  });
}

function assertRebuilds(recorded: RecordedRelease, built: BuiltRelease): void {
  const expected = withLivePairs(recorded.release, {});
  const digest = digestOf('release', expected);
  if (built.digest === digest) return;
  const differences = diffSettings(expected, built.release);
  const shown = differences
    .slice(0, differencesShownMax)
    .map((one) => `\n  ${one.path}: recorded ${JSON.stringify(one.pinned)}, rebuilt ${JSON.stringify(one.configured)}`);
  throw new CommandError({
    code: 'REBUILD_DIFFERS',
    message: `commit ${recorded.provenance.commit} rebuilds to ${built.digest}, the release without its pairs is ${digest}; they differ in ${differences.length} places:${shown.join('')}`,
    hint: 'nothing was admitted: the record or the commit was tampered with',
    exitCode: 3,
  });
}

/** Keeps what the store lacks; an object whose bytes no longer hash to its name is made anew. */
async function admitObjects(places: Places, files: readonly string[]): Promise<void> {
  const store = openStore(places);
  for (const file of files) {
    const hex = basename(file);
    const held = await store.get(`sha256:${hex}`).then(
      () => true,
      () => false,
    );
    if (held) continue;
    rmSync(join(storeFolder(places), 'sha256', hex.slice(0, 2), hex), { force: true });
    await store.put(createReadStream(file));
  }
}
