import { orchestratorVerb, runPath, spanText } from './orchestrator-verb.ts';
import { required } from './release.ts';
import { table } from './table.ts';

interface Explained {
  readonly run: string;
  readonly state: string;
  readonly openSteps: number;
  readonly explanations: readonly {
    readonly step: string;
    readonly state: string;
    readonly text: string;
    readonly sinceMs: number | null;
  }[];
}

export const explain = orchestratorVerb({
  name: 'explain',
  summary: 'tell what each step of a run waits for',
  wordsMax: 1,
  usage: 'RUN',
  help: `For every step that has not ended, what exactly keeps it: needs, its place in line, a limit and who holds it, a pause and who
made it, a pool that nobody serves, a backoff, a timer, an event, approvals, a child run, items, a lease and which workers may
hold it. The first 200 of a large run.
Example: npx orrery explain s00-0mb1…
Then, for instance: npx orrery approve RUN STEP, npx orrery resume RUN, npx orrery skip RUN STEP --reason "…".`,
  async answer({ call }, { words }, { now }) {
    const id = required(words, 'RUN', 'explain');
    const found = await call<Explained>('GET', runPath(id, '/explain'));
    const nowMs = now().getTime();
    const rows = found.explanations.map(({ step, state, text, sinceMs }) => {
      return [step === '' ? '(the run)' : step, state, sinceMs === null ? '-' : spanText(nowMs - sinceMs), text];
    });
    const shown = found.explanations.filter(({ step }) => step !== '').length;
    const more = found.openSteps > shown ? `\nand ${found.openSteps - shown} more` : '';
    const head = `${found.run}  ${found.state}`;
    if (rows.length === 0) return { json: found, text: `${head}: nothing of it is left to do. npx orrery show ${id}` };
    return { json: found, text: `${head}\n\n${table(['step', 'state', 'since', 'waits for'], rows)}${more}` };
  },
});
