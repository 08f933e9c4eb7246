import { shortDigest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import { movePin, readPin, settlePin } from '../promotion/pin.ts';
import { renderTarget } from '../promotion/target.ts';
import { createRelease } from '../release/create.ts';
import { resolveCommit, uncommittedPaths } from '../release/git.ts';
import type { Places } from '../release/places.ts';
import { readBinding, readRelease, recordBinding } from '../release/records.ts';
import { holdLocal } from './hold.ts';
import { localSettings, readLocalBinding } from './settings.ts';

export interface FirstPinOptions {
  readonly places: Places;
  readonly actor: string;
  readonly portBase: number | undefined;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
  /** How long to wait while somebody else makes the first pin. Default 0. */
  readonly waitMs?: number;
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
  const rendered = await renderTarget(places, { environment: 'local', release: recorded.digest, binding, progress });
  const reason = 'the first start';
  const turn = { places, holder: `${actor}: first start`, actor, now, progress, waitMs: options.waitMs ?? 0 };
  const pin = await holdLocal(turn, (lease) => {
    // Of two first starts at one moment one makes the pin.
    const known = readPin(places, 'local');
    if (known !== undefined) return Promise.resolve(known);
    const change = { kind: 'pin', pin: rendered, actor, reason, at: now().toISOString(), fence: lease.fence } as const;
    return Promise.resolve(movePin(places, 'local', change).event.pin);
  });
  progress(`pinned local to release ${shortDigest(recorded.digest)}`);
  return pin;
}
