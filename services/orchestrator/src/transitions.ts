import type { Redis } from '@orrery/kit/redis';
import { fcall, type FunctionLibrary } from '@orrery/kit/redis-functions';
import { redisFailed, stateUnexpected } from './errors.ts';
import { keys } from './keys.ts';
import type { StepKind, WorkflowPlan } from './plan.ts';

export interface Submission {
  readonly shard: string;
  readonly run: string;
  readonly tenant: string;
  readonly actor: string;
  readonly workflow: string;
  readonly plan: WorkflowPlan;
  /** JSON. */
  readonly parameters: string;
  /** What starts the run, as people read it. */
  readonly trigger: string;
  readonly logicalMs: number;
  /** The caller's key with the digest of what it asked for. */
  readonly idempotency?: { readonly key: string; readonly request: string };
  /** The cron trigger that fires: it starts one run for each logical time, whoever fires it. */
  readonly cron?: string;
}

export type SubmitOutcome =
  'accepted' | 'known' | 'definition-needed' | 'key-reused' | 'outbox-full' | 'queue-full' | 'fired';

export interface Submitted {
  readonly outcome: SubmitOutcome;
  readonly run: string;
  readonly state: string;
}

/** The right to work on an attempt of a step until a deadline. Everything that the attempt sends carries its fence. */
export interface StepLease {
  readonly run: string;
  readonly step: string;
  readonly fence: string;
}

export interface ClaimedStep extends StepLease {
  readonly attempt: number;
  readonly tenant: string;
  readonly actor: string;
  readonly workflow: string;
  readonly definition: string;
  readonly parameters: string;
  readonly logicalMs: number;
}

export interface Ending {
  readonly outcome: 'succeeded' | 'failed' | 'returned';
  /** Result or error, JSON. */
  readonly payload: string;
  readonly retryable?: boolean;
  readonly reason?: string;
}

export interface Beat extends StepLease {
  readonly leaseMs: number;
  /** JSON, or empty when there is nothing to tell. */
  readonly progress: string;
}

export interface Control {
  readonly verb: 'cancel' | 'retry';
  readonly run: string;
  readonly tenant: string;
  readonly actor: string;
  readonly reason: string;
}

export type ControlOutcome = 'done' | 'nothing' | 'missing' | 'wrong-state' | 'outbox-full' | 'queue-full';

export interface OutboxEntry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, string>;
}

export interface TransitionBounds {
  readonly lapsesMax: number;
  readonly queuedRunsMax: number;
  readonly outboxEventsMax: number;
  readonly idempotencyKeptMs: number;
  readonly endedRunsKeptMs: number;
  readonly endedRunsMax: number;
}

export interface TransitionDeps {
  readonly redis: Redis;
  readonly library: FunctionLibrary;
  /** Digest of the release by which a transition is made; it may change while the process runs. */
  readonly release: () => string;
  readonly random: () => number;
  readonly bounds: TransitionBounds;
}

/** Most items that one call handles, so that Redis is never held for long. */
export const itemsMax = 256;

const submitOutcomes = new Map<unknown, SubmitOutcome>([
  [1, 'accepted'],
  [0, 'known'],
  [-1, 'definition-needed'],
  [-2, 'key-reused'],
  [-3, 'outbox-full'],
  [-4, 'queue-full'],
  [-5, 'fired'],
]);
const controlOutcomes = new Map<unknown, ControlOutcome>([
  [1, 'done'],
  [0, 'nothing'],
  [-1, 'missing'],
  [-2, 'wrong-state'],
  [-3, 'outbox-full'],
  [-4, 'queue-full'],
]);
const finishOutcomes = new Map<unknown, 'accepted' | 'repeated' | 'stale'>([
  [1, 'accepted'],
  [0, 'repeated'],
  [-1, 'stale'],
]);

/** Every change of a run's state: each method is one atomic function of Redis, which also appends the event. */
export class Transitions {
  readonly #deps: TransitionDeps;

  constructor(deps: TransitionDeps) {
    this.#deps = deps;
  }

  /** Sends the definition's text along only where Redis doesn't have it. */
  async submit(submission: Submission): Promise<Submitted> {
    const first = await this.#submit(submission, { text: '', steps: '' });
    if (first.outcome !== 'definition-needed') return first;
    const steps = submission.plan.steps.map(([name, plan]) => [name, JSON.stringify(plan)]);
    return this.#submit(submission, { text: submission.plan.text, steps: JSON.stringify(steps) });
  }

  async claim(shard: string, kind: StepKind, want: { stepsMax: number; leaseMs: number }): Promise<ClaimedStep[]> {
    const stepsMax = Math.min(want.stepsMax, itemsMax);
    const [, ...rows] = await this.#call(shard, 'claim', [this.#deps.release(), kind, stepsMax, want.leaseMs]);
    return rows.map((row) => {
      const [run, step, fence, attempt, tenant, actor, workflow, definition, parameters, , logicalMs] = texts(row);
      return {
        run: run ?? '',
        step: step ?? '',
        fence: fence ?? '',
        attempt: Number(attempt),
        tenant: tenant ?? '',
        actor: actor ?? '',
        workflow: workflow ?? '',
        definition: definition ?? '',
        parameters: parameters ?? '{}',
        logicalMs: Number(logicalMs),
      };
    });
  }

