import { systemClock } from '@orrery/kit/clock';
import type { Peer } from '@orrery/kit/peer';
import { retry as retryCall } from '@orrery/kit/retry';
import { CommandError } from '../errors.ts';
import { requireService } from '../local/services.ts';
import { table } from './table.ts';
import { textOption, type Verb } from './verb.ts';
import { required } from './release.ts';

export interface StepView {
  readonly name: string;
  readonly state: string;
  readonly attempt: number;
  readonly startedAtMs?: number | null;
  readonly endedAtMs?: number | null;
  readonly progress?: {
    readonly done?: number;
    readonly total?: number;
    readonly unit?: string;
    readonly stage?: string;
  } | null;
  readonly result?: unknown;
  readonly error?: { readonly code?: string; readonly message?: string; readonly hint?: string } | null;
}

export interface RunView {
  readonly run: string;
  readonly workflow: string;
  readonly state: string;
  readonly createdAtMs: number;
  readonly endedAtMs?: number | null;
  readonly steps: readonly StepView[];
}

const finalStates = ['succeeded', 'failed', 'cancelled'];
const pollMs = 500;
/** An orchestrator that was killed is back within seconds, and its runs go on. */
export const patience = { attemptsMax: 60, backoffMs: 250, backoffMaxMs: 1000 };

export const run: Verb = {
  name: 'run',
  summary: 'start a workflow',
  wordsMax: 1,
  usage: 'WORKFLOW [--set NAME=VALUE …] [--tenant NAME] [--no-wait]',
  help: `Starts a run and follows it to its end (exit code 1 when it fails). --no-wait returns at once.
Example: npx orrery run score-day --set day=2001-06-15`,
  options: { set: { type: 'string', multiple: true }, tenant: { type: 'string' }, 'no-wait': { type: 'boolean' } },
  async run(context, { words, values }) {
    const workflow = required(words, 'WORKFLOW', 'run');
    const orchestrator = requireService(context.places, 'orchestrator');
    const body = { parameters: parameters(values['set']) };
    const who = { actor: context.actor, tenant: textOption(values, 'tenant') ?? 'main' };
    const path = `/v1/workflows/${encodeURIComponent(workflow)}/runs`;
    const { run: id } = (await orchestrator.call({ method: 'POST', path, body, ...who })).body as { run: string };
    if (values['no-wait'] === true) return { json: { run: id }, text: id };
    const view = await followRun(orchestrator, id, who);
    return { json: view, text: describe(view), exitCode: view.state === 'succeeded' ? 0 : 1 };
  },
};

export const runs: Verb = {
  name: 'runs',
  summary: 'list runs, the latest first',
  wordsMax: 0,
  usage: '[--workflow NAME] [--state STATE] [--limit N]',
  help: 'States: queued, running, succeeded, failed, cancelled.',
  options: { workflow: { type: 'string' }, state: { type: 'string' }, limit: { type: 'string' } },
  async run(context, { values }) {
    const query = new URLSearchParams();
    for (const name of ['workflow', 'state', 'limit']) {
      const value = textOption(values, name);
      if (value !== undefined) query.set(name, value);
    }
    const answer = await requireService(context.places, 'orchestrator').call({
      method: 'GET',
      path: `/v1/runs?${query.toString()}`,
    });
    const found = (answer.body as { runs: RunView[] }).runs;
    const rows = found.map((one) => [
      one.run,
      one.workflow,
      one.state,
      new Date(one.createdAtMs).toISOString().slice(0, 19),
    ]);
    return { json: found, text: table(['run', 'workflow', 'state', 'created'], rows) };
  },
};

export const show: Verb = {
  name: 'show',
  summary: 'show a run: its steps, tries, results and errors',
  wordsMax: 1,
  usage: 'RUN',
  help: 'RUN is an id that npx orrery runs lists. --json has the results of the steps.',
  async run(context, { words }) {
    const view = await readRun(requireService(context.places, 'orchestrator'), required(words, 'RUN', 'show'), {});
    return { json: view, text: describe(view) };
  },
};

export const cancel = control('cancel', 'end a run: what runs is stopped, what waits never starts');
export const retry = control('retry', 'run the failed steps of a failed run again, and what follows them');

function control(name: 'cancel' | 'retry', summary: string): Verb {
  return {
    name,
    summary,
    usage: 'RUN',
    wordsMax: 1,
    help: 'RUN is an id that npx orrery runs lists.',
    async run(context, { words }) {
      const id = required(words, 'RUN', name);
      const path = `/v1/runs/${encodeURIComponent(id)}/${name}`;
      const call = { method: 'POST', path, body: {}, actor: context.actor } as const;
      const answer = await requireService(context.places, 'orchestrator').call(call);
      return { json: answer.body, text: `${id}: ${(answer.body as { state?: string }).state ?? name}` };
    },
  };
}

export interface FollowOptions {
  readonly tenant?: string;
  readonly actor?: string;
  /** Sees every view. */
  readonly onChange?: (view: RunView) => void;
  readonly interrupted?: AbortSignal;
}

/** Polls a run until its state is final, or until it is interrupted. */
export async function followRun(orchestrator: Peer, id: string, options: FollowOptions): Promise<RunView> {
  for (;;) {
    const view = await readRun(orchestrator, id, options);
    options.onChange?.(view);
    if (finalStates.includes(view.state)) return view;
    if (!(await systemClock.sleep(pollMs, options.interrupted))) return view;
  }
}

async function readRun(orchestrator: Peer, id: string, who: { readonly tenant?: string }): Promise<RunView> {
  const call = { method: 'GET', path: `/v1/runs/${encodeURIComponent(id)}`, ...who } as const;
  return (await retryCall(() => orchestrator.call(call), patience)).body as RunView;
}

function parameters(given: VerbValues): Record<string, string | number | boolean> {
  const pairs = (Array.isArray(given) ? given : []).map(String);
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), typed(pair.slice(at + 1))];
      throw new CommandError({ code: 'USAGE', message: `--set ${pair}`, hint: 'write --set NAME=VALUE', exitCode: 2 });
    }),
  );
}

type VerbValues = string | boolean | (string | boolean)[] | undefined;

function typed(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function describe(view: RunView): string {
  const rows = view.steps.map((step) => [step.name, step.state, String(step.attempt), seconds(step), reason(step)]);
  return [
    `${view.run}  ${view.workflow}  ${view.state}`,
    '',
    table(['step', 'state', 'try', 'seconds', ''], rows),
  ].join('\n');
}

function reason(step: StepView): string {
  if (step.error) return `${step.error.code ?? ''} ${step.error.message ?? ''} ${step.error.hint ?? ''}`.trim();
  return (step.result as { reused?: boolean } | undefined)?.reused === true ? 'reused' : '';
}

export function seconds(step: StepView): string {
  const { startedAtMs, endedAtMs } = step;
  return typeof startedAtMs === 'number' && typeof endedAtMs === 'number'
    ? ((endedAtMs - startedAtMs) / 1000).toFixed(1)
    : '-';
}
