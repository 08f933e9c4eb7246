import { tellMany, tellOne, type BulkTold, type Told } from './control-answers.ts';
import {
  given,
  orchestratorVerb,
  runPath,
  spanOption,
  usageError,
  type Caller,
  type OrchestratorVerb,
} from './orchestrator-verb.ts';
import { filterHelp, filterOf, filterOptions, filterUsage, type Filter } from './run-filter.ts';
import { textOption, type Values, type Verb } from './verb.ts';

type BulkVerb = 'cancel' | 'kill' | 'retry';

const reasonOption = { reason: { type: 'string' } } as const;
const bulkOptions = {
  ...filterOptions,
  ...reasonOption,
  'dry-run': { type: 'boolean' },
  confirm: { type: 'string' },
  yes: { type: 'boolean' },
  cursor: { type: 'string' },
} as const;
const bulkHelp = `  --dry-run            only tell what would be done to which, and what would be refused and why
  --reason "…"         stands in the log beside your name; many runs ask for one

Many runs, instead of RUN (up to 1,000 a call):
${filterHelp}
  --confirm TOKEN      do exactly what the dry run with this token told, or nothing
  --yes                do it to whatever fits at this moment`;

export const cancel = control('cancel', {
  summary: 'end a run: what runs is asked to stop, what waits never starts',
  usage: '[--grace 10s]',
  options: { grace: { type: 'string' } },
  help: `Attempts in progress have 10 seconds to stop by themselves (--grace), then they are taken from their workers.
Example: npx orrery cancel s00-0mb1… --reason "wrong day"
         npx orrery cancel --workflow score-day --state queued --reason "wrong day" --dry-run`,
});

export const kill = control('kill', {
  summary: 'end a run at once: what runs is taken from its workers',
  usage: '--reason TEXT',
  help: `What its workers hand in later is refused. Asks for a reason; cancel is the polite form.
Example: npx orrery kill s00-0mb1… --reason "it eats the disk"`,
});

export const retry = control('retry', {
  summary: 'do again what did not end well of a failed or cancelled run',
  usage: '[--from STEP]',
  options: { from: { type: 'string' } },
  help: `What has succeeded stays; of a map only the items go again that failed. With --from STEP that step and all that follows it
go again too. A succeeded run is taken back with npx orrery reset.
Example: npx orrery retry s00-0mb1… --dry-run
         npx orrery retry --workflow score-day --state failed --older-than 1h --reason "the peer is back" --dry-run`,
});

function control(
  verb: BulkVerb,
  own: Pick<Verb, 'summary' | 'usage' | 'help'> & { readonly options?: NonNullable<Verb['options']> },
): OrchestratorVerb {
  return orchestratorVerb({
    name: verb,
    summary: own.summary,
    wordsMax: 1,
    usage: `RUN | ${filterUsage} ${own.usage} [--dry-run]`,
    help: `${own.help}\n\n${bulkHelp}`,
    options: { ...bulkOptions, ...own.options },
    answer: async (caller, { words, values }) => {
      const [run] = words;
      const filter = filterOf(values);
      const isMany = Object.keys(filter).length > 0;
      if (run !== undefined && isMany)
        throw usageError(`${verb} ${run} with a filter`, 'name a run, or options that choose many');
      if (run === undefined && !isMany) {
        throw usageError(
          'RUN is missing',
          `npx orrery ${verb} RUN, or --workflow, --state, --actor, --older-than for many`,
        );
      }
      const body = {
        ...given({ reason: textOption(values, 'reason'), graceMs: spanOption(values, 'grace') }),
        ...(values['dry-run'] === true ? { dryRun: true } : {}),
      };
      if (run !== undefined) {
        const from = given({ from: textOption(values, 'from') });
        return tellOne(verb, await caller.call<Told>('POST', runPath(run, `/${verb}`), { ...body, ...from }));
      }
      return controlMany(caller, { verb, filter, body }, values);
    },
  });
}

async function controlMany(
  { call }: Caller,
  order: { readonly verb: BulkVerb; readonly filter: Filter; readonly body: object },
  values: Values,
) {
  const { verb, filter, body } = order;
  if (textOption(values, 'from') !== undefined)
    throw usageError('--from with many runs', 'retry them one by one from a step');
  const token = textOption(values, 'confirm');
  const isSure = values['dry-run'] === true || values['yes'] === true || token !== undefined;
  if (!isSure) {
    throw usageError(
      `${verb} of many runs`,
      'look first with --dry-run; then --confirm TOKEN does exactly that, or --yes whatever fits',
    );
  }
  const asked = { verb, filter, ...body, ...given({ token, cursor: textOption(values, 'cursor') }) };
  const told = await call<BulkTold>('POST', '/v1/control', asked);
  return tellMany(told, `npx orrery ${verb} ${wordsOf(values)}`);
}

/** The options that chose the runs, as they were given. */
function wordsOf(values: Values): string {
  const names = [...Object.keys(filterOptions), 'grace', 'tenant', 'reason'];
  return names
    .flatMap((name) => {
      const text = textOption(values, name);
      return text === undefined ? [] : [`--${name} ${/^[\w.-]+$/.test(text) ? text : JSON.stringify(text)}`];
    })
    .join(' ');
}
