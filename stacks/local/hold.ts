import { isDeepStrictEqual } from 'node:util';
import { settleDeployments, type StandsOn } from '../promotion/deployment.ts';
import { readLedger, type DeploymentRecord } from '../promotion/ledger.ts';
import { underLock, type Lease } from '../promotion/lock.ts';
import { lastMove, settlePin } from '../promotion/pin.ts';
import type { Places } from '../release/places.ts';

export interface HoldOptions {
  readonly places: Places;
  /** Who asks and what for, as others are told it who find `local` locked. */
  readonly holder: string;
  readonly actor: string;
  /** Default 0: `ENVIRONMENT_LOCKED` at once. */
  readonly waitMs?: number;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
}

/**
 * Holds the lock of `local` while `work` is done. Whatever a killed predecessor left is settled first: its deployment is ended in the
 * ledger, and the pin says what the ledger's last move says.
 */
export async function holdLocal<T>(options: HoldOptions, work: (lease: Lease) => Promise<T>): Promise<T> {
  const { places, holder, actor, waitMs = 0, now, progress } = options;
  return underLock(places, 'local', { holder, waitMs, progress }, async (lease) => {
    settlePin(places, 'local');
    const reason = 'found unfinished';
    const standsOn = (deployment: DeploymentRecord) => standsOnNext(places, deployment);
    await settleDeployments({ places, environment: 'local', lease, actor, reason, now, progress, standsOn });
    return work(lease);
  });
}

/** A deployer of `local` takes all that runs with it when it dies, and what starts next is what is pinned. */
function standsOnNext(places: Places, { started }: DeploymentRecord): StandsOn {
  const pinned = lastMove(readLedger(places, 'local'))?.event.pin;
  return isDeepStrictEqual(pinned, started.event.pin) ? 'target' : 'previous';
}
