import { OrreryError } from '@orrery/kit/errors';
import { given, orchestratorVerb, runPath, spanText, timeText, type Caller } from './orchestrator-verb.ts';
import { required } from './release.ts';
import { degradation, describeRun, type RunView, type StepView } from './run-view.ts';
import { table } from './table.ts';
import { textOption } from './verb.ts';

/** What the history answers of a run. */
interface History {
  readonly state: string;
  readonly workflow: string;
  readonly howLong: {
    readonly queuedMs: number;
    readonly runningMs: number;
    readonly totalMs: number;
    readonly steps: readonly {
      readonly step: string;
      readonly tries: number;
      readonly runningMs: number;
      readonly waitingMs: number;
      readonly refs: number;
      readonly degraded: number;
    }[];
  };
  readonly howMuch: {
    readonly attemptSeconds: number;
    readonly cost: number | null;
    readonly unpriced: readonly string[];
    readonly pools: readonly { readonly pool: string; readonly attemptSeconds: number; readonly cost: number | null }[];
  };
  readonly whyFailed: {
    readonly step: string;
    readonly attempt: number;
    readonly reason: string;
    readonly atMs: number;
    readonly skippedTotal: number;
  } | null;
  readonly whoDidIt: readonly {
    readonly actor: string;
    readonly step: string;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
    readonly atMs: number;
    readonly times: number;
  }[];
}

const slowestShown = 5;
const degradedShown = 10;

export const show = orchestratorVerb({
  name: 'show',
  summary: 'show a run: how long, how much, why it failed, who did it',
  wordsMax: 1,
  usage: 'RUN [--step NAME] [--steps STATE] [--items MAP] [--verify]',
  help: `RUN is an id that npx orrery runs lists; one that ended long ago is shown from the history alone.
  --step NAME     one step with its result; an item of a map is <map>.<index>
  --steps STATE   the steps in this state, also of a run with 100,000
  --items MAP     the items of a map
  --verify        whether its history is as it was recorded: the chain of its rows is computed anew
--json has all of it. What a run that goes on waits for: npx orrery explain RUN.`,
  options: {
    step: { type: 'string' },
    steps: { type: 'string' },
    items: { type: 'string' },
    verify: { type: 'boolean' },
  },
  async answer(caller, { words, values }) {
    const id = required(words, 'RUN', 'show');
    const step = textOption(values, 'step');
    if (step !== undefined) {
      const found = await caller.call<StepView>('GET', runPath(id, `/steps/${encodeURIComponent(step)}`));
      return { json: found, text: JSON.stringify(found, null, 2) };
    }
    if (values['verify'] === true) return showVerification(caller, id);
    const [state, itemsOf] = [textOption(values, 'steps'), textOption(values, 'items')];
    if (state !== undefined || itemsOf !== undefined) return showSteps(caller, id, { state, itemsOf });
    return showRun(caller, id);
  },
});

async function showRun(caller: Caller, id: string) {
  const run = await orRefusal(caller.call<RunView>('GET', runPath(id)));
  const history = await orRefusal(caller.call<History>('GET', runPath(id, '/history')));
  if (run instanceof OrreryError && (history instanceof OrreryError || run.code !== 'RUN_NOT_FOUND')) throw run;
  const parts = [
    run instanceof OrreryError ? `${id}  only in the history` : describeRun(run),
    history instanceof OrreryError ? describeAway(history) : describeHistory(history),
  ];
  const json = {
    ...(run instanceof OrreryError ? { run: id } : run),
    history: history instanceof OrreryError ? null : history,
  };
  return { json, text: parts.join('\n\n') };
}

interface Verification {
  readonly rows: number;
  readonly unchained: number;
  readonly end: { readonly sequence: number; readonly digest: string } | null;
  readonly wrong: { readonly sequence: number; readonly code: string; readonly why: string } | null;
}

