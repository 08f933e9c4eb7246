import { OrreryError } from '@orrery/kit/errors';
import { Suspended, type Given, type StepExecutor } from '../executors/types.ts';
import type { Suspension } from '../core/step-lease.ts';
import { expiryOf, totalOf, type WaitPlace } from './wait.ts';

/** Who must say yes, how many of them, and until when. Throws `QUORUM_WRONG` when so many are not asked. */
export function planApproval({ who, quorum = 1 }: Given<'approve'>, place: WaitPlace): Suspension {
  const asked = [...new Set(who)];
  if (quorum <= asked.length) return { on: 'approval', who: asked, quorum, ...expiryOf(place) };
  throw new OrreryError({
    code: 'QUORUM_WRONG',
    message: `quorum is ${quorum}, but ${asked.length} are asked`,
    hint: 'ask as many as must approve, or lower the quorum',
  });
}

export function createApproveExecutor(): StepExecutor<Given<'approve'>> {
  return {
    execute(task) {
      const place = { nowMs: Math.floor(task.claimed.nowMs), totalMs: totalOf(task) };
      return Promise.resolve(new Suspended(planApproval(task.given, place)));
    },
  };
}
