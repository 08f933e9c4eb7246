import { OrreryError } from '@orrery/kit/errors';
import type { Redis } from '@orrery/kit/redis';
import { fcall, type FunctionLibrary } from '@orrery/kit/redis-functions';
import { redisFailed, stateUnexpected } from '../errors.ts';
import { keys } from './keys.ts';
import { claimedOf } from './claimed-steps.ts';
import type { Control, ControlOutcome, ControlVerb, Signal, SignalOutcome } from './control-call.ts';
import { planFields, type WorkflowPlan } from './plan.ts';
import type { Acceptance, Beat, ClaimedStep, Ending, Held } from './step-lease.ts';
import type { Submission, SubmitOutcome, Submitted } from './submission.ts';

export interface LogEntry {
  /** Its place in the outbox. */
  readonly id: string;
  /** JSON, as it goes to the bus. */
  readonly text: string;
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

/** Most that one call is given, so that Redis is never held for long. */
export const endingsMax = 32;
export const submissionsMax = 16;
export const beatsMax = 256;
const purgedMax = 64;

type Answer = Readonly<Record<string, unknown>>;

export interface ShardState {
  /** Of the last entry; 0 before the first. */
  readonly n: number;
  /** Whether it takes work in and gives some out. */
  readonly isOpen: boolean;
  /** Name of the process of Redis that has it: another one after each restart and failover. */
  readonly process: string;
}

/** Every change of a run's state: each method is one atomic function of Redis, which also appends its entry to the log. */
export class Transitions {
  readonly #deps: TransitionDeps;
  readonly #defined = new Set<string>();

  constructor(deps: TransitionDeps) {
    this.#deps = deps;
  }

  /** Lays a definition down, a chunk a call. */
  async define(shard: string, plan: WorkflowPlan): Promise<void> {
    for (const fields of planFields(plan)) await this.#call(shard, 'define', [plan.digest, ...fields]);
    this.#defined.add(`${shard} ${plan.digest}`);
  }

  /** Takes in up to 16 runs of one shard; each has its own outcome. Their definitions are laid down first where they are missing. */
  async submit(shard: string, submissions: readonly Submission[]): Promise<Submitted[]> {
    for (const { plan } of submissions) {
      if (!this.#defined.has(`${shard} ${plan.digest}`)) await this.define(shard, plan);
    }
    const first = await this.#submit(shard, submissions);
    if (!first.some(({ outcome }) => outcome === 'definition-needed')) return first;
    for (const { plan } of submissions) await this.define(shard, plan);
    // What was taken in the first time is known the second time, under the same name.
    const second = await this.#submit(shard, submissions);
    return second.map((answer, index) =>
      first[index]?.outcome === 'definition-needed' ? answer : (first[index] ?? answer),
    );
  }

  /** Hands in up to 32 endings and takes the next steps of the pools. */
  async exchange(
    shard: string,
    asked: {
      readonly pools: readonly string[];
      readonly want: number;
      readonly leaseMs: number;
      /** Whose steps alone; absent: every tenant's. */
      readonly tenant?: string | undefined;
    },
    endings: readonly Ending[],
  ): Promise<{ readonly codes: Acceptance[]; readonly claimed: ClaimedStep[] }> {
    const answer = await this.#call(shard, 'exchange', [
      String(this.#deps.random()),
      JSON.stringify({ pools: asked.pools, want: asked.want, tenant: asked.tenant }),
      asked.leaseMs,
      JSON.stringify(endings.map(rowOf)),
    ]);
    const codes = (answer['codes'] as number[]).map((code) =>
      code === 1 ? 'accepted' : code === 0 ? 'repeated' : 'stale',
    );
    return { codes, claimed: claimedOf(answer) };
  }

