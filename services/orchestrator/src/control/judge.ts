import { OrreryError } from '@orrery/kit/errors';
import { migrationRefused, wrongState } from '../errors.ts';

export type RunVerb = 'pause' | 'resume' | 'cancel' | 'kill' | 'priority' | 'retry' | 'reset' | 'migrate';

/** A run as far as a verb asks. */
export interface Judged {
  readonly run: string;
  readonly state: string;
  readonly paused: boolean;
  /** Attempts in progress. */
  readonly active: number;
  readonly priority: number;
  readonly left: number;
  /** Whether a step of another run waits for it. */
  readonly hasParent: boolean;
}

/** What a verb would do to a run, in words, `nothing` when it is so already; or why it is refused. */
export type Verdict =
  | { readonly outcome: 'does' | 'nothing'; readonly text: string }
  | { readonly outcome: 'refused'; readonly error: OrreryError };

const openStates = ['queued', 'running', 'cancelling'];

/**
 * Foretells a verb. Redis judges again when it is done, so what has changed in between is refused then: this is what a dry run shows.
 */
export function judge(
  verb: RunVerb,
  run: Judged,
  wanted: { readonly priority?: number; readonly graceMs?: number } = {},
): Verdict {
  const isOpen = openStates.includes(run.state);
  const refused: Verdict = { outcome: 'refused', error: wrongState(verb, run.run, run.state) };
  const attempts = `${run.active} attempt${run.active === 1 ? '' : 's'} in progress`;
  switch (verb) {
    case 'pause':
      if (!isOpen || run.state === 'cancelling') return refused;
      if (run.paused) return nothing('is paused already');
      return does(`starts no more steps; ${attempts} will end`);
    case 'resume':
      if (!run.paused) return nothing('is not paused');
      return does('starts its ready steps again');
    case 'cancel': {
      if (run.state === 'cancelled' || run.state === 'cancelling') return nothing(`is ${run.state} already`);
      if (!isOpen) return refused;
      const grace = `${(wanted.graceMs ?? 0) / 1000} s`;
      return does(
        run.state === 'queued'
          ? 'never starts'
          : `ends ${run.left} steps; ${attempts} are asked to stop within ${grace}`,
      );
    }
    case 'kill':
      if (run.state === 'cancelled') return nothing('is cancelled already');
      if (!isOpen) return refused;
      return does(
        run.state === 'queued'
          ? 'never starts'
          : `ends ${run.left} steps; ${attempts} are taken from their workers at once`,
      );
    case 'priority':
      if (!isOpen) return refused;
      if (run.priority === wanted.priority) return nothing(`has the priority ${run.priority} already`);
      return does(`gets the priority ${wanted.priority ?? run.priority} instead of ${run.priority}`);
    case 'retry':
      if (!['failed', 'cancelled', 'resetting'].includes(run.state)) return refused;
      return does('goes on from what did not end well');
    case 'reset':
      return isOpen ? refused : does('goes back to a step');
    case 'migrate':
      return judgeMigration(run, refused);
  }
}

function judgeMigration(run: Judged, refused: Verdict): Verdict {
  if (!openStates.includes(run.state)) return does('goes on with the current definition');
  if (run.state === 'cancelling' || (run.state === 'running' && !run.paused)) return refused;
  if (run.active > 0) {
    const why = `${run.active} of its steps are at work`;
    return {
      outcome: 'refused',
      error: migrationRefused(run.run, why, 'it is paused: wait until they have ended, or kill it'),
    };
  }
  if (run.hasParent) {
    const hint = 'let it end, or cancel the parent run and retry that with the current definition';
    return { outcome: 'refused', error: migrationRefused(run.run, 'a step of its parent waits for it', hint) };
  }
  return does('goes on with the current definition');
}

function does(text: string): Verdict {
  return { outcome: 'does', text };
}

function nothing(text: string): Verdict {
  return { outcome: 'nothing', text };
}