  /** `stale`: the lease was lost, and what was sent has no effect. */
  async finish(shard: string, lease: StepLease, ending: Ending): Promise<'accepted' | 'repeated' | 'stale'> {
    const [code] = await this.#call(shard, 'finish', [
      ...this.#stamp(),
      lease.run,
      lease.step,
      lease.fence,
      ending.outcome,
      ending.payload,
      ending.retryable === true ? '1' : '0',
      ending.reason ?? '',
    ]);
    return known(finishOutcomes, 'finish', code);
  }

  /** Prolongs leases; returns those that are lost. */
  async beat<T extends Beat>(shard: string, beats: readonly T[]): Promise<T[]> {
    if (beats.length === 0) return [];
    const args = beats.flatMap(({ run, step, fence, leaseMs, progress }) => [run, step, fence, leaseMs, progress]);
    const [, ...held] = await this.#call(shard, 'beat', args);
    return beats.filter((_, index) => held[index] !== 1);
  }

  /** Takes back leases that ran out; returns how many. */
  async reap(shard: string): Promise<number> {
    const args = [...this.#stamp(), itemsMax, this.#deps.bounds.lapsesMax];
    return Number((await this.#call(shard, 'reap', args))[1]);
  }

  /** Does what is due; returns how much that was. */
  async tick(shard: string): Promise<number> {
    return Number((await this.#call(shard, 'tick', [...this.#stamp(), itemsMax]))[1]);
  }

  async control(shard: string, control: Control): Promise<{ outcome: ControlOutcome; state: string }> {
    const { verb, run, tenant, actor, reason } = control;
    const { outboxEventsMax, queuedRunsMax } = this.#deps.bounds;
    const args = [this.#deps.release(), verb, run, tenant, actor, reason, outboxEventsMax, queuedRunsMax];
    const [code, , state] = await this.#call(shard, 'control', args);
    return { outcome: known(controlOutcomes, 'control', code), state: String(state) };
  }

  /** The outbox's next events, or undefined while another relay has it. What was published before is dropped. */
  async relay(
    shard: string,
    turn: { relay: string; leaseMs: number; published: string; eventsMax: number },
  ): Promise<OutboxEntry[] | undefined> {
    const args = [turn.relay, turn.leaseMs, turn.published, turn.eventsMax];
    const [code, ...entries] = await this.#call(shard, 'relay', args);
    if (code !== 1) return undefined;
    return entries.map((entry) => {
      const [id, fields] = entry as [string, string[]];
      return { id, fields: pairs(fields) };
    });
  }

  /** Forgets runs that ended long ago; returns how many. */
  async purge(shard: string): Promise<number> {
    const { endedRunsKeptMs, endedRunsMax } = this.#deps.bounds;
    return Number((await this.#call(shard, 'purge', [endedRunsKeptMs, endedRunsMax, itemsMax]))[1]);
  }

  async #submit(submission: Submission, definition: { text: string; steps: string }): Promise<Submitted> {
    const { plan, idempotency } = submission;
    const { idempotencyKeptMs, queuedRunsMax, outboxEventsMax } = this.#deps.bounds;
    const [code, , run, state] = await this.#call(submission.shard, 'submit', [
      this.#deps.release(),
      submission.run,
      submission.tenant,
      submission.actor,
      submission.workflow,
      plan.digest,
      submission.parameters,
      submission.trigger,
      submission.logicalMs,
      idempotency?.key ?? '',
      idempotency?.request ?? '',
      idempotencyKeptMs,
      plan.runsMax,
      plan.timeoutMs,
      queuedRunsMax,
      outboxEventsMax,
      submission.cron ?? '',
      definition.text,
      definition.steps,
    ]);
    return { outcome: known(submitOutcomes, 'submit', code), run: String(run), state: String(state) };
  }

  #stamp(): [string, string] {
    return [this.#deps.release(), String(this.#deps.random())];
  }

  async #call(shard: string, verb: string, args: readonly (string | number)[]): Promise<unknown[]> {
    const name = `${this.#deps.library.name}_${verb}`;
    const call = { name, keys: [keys.prefix(shard)], args };
    const answer: unknown = await fcall(this.#deps.redis, this.#deps.library, call).catch((error: unknown) => {
      throw redisFailed(verb, error);
    });
    if (!Array.isArray(answer)) throw stateUnexpected(verb, answer);
    return answer as unknown[];
  }
}

function known<T>(outcomes: ReadonlyMap<unknown, T>, verb: string, code: unknown): T {
  const outcome = outcomes.get(code);
  if (outcome === undefined) throw stateUnexpected(verb, code);
  return outcome;
}

function texts(row: unknown): string[] {
  return Array.isArray(row) ? row.map(String) : [];
}

function pairs(fields: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) map.set(fields[i] ?? '', fields[i + 1] ?? '');
  return map;
}