async function showVerification({ call }: Caller, id: string) {
  const found = await call<Verification>('GET', runPath(id, '/verification'));
  const { rows, unchained, end, wrong } = found;
  const before = unchained === 0 ? '' : `, ${unchained} of them from before there was a chain`;
  const text =
    wrong === null
      ? `${id}: ${rows} rows${before}, every one as it was recorded; the last is ${end?.sequence ?? 0}, digest ${end?.digest ?? '-'}`
      : `${id}: row ${wrong.sequence} is ${wrong.code}: ${wrong.why}`;
  return { json: found, text, ...(wrong === null ? {} : { exitCode: 1 as const }) };
}

async function showSteps(
  { call }: Caller,
  id: string,
  asked: { state: string | undefined; itemsOf: string | undefined },
) {
  const query = new URLSearchParams({ limit: '500', ...given(asked) });
  const page = await call<{ steps: StepView[]; next: number | null }>('GET', runPath(id, `/steps?${query.toString()}`));
  const rows = page.steps.map((step) => {
    const told = step.degraded === true ? degradation(step) : (step.error?.message ?? '');
    return [step.name, step.state, String(step.attempt), told];
  });
  const text = table(['step', 'state', 'try', ''], rows);
  return { json: page, text: page.next === null ? text : `${text}\nand more: --json has their place, the API pages` };
}

async function orRefusal<T>(asked: Promise<T>): Promise<T | OrreryError> {
  return asked.catch((error: unknown) => {
    if (error instanceof OrreryError) return error;
    throw error;
  });
}

function describeAway({ code, message }: OrreryError): string {
  if (code === 'RUN_NOT_FOUND') return 'history   nothing is recorded yet: it follows within seconds';
  return `history   can't be read: ${message}`;
}

function describeHistory({ howLong, howMuch, whyFailed, whoDidIt }: History): string {
  const slowest = howLong.steps.slice(0, slowestShown).map(({ step, runningMs, waitingMs, tries }) => {
    return `            ${step}: ${spanText(runningMs)} at work in ${tries} tries, ${spanText(waitingMs)} in line`;
  });
  const pools = howMuch.pools.map(
    ({ pool, attemptSeconds }) => `${pool === '' ? 'unknown' : pool} ${attemptSeconds.toFixed(1)} s`,
  );
  const cost =
    howMuch.cost === null
      ? `unknown (no price of ${howMuch.unpriced.join(', ') || 'its pools'})`
      : howMuch.cost.toFixed(4);
  const acts = whoDidIt.map(({ actor, step, from, to, reason, atMs, times }) => {
    const what = `${step === '' ? 'the run' : step} ${from === '' ? '' : `${from} -> `}${to}`;
    return `            ${timeText(atMs)} ${actor}: ${what}${reason === '' ? '' : ` (${reason})`}${times > 1 ? `, ${times} times` : ''}`;
  });
  return [
    `how long  ${spanText(howLong.totalMs)}: ${spanText(howLong.queuedMs)} in the queue, ${spanText(howLong.runningMs)} running`,
    ...slowest,
    ...describeDegraded(howLong),
    `how much  ${howMuch.attemptSeconds.toFixed(1)} s of attempts (${pools.join(', ') || 'none'}); cost ${cost}`,
    ...(whyFailed === null
      ? []
      : [
          `why       ${whyFailed.step === '' ? 'the run itself' : `${whyFailed.step}, try ${whyFailed.attempt}`}: ${whyFailed.reason}`,
          ...(whyFailed.skippedTotal > 0
            ? [`            ${whyFailed.skippedTotal} steps behind it were left out`]
            : []),
        ]),
    'who',
    ...acts,
  ].join('\n');
}

/** Steps that succeeded with the results of their fallbacks. */
function describeDegraded({ steps }: History['howLong']): string[] {
  const degraded = steps.filter((step) => step.degraded > 0);
  if (degraded.length === 0) return [];
  const names = degraded.slice(0, degradedShown).map((step) => {
    return step.refs > 1 ? `${step.step} (${step.degraded} of it and its items)` : step.step;
  });
  const more = degraded.length > degradedShown ? ` and ${degraded.length - degradedShown} more` : '';
  return [`degraded  ${names.join(', ')}${more}: ended with their fallbacks`];
}
