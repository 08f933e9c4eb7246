import { given, numberOption, orchestratorVerb, usageError } from './orchestrator-verb.ts';
import { required } from './release.ts';
import { runMany } from './run-many.ts';
import { describeRun, followRun } from './run-view.ts';
import { textOption, type Values } from './verb.ts';

export const run = orchestratorVerb({
  name: 'run',
  summary: 'start a workflow, once or for each line of a file',
  wordsMax: 1,
  usage: 'WORKFLOW [--set NAME=VALUE … | --many FILE] [--priority 0..9] [--key TEXT] [--no-wait]',
  help: `Starts a run and follows it to its end (exit code 1 when it fails). --no-wait returns at once.
  --set NAME=VALUE   a parameter, as often as there are; the definition has their types and defaults
  --priority N       9 first, among the runs of the tenant; default: what the definition says
  --key TEXT         an idempotency key: asked twice under one key, it runs once
  --many FILE        a run for each line of the file, or of standard input (-): JSON Lines, an object of parameters a line.
                     Nothing is sent before all lines are found sound; no run is waited for; exit code 1 when one was
                     refused. --json prints what became of each line, one a line
  --many FILE --key PREFIX   the run of line 7 has the key PREFIX-7: a file that broke off is sent again as it is, within a
                     day, and only what was not taken in is started
Example: npx orrery run score-day --set day=2001-06-15
         npx orrery run score-day --many days.jsonl --key june-2001
Then: npx orrery show RUN, npx orrery explain RUN while it runs, npx orrery retry RUN when it has failed.`,
  options: {
    set: { type: 'string', multiple: true },
    priority: { type: 'string' },
    key: { type: 'string' },
    many: { type: 'string' },
    'no-wait': { type: 'boolean' },
  },
  async answer(caller, { words, values }, context) {
    const { peer, who } = caller;
    const workflow = required(words, 'WORKFLOW', 'run');
    if (values['many'] !== undefined) return runMany(caller, workflow, values, context);
    const priority = numberOption(values, 'priority', [0, 9]);
    const body = { parameters: parameters(values['set']), ...given({ priority }) };
    const path = `/v1/workflows/${encodeURIComponent(workflow)}/runs`;
    const key = given({ idempotencyKey: textOption(values, 'key') });
    const { run: id } = (await peer.call({ method: 'POST', path, body, ...who, ...key })).body as { run: string };
    if (values['no-wait'] === true) return { json: { run: id }, text: id };
    const view = await followRun(peer, id, who);
    return { json: view, text: describeRun(view), exitCode: view.state === 'succeeded' ? 0 : 1 };
  },
});

function parameters(found: Values[string]): Record<string, string | number | boolean> {
  const pairs = (Array.isArray(found) ? found : []).map(String);
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), typed(pair.slice(at + 1))];
      throw usageError(`--set ${pair}`, 'write --set NAME=VALUE');
    }),
  );
}

function typed(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
