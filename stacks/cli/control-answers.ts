import type { VerbResult } from './verb.ts';

/** What the orchestrator says of one run. */
export interface Told {
  readonly run: string;
  readonly state: string;
  readonly outcome: string;
  readonly text: string;
  readonly again?: { readonly stepsCount: number; readonly itemsCount: number; readonly steps: readonly string[] };
}

interface Line {
  readonly run: string;
  readonly workflow: string;
  readonly state: string;
  readonly text: string;
}

/** What it says of many. */
export interface BulkTold {
  readonly verb: string;
  readonly applied: boolean;
  readonly token: string;
  readonly acts: readonly Line[];
  readonly nothing: readonly Line[];
  readonly refused: readonly (Line & { readonly code: string; readonly hint: string })[];
  readonly next: string | null;
}

const stepsShown = 50;

export function tellOne(verb: string, told: Told): VerbResult {
  const { run, state, outcome, text, again } = told;
  const head =
    outcome === 'would'
      ? `${run} is ${state}; ${verb} would: ${text}`
      : `${run}: ${state}${outcome === 'nothing' ? ' already' : ''}`;
  const steps = again?.steps ?? [];
  const more = (again?.stepsCount ?? 0) > stepsShown ? `\n  and ${(again?.stepsCount ?? 0) - stepsShown} more` : '';
  const list = steps.slice(0, stepsShown).map((step) => `\n  ${step}`);
  return {
    json: told,
    text: `${head}${again === undefined || outcome === 'would' ? '' : `, ${text}`}${outcome === 'would' ? list.join('') + more : ''}`,
  };
}

/** Exit code 1 when something was refused that should have been done. */
export function tellMany(told: BulkTold, confirm: string): VerbResult {
  const line = ({ run, workflow, state, text }: Line) => `  ${run}  ${workflow}  ${state}: ${text}`;
  const part = (title: string, lines: readonly Line[]) => (lines.length === 0 ? [] : [title, ...lines.map(line)]);
  const { verb, applied, acts, nothing, refused, next, token } = told;
  const text = [
    ...part(`${verb} ${applied ? 'done to' : 'would be done to'} ${acts.length}:`, acts),
    ...part(`nothing to do for ${nothing.length}:`, nothing),
    ...part(`refused for ${refused.length}:`, refused),
    ...(acts.length + nothing.length + refused.length === 0 ? ['no run fits'] : []),
    ...(next === null ? [] : [`more runs fit than one call takes: --cursor ${next}`]),
    ...(applied || acts.length === 0 ? [] : ['', `to do exactly this: ${confirm} --confirm ${token}`]),
  ];
  return { json: told, text: text.join('\n'), exitCode: applied && refused.length > 0 ? 1 : 0 };
}
