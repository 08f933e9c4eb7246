import { systemClock } from '@orrery/kit/clock';
import type { Peer } from '@orrery/kit/peer';
import { retry as retryCall } from '@orrery/kit/retry';
import { table } from './table.ts';

export interface StepView {
  readonly name: string;
  readonly state: string;
  readonly attempt: number;
  readonly startedAtMs?: number | null;
  readonly endedAtMs?: number | null;
  readonly degraded?: boolean;
  readonly items?: { readonly items: number; readonly ended: number; readonly failed: number };
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
  readonly paused?: boolean;
  readonly actor?: string;
  readonly trigger?: string;
  readonly definition?: string;
  readonly createdAtMs: number;
  readonly startedAtMs?: number | null;
  readonly endedAtMs?: number | null;
  readonly stepsCount?: number;
  readonly counts?: Readonly<Record<string, number>>;
  /** All of a small run; of a large one the first that have not succeeded. */
  readonly steps: readonly StepView[];
}

const finalStates = ['succeeded', 'failed', 'cancelled'];
const pollMs = 500;
/** An orchestrator that was killed is back within seconds, and its runs go on. */
export const patience = { attemptsMax: 60, backoffMs: 250, backoffMaxMs: 1000 };

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

export async function readRun(orchestrator: Peer, id: string, who: { readonly tenant?: string }): Promise<RunView> {
  const { tenant } = who;
  const path = `/v1/runs/${encodeURIComponent(id)}`;
  const call = { method: 'GET', path, ...(tenant === undefined ? {} : { tenant }) } as const;
  return (await retryCall(() => orchestrator.call(call), patience)).body as RunView;
}

export function describeRun(view: RunView): string {
  const rows = view.steps.map((step) => [step.name, step.state, String(step.attempt), seconds(step), remark(step)]);
  const shown = view.steps.length;
  const count = view.stepsCount ?? shown;
  const counts = Object.entries(view.counts ?? {}).map(([state, steps]) => `${steps} ${state}`);
  return [
    `${view.run}  ${view.workflow}  ${view.state}${view.paused === true ? ', paused' : ''}`,
    ...(count > shown ? [`${count} steps: ${counts.join(', ')}; these have not succeeded:`] : []),
    '',
    table(['step', 'state', 'try', 'seconds', ''], rows),
  ].join('\n');
}

function remark(step: StepView): string {
  if (step.degraded === true) return degradation(step);
  if (step.error) return `${step.error.code ?? ''} ${step.error.message ?? ''} ${step.error.hint ?? ''}`.trim();
  if (step.items !== undefined) return `${step.items.ended}/${step.items.items} items, ${step.items.failed} failed`;
  return (step.result as { reused?: boolean } | null | undefined)?.reused === true ? 'reused' : '';
}

/** Why a step has the result of its fallback. */
export function degradation({ error }: StepView): string {
  return `degraded, by its fallback: ${error?.code ?? ''} ${error?.message ?? ''}`.trim();
}

export function seconds(step: StepView): string {
  const { startedAtMs, endedAtMs } = step;
  return typeof startedAtMs === 'number' && typeof endedAtMs === 'number'
    ? ((endedAtMs - startedAtMs) / 1000).toFixed(1)
    : '-';
}
