import { canonicalJson, digestOf, type Digest } from '@orrery/contracts/digest';
import type { Retry, Step, StepBody, Workflow } from '@orrery/contracts/definitions/workflow';
import { referencesIn } from '@orrery/contracts/expression';

/** [attempts, backoff (ms), most backoff (ms), jitter 0 | 1] */
export type RetryPolicy = readonly [attempts: number, backoff: number, backoffMax: number, jitter: number];

/** How steps run; shared by all that run alike. Under the names that the functions of Redis read. */
export interface Profile {
  readonly kind: Step['uses'];
  readonly pool: string;
  /** By class of error, and `default`. */
  readonly retry: Readonly<Record<string, RetryPolicy>>;
  /** Milliseconds; 0 for none. */
  readonly attempt: number;
  readonly queue: number;
  readonly total: number;
  readonly heartbeat: number;
  /** Most leases of one key; 0 for no limit. */
  readonly limit: number;
  readonly fallback?: { readonly result: string; readonly classes: readonly string[] };
  /** Of a map: the profile of its items, how many of them at once, how many may fail. */
  readonly body?: number;
  readonly at_once?: number;
  readonly failures_max?: number;
}

/** A step in the form that the functions read: by number, so that a name costs nothing. */
export type StepPlan = readonly [
  name: string,
  needs: number,
  children: readonly number[],
  profile: number,
  reads: readonly number[],
];

/** A definition made ready for running; the digest names it for life. */
export interface WorkflowPlan {
  readonly digest: Digest;
  readonly workflow: Workflow;
  readonly steps: readonly StepPlan[];
  readonly profiles: readonly Profile[];
  /** Numbers of the steps that need nothing. */
  readonly roots: readonly number[];
  readonly runsMax: number;
  readonly timeoutMs: number;
  readonly priority: number;
}

/** Where an orchestrator itself takes a step for a moment, to find out what it waits for. */
export const innerPool = 'inner';
/** Steps in one chunk of a definition, as the functions cut it too. */
export const chunkSteps = 64;

const attemptDefaultSeconds = 300;
const runTimeoutDefaultSeconds = 3600;
const runsMaxDefault = 1;
const priorityDefault = 5;
const backoffDefaultMs = 1000;
const backoffMaxDefaultMs = 60_000;
const itemsAtOnceDefault = 100;

export function planWorkflow(workflow: Workflow): WorkflowPlan {
  const numbers = new Map(workflow.steps.map((step, number) => [step.name, number]));
  const children: number[][] = workflow.steps.map(() => []);
  for (const [number, step] of workflow.steps.entries()) {
    for (const need of step.needs ?? []) children[numbers.get(need) ?? -1]?.push(number);
  }
  const profiles = new Profiles();
  const steps = workflow.steps.map((step, number): StepPlan => {
    const needs = step.needs?.length ?? 0;
    return [step.name, needs, children[number] ?? [], profiles.of(step), readsOf(step, numbers)];
  });
  return {
    digest: digestOf('workflow', workflow),
    workflow,
    steps,
    profiles: profiles.all,
    roots: steps.flatMap(([, needs], number) => (needs === 0 ? [number] : [])),
    runsMax: workflow.runsMax ?? runsMaxDefault,
    timeoutMs: (workflow.timeoutSeconds ?? runTimeoutDefaultSeconds) * 1000,
    priority: workflow.priority ?? priorityDefault,
  };
}

/** A plan as the fields under which Redis keeps it, cut so that no field holds more than a chunk of steps. */
export function* planFields({ workflow, steps, profiles, roots }: WorkflowPlan): Generator<readonly string[]> {
  const { steps: definitions, ...head } = workflow;
  const plan = JSON.stringify({ steps: steps.length, roots, profiles });
  yield ['head', canonicalJson({ ...head, stepsCount: steps.length }), 'plan', plan];
  for (let first = 0; first < steps.length; first += chunkSteps) {
    const chunk = String(first / chunkSteps);
    const last = first + chunkSteps;
    const texts = JSON.stringify(definitions.slice(first, last));
    yield [`p:${chunk}`, JSON.stringify(steps.slice(first, last)), `t:${chunk}`, texts];
  }
  yield ['complete', '1'];
}

class Profiles {
  readonly all: Profile[] = [];
  readonly #numbers = new Map<string, number>();

  of(step: Step | StepBody): number {
    const profile = this.#profileOf(step);
    const text = JSON.stringify(profile);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.all.length);
    return this.all.push(profile) - 1;
  }

  #profileOf(step: Step | StepBody): Profile {
    const { timeouts = {}, limit, fallback } = step;
    const map = step.uses === 'map' ? step : undefined;
    return {
      kind: step.uses,
      pool: poolOf(step),
      retry: retryOf(step.retry),
      attempt: (timeouts.attemptSeconds ?? attemptDefaultSeconds) * 1000,
      queue: (timeouts.queueSeconds ?? 0) * 1000,
      total: (timeouts.totalSeconds ?? 0) * 1000,
      heartbeat: (timeouts.heartbeatSeconds ?? 0) * 1000,
      limit: limit?.max ?? 0,
      ...(fallback === undefined
        ? {}
        : { fallback: { result: JSON.stringify(fallback.result ?? null), classes: fallback.classes ?? [] } }),
      ...(map === undefined
        ? {}
        : {
            body: this.of(map.step),
            at_once: map.with.atOnce ?? itemsAtOnceDefault,
            failures_max: map.with.failuresMax ?? 0,
          }),
    };
  }
}

/** The line in which a step waits for whoever works. */
export function poolOf(step: Step | StepBody): string {
  switch (step.uses) {
    case 'task':
      return step.with.pool ?? 'default';
    case 'process':
      return step.with.pool ?? 'process';
    case 'http':
    case 'sql':
      return step.uses;
    default:
      return innerPool;
  }
}

function retryOf(retry: Retry = { attemptsMax: 1 }): Record<string, RetryPolicy> {
  const backoffMs = retry.backoffMs ?? backoffDefaultMs;
  const backoffMaxMs = retry.backoffMaxMs ?? backoffMaxDefaultMs;
  const jitter = retry.jitter === 'none' ? 0 : 1;
  const policy = (attempts: number, backoff: number): RetryPolicy => [
    attempts,
    backoff,
    Math.max(backoff, backoffMaxMs),
    jitter,
  ];
  const classes = Object.entries(retry.classes ?? {}).map(([name, own]) => [
    name,
    policy(own.attemptsMax ?? retry.attemptsMax, own.backoffMs ?? backoffMs),
  ]);
  return {
    default: policy(retry.attemptsMax, backoffMs),
    ...(Object.fromEntries(classes) as Record<string, RetryPolicy>),
  };
}

/** Numbers of the steps whose results a step names, so that whoever takes it gets them at once. */
function readsOf(step: Step, numbers: ReadonlyMap<string, number>): number[] {
  const found = new Set<number>();
  const asked = step.uses === 'map' ? [step.with, step.step.with, step.step.limit] : [step.with];
  for (const value of asked) {
    for (const { found: reference } of referencesIn(value)) {
      if (typeof reference === 'string') continue;
      const names =
        reference.root === 'steps' ? [String(reference.path[0])] : reference.root === 'needs' ? (step.needs ?? []) : [];
      for (const name of names) found.add(numbers.get(name) ?? -1);
    }
  }
  return [...found].sort((left, right) => left - right);
}
