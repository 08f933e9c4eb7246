import { isDeepStrictEqual } from 'node:util';
import type { PinMoved } from '@orrery/contracts/ledger';
import type { Pin } from '@orrery/contracts/pin';
import type { Places } from '../release/places.ts';
import { readBinding, readRelease } from '../release/records.ts';
import { renderEnvironment } from '../render/environment.ts';
import { assertRenderPinned } from '../render/pinned.ts';
import { movesOf, readLedger, type Move } from './ledger.ts';
import { underLock } from './lock.ts';
import { lastMove, movePin, settlePin } from './pin.ts';
import { provideClosure } from './verify.ts';

export interface MoveOptions {
  readonly places: Places;
  readonly environment: string;
  readonly kind: PinMoved['kind'];
  readonly pin: Pin;
  readonly actor: string;
  readonly reason: string;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
  /** How long to wait while another command changes the same environment in this clone. Default 0. */
  readonly waitMs?: number;
}

/**
 * Moves the pin of an environment that is recorded in git, once all that it names is there. What moves is this clone's: it reaches others
 * by a commit, so only this clone's lock is taken. Moving to where the pin is already adds no entry; it finishes a move that was killed
 * between the ledger and the pin's file.
 */
export async function moveRecordedPin(options: MoveOptions): Promise<Move> {
  const { places, environment, kind, pin, actor, reason, now, progress, waitMs = 0 } = options;
  await provideClosure(places, readRelease(places, pin.release), progress);
  const lock = { holder: `${actor}: ${kind}`, scope: 'clone', waitMs, progress } as const;
  return underLock(places, environment, lock, (lease) => {
    settlePin(places, environment);
    const stands = lastMove(readLedger(places, environment))?.event.pin;
    if (!isDeepStrictEqual(stands, pin))
      movePin(places, environment, { kind, pin, actor, reason, at: now().toISOString(), fence: lease.fence });
    const move = movesOf(readLedger(places, environment)).at(-1);
    if (move === undefined) throw new TypeError('the ledger has no move');
    return Promise.resolve(move);
  });
}

/**
 * Asked before a pin returns to where it was: throws when that can't be had again as it was. Here is where an analysis of what a return
 * would do to data belongs.
 */
export async function assertCanReturn(
  places: Places,
  environment: string,
  target: Pin,
  progress: (line: string) => void,
): Promise<void> {
  const release = readRelease(places, target.release);
  await provideClosure(places, release, progress);
  const binding = readBinding(places, environment, target.binding);
  const rendered = await renderEnvironment(places, { environment, release, binding, progress });
  await assertRenderPinned(places, target, rendered);
}
