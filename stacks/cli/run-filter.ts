import { closest } from 'fastest-levenshtein';
import { given, spanOption, usageError } from './orchestrator-verb.ts';
import { textOption, type Values } from './verb.ts';

const states = ['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled', 'resetting', 'paused'];

/** The options by which runs are chosen; the same wherever there are many. */
export const filterOptions = {
  workflow: { type: 'string' },
  state: { type: 'string' },
  actor: { type: 'string' },
  'older-than': { type: 'string' },
} as const;
export const filterUsage = '[--workflow NAME] [--state STATE] [--actor NAME] [--older-than 2h]';
export const filterHelp = `  --workflow NAME      runs of this workflow
  --state STATE        ${states.join(', ')}
  --actor NAME         asked for by this person or trigger
  --older-than 2h      made longer ago: 90s, 30m, 2h, 7d`;

export interface Filter {
  readonly workflow?: string;
  readonly state?: string;
  readonly actor?: string;
  readonly olderThanMs?: number;
}

export function filterOf(values: Values): Filter {
  const state = textOption(values, 'state');
  if (state !== undefined && !states.includes(state)) {
    throw usageError(`--state is "${state}"`, `did you mean ${closest(state, states)}? there is ${states.join(', ')}`);
  }
  const [workflow, actor] = [textOption(values, 'workflow'), textOption(values, 'actor')];
  return given({ workflow, state, actor, olderThanMs: spanOption(values, 'older-than') });
}
