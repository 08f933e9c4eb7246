import { shortDigest } from '@orrery/contracts/digest';
import type { Binding, Pin } from '@orrery/contracts/pin';
import { freezeSettings } from './settings-file.ts';
import { assertSettingsPinned, readPinnedEnvironment } from '../pinned-environment.ts';
import { verifyClosure } from '../release/closure.ts';
import { rebuildRelease } from '../release/create.ts';
import type { Places } from '../release/places.ts';
import { readBinding, readRelease, type RecordedRelease } from '../release/records.ts';
import { openStore } from '../release/store.ts';
import { assertCommitted } from './committed.ts';
import { assertPinMoved } from './pin.ts';

export interface VerifyOptions {
  /** A pin that nobody has committed may be deployed: in an emergency, when a review would take too long. */
  readonly allowsUncommitted: boolean;
  readonly progress: (line: string) => void;
}

export interface Verified {
  readonly pin: Pin;
  readonly recorded: RecordedRelease;
  readonly binding: Binding;
}

/**
 * Checks that what an environment is pinned to is what was recorded: the pin is the ledger's last move and committed, release and binding
 * hash to their names, the file of its settings says what the binding froze, and the store holds the release to the last byte.
 */
export async function verifyPinned(places: Places, environment: string, options: VerifyOptions): Promise<Verified> {
  const pin = assertPinMoved(places, environment);
  const { settings } = readPinnedEnvironment(
    {
      pin: () => pin,
      release: (digest) => readRelease(places, digest).release,
      binding: (name, digest) => readBinding(places, name, digest),
    },
    environment,
  );
  assertSettingsPinned(environment, settings, freezeSettings(places.root, environment).settings);
  assertCommitted(places, environment, pin, { allowsUncommitted: options.allowsUncommitted });
  const recorded = readRelease(places, pin.release);
  await provideClosure(places, recorded, options.progress);
  return { pin, recorded, binding: readBinding(places, environment, pin.binding) };
}

/** Brings back what the store lacks of a release. Throws when no commit makes it. */
export async function provideClosure(
  places: Places,
  recorded: RecordedRelease,
  progress: (line: string) => void,
): Promise<void> {
  const [fault] = await verifyClosure(openStore(places), recorded.release);
  if (fault === undefined) return;
  progress(`the store lacks ${fault.what} of ${shortDigest(recorded.digest)}`);
  await rebuildRelease(places, recorded, progress);
}
