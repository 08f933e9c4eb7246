import { shortDigest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import { acquireLock } from '../promotion/lock.ts';
import { movePin, readPin, settlePin } from '../promotion/pin.ts';
import { renderTarget } from '../promotion/target.ts';
import { createRelease } from '../release/create.ts';
import { resolveCommit, uncommittedPaths } from '../release/git.ts';
import type { Places } from '../release/places.ts';
import { readBinding, readRelease, recordBinding } from '../release/records.ts';
import { localSettings, readLocalBinding } from './settings.ts';

export interface FirstPinOptions {
  readonly places: Places;
  readonly actor: string;
  readonly portBase: number | undefined;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
}

/**
 * The pin of `local`; where there is none, the release of the clone's HEAD is made and pinned. Says what the working tree has that
 * does not run, since only a release runs.
 */
export async function firstPin(options: FirstPinOptions): Promise<{ pin: Pin; portBase: number; made: boolean }> {
  const { places, progress } = options;
  settlePin(places, 'local');
  const known = readPin(places, 'local');
  const pin = known ?? (await makePin(options));
  const recorded = readRelease(places, pin.release);
  const head = resolveCommit(places.root, 'HEAD');
  if (recorded.provenance.commit !== head) {
    progress(
      `note: local stands on commit ${recorded.provenance.commit.slice(0, 12)}, not on HEAD ${head.slice(0, 12)}:`,
    );
    progress('      npx orrery release create --live local, then npx orrery pin local <release>');
  }
  const dirty = uncommittedPaths(places.root);
  if (dirty.length > 0)
    progress(`note: ${dirty.length} changed files of the working tree are not in what runs (${dirty[0] ?? ''}, …)`);
  const settings = localSettings(readBinding(places, 'local', pin.binding));
  return { pin, portBase: options.portBase ?? settings.portBase, made: known === undefined };
}

async function makePin(options: FirstPinOptions): Promise<Pin> {
  const { places, actor, now, progress } = options;
  progress('making the release of HEAD');
  const binding = recordBinding(places, readLocalBinding(places.root));
  const recorded = await createRelease({
    places,
    environment: 'local',
    commit: resolveCommit(places.root, 'HEAD'),
    live: {},
    actor,
    reason: 'the first start',
    at: now().toISOString(),
    progress,
  });
  const pin = await renderTarget(places, { environment: 'local', release: recorded.digest, binding, progress });
  const lease = await acquireLock(places, 'local', { holder: `${actor}: first start` });
  try {
    const change = { kind: 'pin', pin, actor, reason: 'the first start', at: now().toISOString() } as const;
    movePin(places, 'local', { ...change, fence: lease.fence });
  } finally {
    await lease.release();
  }
  progress(`pinned local to release ${shortDigest(recorded.digest)}`);
  return pin;
}
