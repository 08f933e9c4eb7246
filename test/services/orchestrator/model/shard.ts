import type { Profile, StepPlan } from '#services/orchestrator/src/core/plan.ts';
import { Ranking, Rankings } from './ranking.ts';

export interface ModelStep {
  state: string;
  attempt: number;
  failures: number;
  lapses: number;
  fence: string;
  started: number;
  ended: number;
  due: number;
  on: string;
  key: string;
  /** Whether anything ever happened to it: only then it lies in Redis. */
  kept: boolean;
}

export interface ModelRun {
  readonly id: string;
  readonly tenant: string;
  readonly actor: string;
  readonly workflow: string;
  readonly definition: string;
  readonly parameters: string;
  readonly logical: number;
  readonly trigger: string;
  readonly release: string;
  readonly created: number;
  readonly runsMax: number;
  readonly timeout: number;
  readonly pins: string;
  readonly parent: string;
  readonly lane: string;
  readonly plan: ModelPlan;
  readonly steps: Map<string, ModelStep>;
  /** How many needs have ended well (where there are several), and a map's counts. */
  readonly counts: Map<string, number>;
  readonly data: Map<string, string>;
  state: string;
  started: number;
  ended: number;
  priority: number;
  left: number;
  failed: number;
  sequence: number;
  /** Who paused it, why and when, as JSON; '' for nobody. */
  paused: string;
  /** How the run will end once nobody works for it, '' when nothing ends it. */
  ending: string;
}

export interface ModelPlan {
  readonly steps: readonly StepPlan[];
  readonly roots: readonly number[];
  readonly profiles: readonly Profile[];
}

export type ModelEvent = readonly [
  run: string,
  sequence: number,
  ref: string,
  name: string,
  attempt: number,
  fence: string,
  from: string,
  to: string,
  actor: string,
];

/** Work that follows from a call, and is done at its end. */
export type Work =
  | readonly [kind: 'release-roots' | 'release-reset' | 'end-child' | 'child-ended', run: string]
  | readonly [kind: 'skip', run: string, ref: string]
  | readonly [kind: 'release-items', run: string, ref: string, count: number]
  | readonly [kind: 'end-items', run: string, ref: string, kill: boolean]
  | readonly [kind: 'sweep', run: string, kill: boolean, actor: string]
  | readonly [kind: 'unpark', scope: string, wanted: number]
  | readonly [kind: 'start', lane: string];

const ofRun: readonly string[] = ['release-roots', 'release-reset', 'release-items', 'end-items', 'skip', 'sweep'];

export interface Change {
  readonly actor?: string;
  readonly on?: string;
}

/** What a shard holds, and the clock and chance of the call under way. Nothing here decides anything. */
export class Shard {
  now = 0;
  nowUs = 0;
  random = 0;
  release = '';
  /** Whether the call changed anything that is no event. */
  changed = false;
  fence = 0;
  entries = 0;
  /** Entries that wait for the relay. */
  outbox = 0;
  readonly definitions = new Map<string, Map<string, string>>();
  readonly runs = new Map<string, ModelRun>();
  readonly runsOf = new Rankings();
  readonly queues = new Rankings();
  readonly slots = new Rankings();
  readonly ended = new Ranking();
  readonly lines = new Rankings();
  readonly turns = new Rankings();
  readonly aside = new Map<string, Set<string>>();
  /** Lanes whose queue stood still because their tenant was paused. */
  readonly halted = new Map<string, Set<string>>();
  readonly parks = new Rankings();
  readonly leases = new Ranking();
  readonly timers = new Ranking();
  readonly limits = new Map<string, number>();
  readonly paused = new Map<string, string>();
  readonly idempotency = new Map<string, { run: string; request: string; until: number }>();
  readonly fired = new Map<string, Map<string, number>>();
  readonly signals = new Map<string, { payload: string; until: number }>();
  readonly waits = new Rankings();
  readonly budget = new Map<string, number>();
  /** Steps that come into their lines. */
  readonly coming: { run: ModelRun; ref: string; rank: number }[] = [];
  /** Of the call under way. */
  events: ModelEvent[] = [];
  readonly todo: Work[] = [];
  /** What earlier calls left behind, and what is being done. */
  readonly left: Work[] = [];
  doing: Work | undefined;
  readonly arrivals = new Map<string, { run: ModelRun; ref: string; count: number }>();

  step(run: ModelRun, ref: string): ModelStep {
    const found = run.steps.get(ref);
    if (found !== undefined) return found;
    const nothing = { attempt: 0, failures: 0, lapses: 0, started: 0, ended: 0, due: 0 };
    const step = { state: 'waiting', ...nothing, fence: '0', on: '', key: '', kept: false };
    run.steps.set(ref, step);
    return step;
  }

  moveRun(run: ModelRun, to: string, change: Change = {}): void {
    this.emitRun(run, run.state, to, change);
    run.state = to;
  }

  emitRun(run: ModelRun, from: string, to: string, change: Change): void {
    run.sequence += 1;
    this.events.push([run.id, run.sequence, '', '', 0, '0', from, to, change.actor ?? run.actor]);
  }

  emitStep(run: ModelRun, ref: string, to: string, change: Change): void {
    const { attempt, fence, state } = this.step(run, ref);
    const [name] = planOf(run, ref);
    run.sequence += 1;
    this.events.push([run.id, run.sequence, ref, name, attempt, fence, state, to, change.actor ?? run.actor]);
  }

  moveStep(run: ModelRun, ref: string, to: string, change: Change = {}): void {
    this.emitStep(run, ref, to, change);
    Object.assign(this.step(run, ref), { state: to, on: change.on ?? '', kept: true });
  }

  /** Work of a run that has yet to be done: it does not end before. */
  pendingOf(run: ModelRun): number {
    const all = [...(this.doing === undefined ? [] : [this.doing]), ...this.todo, ...this.left];
    return all.filter(([kind, id]) => id === run.id && ofRun.includes(kind)).length;
  }

  nextFence(): string {
    this.fence = Math.max(this.fence + 1, this.nowUs);
    return String(this.fence);
  }
}

export function planOf(run: ModelRun, ref: string): StepPlan {
  const plan = run.plan.steps[Math.floor(Number(ref))];
  if (plan === undefined) throw new Error(`${run.id} has no step ${ref}`);
  return plan;
}

/** An item of a map runs as the map's body says. */
export function profileOf(run: ModelRun, ref: string): Profile {
  const { profiles } = run.plan;
  const own = profiles[planOf(run, ref)[3]];
  const profile = isItem(ref) ? profiles[own?.body ?? -1] : own;
  if (profile === undefined) throw new Error(`${run.id} has no profile for ${ref}`);
  return profile;
}

export function isItem(ref: string): boolean {
  return ref.includes('.');
}

export function isOpen(run: ModelRun): boolean {
  return ['queued', 'running', 'cancelling'].includes(run.state);
}

export function hasEnded(step: ModelStep): boolean {
  return ['succeeded', 'failed', 'skipped', 'cancelled'].includes(step.state);
}

/** First by priority, then the oldest. */
export function rankOf(run: ModelRun): number {
  return (9 - run.priority) * 1e13 + run.created;
}

export function timer(kind: string, run: ModelRun, ref = '', number = 0): string {
  return `${kind}|${run.id}|${ref}|${number}`;
}