  /** Prolongs leases; says of each, in the order given, whether it holds. */
  async beat(shard: string, beats: readonly Beat[]): Promise<Held[]> {
    if (beats.length === 0) return [];
    const rows = beats.map(({ run, ref, fence, dueMs, leaseMs, progress }) => [
      run,
      ref,
      fence,
      dueMs,
      leaseMs,
      progress,
    ]);
    const { held } = await this.#call(shard, 'beat', [JSON.stringify(rows)]);
    return (held as number[]).map((code) => (code === 1 ? 'held' : code === 2 ? 'stopping' : 'lost'));
  }

  /** Does what time brings: leases that ran out, timers, and work that calls left behind. */
  async tick(shard: string): Promise<{ readonly lapsed: number; readonly fired: number; readonly more: boolean }> {
    const args = [String(this.#deps.random()), this.#deps.bounds.lapsesMax, ''];
    const { lapsed, fired, more } = await this.#call(shard, 'tick', args);
    return { lapsed: Number(lapsed), fired: Number(fired), more: more === true };
  }

  async control(shard: string, on: Control, how: ControlVerb): Promise<{ outcome: ControlOutcome; state: string }> {
    const args = [how.verb, on.tenant, on.actor, on.reason, on.on, JSON.stringify(this.#controlled(how))];
    const { outcome, state } = await this.#call(shard, 'control', args);
    return { outcome: outcome as ControlOutcome, state: String(state) };
  }

  async signal(shard: string, tenant: string, signal: Signal): Promise<{ outcome: SignalOutcome; count: number }> {
    const { kind, ...what } = signal;
    const text = signal.kind === 'event' ? { ...what, kept: signal.keptMs } : what;
    const { outcome, count } = await this.#call(shard, 'signal', [kind, tenant, JSON.stringify(text)]);
    return { outcome: outcome as SignalOutcome, count: Number(count) };
  }

  /** The outbox's next entries, or undefined while another relay has it. What was published before is dropped. */
  async relay(
    shard: string,
    turn: {
      relay: string;
      leaseMs: number;
      published: string;
      entriesMax: number;
      bytesMax: number;
      onAnew?: () => void;
    },
  ): Promise<LogEntry[] | undefined> {
    const { relay, leaseMs, published, entriesMax, bytesMax } = turn;
    const answer = await this.#run(shard, 'relay', [relay, leaseMs, published, entriesMax, bytesMax]);
    const [code, ...entries] = Array.isArray(answer) ? (answer as unknown[]) : [];
    if (code !== 1 && code !== 2) return undefined;
    if (code === 2) turn.onAnew?.();
    return entries.map((entry) => {
      const [id, text] = entry as [string, string];
      return { id, text };
    });
  }

  /** Forgets runs that ended long ago; returns how many. */
  async purge(shard: string): Promise<number> {
    const { endedRunsKeptMs, endedRunsMax } = this.#deps.bounds;
    return Number((await this.#call(shard, 'purge', [endedRunsKeptMs, endedRunsMax, purgedMax]))['count']);
  }

  /** Applies an entry of the log again, in its turn; `made` is the entry that came of it. */
  async replay(
    shard: string,
    entry: { readonly n: number; readonly at: string; readonly release: string; readonly call: readonly string[] },
  ): Promise<{ readonly outcome: 'applied' | 'known' | 'gap'; readonly made: string }> {
    const call = [entry.release, entry.n, entry.at, ...entry.call];
    const answer = read(await this.#send(shard, 'replay', call), 'replay');
    return { outcome: answer['outcome'] as 'applied', made: String(answer['entry']) };
  }

  /** Closes a shard for all but replays, or opens it to every process of Redis; returns the number of its last entry. */
  async close(shard: string, closed: boolean): Promise<number> {
    return (await this.#gate(shard, closed ? 'close' : 'open')).n;
  }

  /** Opens a shard to one process of Redis: each other one, which may lack the last writes, is closed from its start. */
  async openFor(shard: string, process: string): Promise<void> {
    await this.#gate(shard, 'open', process);
  }

  async look(shard: string): Promise<ShardState> {
    return this.#gate(shard, 'look');
  }

  async #gate(shard: string, verb: 'close' | 'open' | 'look', process = ''): Promise<ShardState> {
    const answer = read(await this.#send(shard, 'replay', ['', 0, '', verb, process]), 'replay');
    return { n: Number(answer['n']), isOpen: answer['outcome'] === 'open', process: String(answer['process']) };
  }

  async #submit(shard: string, submissions: readonly Submission[]): Promise<Submitted[]> {
    const { queuedRunsMax, outboxEventsMax, idempotencyKeptMs } = this.#deps.bounds;
    const rows = submissions.map(({ plan, idempotency, ...wanted }) => ({
      ...{
        run: wanted.run,
        tenant: wanted.tenant,
        actor: wanted.actor,
        workflow: wanted.workflow,
        definition: plan.digest,
      },
      ...{ parameters: wanted.parameters, trigger: wanted.trigger, logical: wanted.logicalMs },
      ...{ key: idempotency?.key ?? '', request: idempotency?.request ?? '', key_ms: idempotencyKeptMs },
      ...{ runs_max: plan.runsMax, timeout: plan.timeoutMs, priority: wanted.priority ?? plan.priority },
      ...{ overlap: wanted.overlap ?? 'queue', automatic: wanted.automatic ?? false, parent: wanted.parent ?? '' },
      ...{ fired: wanted.fired?.trigger ?? '', after: wanted.fired?.afterMs ?? 0 },
      ...{ pins: wanted.pins === undefined ? '' : JSON.stringify(wanted.pins), limit_keys: wanted.limitKeys ?? {} },
    }));
    const answer = await this.#call(shard, 'submit', [queuedRunsMax, outboxEventsMax, JSON.stringify(rows)]);
    return (answer['outcomes'] as [SubmitOutcome, string, string][]).map(([outcome, run, state]) => ({
      outcome,
      run,
      state,
    }));
  }

  #controlled(how: ControlVerb): unknown {
    if (how.verb === 'cancel') return { grace: how.graceMs };
    if (how.verb !== 'reset') return how;
    const { outboxEventsMax, queuedRunsMax } = this.#deps.bounds;
    const { steps, counts, left, last, definition = '' } = how;
    return { steps, wts: counts, left, last, definition, outbox_max: outboxEventsMax, queued_max: queuedRunsMax };
  }

  async #call(shard: string, verb: string, args: readonly (string | number)[]): Promise<Answer> {
    const answer = read(await this.#run(shard, verb, args), verb);
    if (answer['closed'] === true) throw shardClosed(shard);
    return answer;
  }

  #run(shard: string, verb: string, args: readonly (string | number)[]): Promise<unknown> {
    return this.#send(shard, verb, [this.#deps.release(), ...args]);
  }

  #send(shard: string, verb: string, args: readonly (string | number)[]): Promise<unknown> {
    const { redis, library } = this.#deps;
    const call = { name: `${library.name}_${verb}`, keys: [keys.prefix(shard)], args };
    return fcall(redis, library, call).catch((error: unknown) => {
      throw redisFailed(verb, error);
    });
  }
}

function read(answer: unknown, verb: string): Answer {
  if (typeof answer !== 'string') throw stateUnexpected(verb, answer);
  return JSON.parse(answer) as Answer;
}

function shardClosed(shard: string): OrreryError {
  return new OrreryError({
    code: 'SHARD_CLOSED',
    message: `the shard ${shard} is closed while what it lost comes back from the bus`,
    hint: 'try again in some seconds; the log of the orchestrator tells how far it is',
    retry: 'retryable',
    status: 503,
  });
}

/** What a success has nothing to say of is left away: it is what most endings are. */
function rowOf({ run, ref, fence, outcome, payload, ...failure }: Ending): (string | number)[] {
  if (outcome === 'succeeded') return [run, ref, fence, outcome, payload];
  const { class: kind = 'failure', retryable = false, reason = '', retryAfterMs = 0 } = failure;
  return [run, ref, fence, outcome, payload, kind, retryable ? 1 : 0, reason, retryAfterMs];
}
