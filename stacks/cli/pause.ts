import { tellOne, type Told } from './control-answers.ts';
import { given, orchestratorVerb, runPath, usageError, type OrchestratorVerb } from './orchestrator-verb.ts';
import { textOption } from './verb.ts';

export const pause = pausing('pause', {
  summary: 'start no more steps of a run, a workflow or the tenant',
  help: 'Attempts in progress end, nothing is lost; npx orrery explain tells who paused what, when and why.',
});
export const resume = pausing('resume', {
  summary: 'go on with a paused run, workflow or tenant',
  help: 'What has waited meanwhile starts, by priority and age. Pauses at other levels hold on.',
});

function pausing(verb: 'pause' | 'resume', own: { readonly summary: string; readonly help: string }): OrchestratorVerb {
  return orchestratorVerb({
    name: verb,
    summary: own.summary,
    wordsMax: 1,
    usage: 'RUN | --workflow NAME | --everything [--reason TEXT] [--dry-run]',
    help: `${own.help}
  --workflow NAME   all runs of it, also those to come
  --everything      all workflows of the tenant
  --reason "…"      stands in the log and in what explain says
  --dry-run         only tell what it would do
Example: npx orrery ${verb} --workflow score-day --reason "the feed is broken"`,
    options: {
      ...{ workflow: { type: 'string' }, everything: { type: 'boolean' }, reason: { type: 'string' } },
      'dry-run': { type: 'boolean' },
    },
    answer: async ({ call, who }, { words, values }) => {
      const [run] = words;
      const workflow = textOption(values, 'workflow');
      const dryRun = values['dry-run'] === true ? { dryRun: true } : {};
      const body = { ...given({ reason: textOption(values, 'reason') }), ...dryRun };
      const named = [run, workflow, values['everything']].filter((each) => each !== undefined);
      if (named.length !== 1)
        throw usageError(`${verb} of ${named.length} things`, 'name one: RUN, --workflow NAME or --everything');
      if (run !== undefined) return tellOne(verb, await call<Told>('POST', runPath(run, `/${verb}`), body));
      const [path, what] =
        workflow === undefined
          ? [`/v1/tenant/${verb}`, `the tenant ${who.tenant}`]
          : [`/v1/workflows/${encodeURIComponent(workflow)}/${verb}`, `the workflow ${workflow}`];
      const told = await call<{ outcome: string; text?: string }>('POST', path, body);
      if (told.outcome === 'would') return { json: told, text: `${what}; ${verb} would: ${told.text ?? ''}` };
      const already = told.outcome === 'nothing' ? ' already' : '';
      return { json: told, text: `${what} ${verb === 'pause' ? `is paused${already}` : `goes on${already}`}` };
    },
  });
}
