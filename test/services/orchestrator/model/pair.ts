import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import type { FunctionLibrary } from '@orrery/kit/redis-functions';
import { DefinedPlan } from '#services/orchestrator/src/control/plan-reader.ts';
import { partsOf, planReset, type MapItems } from '#services/orchestrator/src/control/reset-plan.ts';
import type { Ending } from '#services/orchestrator/src/core/step-lease.ts';
import type { Submission } from '#services/orchestrator/src/core/submission.ts';
import { Transitions } from '#services/orchestrator/src/core/transitions.ts';
import { comparable, dumpModel, readShard } from './dump.ts';
import { Model } from './model.ts';
import type { Ended, Operation } from './operations.ts';
import { planNamed, plans } from './plans.ts';
import { planOf, profileOf, type ModelRun } from './shard.ts';

export const bounds = {
  lapsesMax: 2,
  queuedRunsMax: 3,
  outboxEventsMax: 80,
  idempotencyKeptMs: 25,
  endedRunsKeptMs: 40,
  endedRunsMax: 6,
};

interface Lease {
  readonly run: string;
  readonly ref: string;
  readonly fence: string;
  readonly dueMs: number;
}

/** An entry of the log as it stands in the outbox. */
export interface PairEntry {
  readonly n: number;
  readonly at: string;
  readonly release: string;
  readonly call: readonly string[];
  readonly events: readonly (readonly unknown[])[];
  readonly text: string;
}

/** The same calls on Redis and on the model, by Redis's clock: every answer is compared, and in the end all that there is. */
export class Pair {
  readonly model = new Model();
  readonly shard: string;
  readonly transitions: Transitions;
  readonly log: PairEntry[] = [];
  readonly #redis: Redis;
  /** Every lease that was ever given, so that stale ones are tried as well. */
  readonly #leases: Lease[] = [];
  readonly #runs: string[] = [];
  #random = 0;
  #named = 0;

  constructor(redis: Redis, library: FunctionLibrary, shard: string) {
    this.#redis = redis;
    this.shard = shard;
    const release = () => 'sha256:release';
    this.transitions = new Transitions({
      redis: this.#listening(redis),
      library,
      release,
      random: () => this.#random,
      bounds,
    });
  }

  async apply(operation: Operation): Promise<void> {
    const { shard, transitions } = this;
    switch (operation.op) {
      case 'submit':
        return this.#submit(operation);
      case 'exchange':
        return this.#exchange(operation);
      case 'beat': {
        const lease = this.#pick(this.#leases, operation.pick);
        if (lease !== undefined)
          await transitions.beat(shard, [{ ...lease, leaseMs: operation.leaseMs, progress: '{"done":1}' }]);
        return;
      }
      case 'tick':
        this.#random = operation.random;
        await transitions.tick(shard);
        return;
      case 'control':
        return this.#control(operation);
      case 'scope': {
        const { verb, scope, most } = operation;
        const on = { on: scope, tenant: scope.slice(2, 4), actor: 'ops', reason: 'asked' };
        await transitions.control(shard, on, verb === 'limit' ? { verb, most } : { verb });
        return;
      }
      case 'event': {
        const { tenant, event, keptMs } = operation;
        await transitions.signal(shard, tenant, {
          kind: 'event',
          event,
          key: 'k1',
          payload: `{"of":"${event}"}`,
          keptMs,
        });
        return;
      }
      case 'decide':
        return this.#decide(operation);
      case 'purge':
        await transitions.purge(shard);
        return;
      case 'relay':
        return this.relay();
    }
  }

  async compare(): Promise<void> {
    const found = await readShard(this.#redis, this.shard);
    assert.deepEqual(comparable(found), dumpModel(this.model));
  }

  /** Takes what is in the outbox, then says that it is published. */
  async relay(): Promise<void> {
    const turn = { relay: 'relay', leaseMs: 60_000, entriesMax: 1000, bytesMax: 1e9 };
    const entries = (await this.transitions.relay(this.shard, { ...turn, published: '' })) ?? [];
    for (const { text } of entries) this.log.push({ ...(JSON.parse(text) as PairEntry), text });
    const last = entries.at(-1)?.id ?? '';
    assert.deepEqual(await this.transitions.relay(this.shard, { ...turn, published: last }), []);
    this.model.shard.outbox = 0;
  }

  /** The log says of each call what the model says, and counts its entries and each run's events without a gap. */
  compareLog(): void {
    const expected = this.model.log.map(({ n, verb, events }) => ({ n, verb, events: inOrder(events) }));
    const found = this.log.map(({ n, call, events }) => {
      const told = events.map(([run, sequence, ref, name, attempt, fence, from, to, , actor]) => [
        ...[run, sequence, ref, name, attempt, fence, from, to, actor],
      ]);
      return { n, verb: call[0], events: inOrder(told) };
    });
    assert.deepEqual(found, expected);
  }

  async #submit(wanted: Extract<Operation, { op: 'submit' }>): Promise<void> {
    const { tenant, workflow, key, request, automatic, fired, logicalMs, overlap, priority, pinned, keyed, twice } =
      wanted;
    const plan = planNamed(workflow);
    const submission = (): Submission => ({
      ...{
        run: this.#name(),
        tenant,
        actor: 'ann',
        workflow,
        plan,
        parameters: '{"list":[1,2]}',
        trigger: 'manual',
        logicalMs,
      },
      ...(key === '' ? {} : { idempotency: { key, request } }),
      ...(priority === undefined ? {} : { priority }),
      ...{ automatic, overlap },
      ...(fired === '' ? {} : { fired: { trigger: fired, afterMs: logicalMs - 1 } }),
      ...(pinned ? { pins: { default: 'b1' } } : {}),
      ...(keyed ? { limitKeys: { '0': 'shared', '1': 'shared' } } : {}),
    });
    const submissions = twice ? [submission(), submission()] : [submission()];
    const answers = await this.transitions.submit(this.shard, submissions);
    for (const { outcome, run } of answers) if (outcome === 'accepted') this.#runs.push(run);
  }

  async #exchange({
    pools,
    want,
    tenant,
    leaseMs,
    random,
    endings,
  }: Extract<Operation, { op: 'exchange' }>): Promise<void> {
    const rows: Ending[] = [];
    for (const ended of endings) {
      const lease = this.#pick(this.#leases, ended.pick);
      if (lease !== undefined) rows.push(await this.#endingOf(lease, ended));
    }
    this.#random = random;
    const { claimed } = await this.transitions.exchange(
      this.shard,
      { pools, want, leaseMs, ...(tenant === undefined ? {} : { tenant }) },
      rows,
    );
    this.#leases.push(...claimed);
  }

  async #endingOf(lease: Lease, ended: Ended): Promise<Ending> {
    const { run, ref, fence } = lease;
    const { outcome, retryable, retryAfterMs } = ended;
    if (outcome === 'right') return this.#rightEnding(lease);
    const failed = outcome === 'failed' ? { class: ended.class, retryable, retryAfterMs } : {};
    return { run, ref, fence, outcome, payload: `{"of":"${fence}"}`, reason: 'so it ended', ...failed };
  }

  /** What the orchestrator or a worker would hand in: a step without a handler of its own is suspended. */
  async #rightEnding({ run: id, ref, fence }: Lease): Promise<Ending> {
    const run = this.model.shard.runs.get(id);
    const suspended = (how: object): Ending => ({
      run: id,
      ref,
      fence,
      outcome: 'suspended',
      payload: JSON.stringify(how),
    });
    const now = this.model.shard.now;
    switch (run === undefined ? 'task' : profileOf(run, ref).kind) {
      case 'wait':
        if (run !== undefined && planOf(run, ref)[0] === 'c') return suspended({ on: 'timer', due: now + 3 });
        return suspended({ on: 'event', key: 'order|k1', ...(now % 3 === 0 ? { due: now + 6 } : {}) });
      case 'approve':
        return suspended({
          on: 'approval',
          who: ['ann', 'bob', 'cleo'],
          quorum: 2,
          ...(now % 3 === 0 ? { due: now + 6 } : {}),
        });
      case 'map':
        return suspended({ on: 'items', items: await this.#layItems({ id, ref, fence }) });
      case 'workflow':
        return suspended({ on: 'child', key: await this.#startChild(id, ref) });
      default:
        return { run: id, ref, fence, outcome: 'succeeded', payload: `{"of":"${fence}"}` };
    }
  }

  async #layItems({ id, ref, fence }: { id: string; ref: string; fence: string }): Promise<number> {
    const items = Array.from({ length: Number(fence) % 6 }, (_, index) => `{"item":${index}}`);
    const tenant = this.model.shard.runs.get(id)?.tenant ?? 't1';
    const keys = items.map((_, index) => (index % 3 === 0 ? 'third' : ''));
    await this.transitions.signal(this.shard, tenant, { kind: 'items', run: id, ref, fence, first: 0, items, keys });
    return items.length;
  }

  async #startChild(id: string, ref: string): Promise<string> {
    const { tenant = 't1' } = this.model.shard.runs.get(id) ?? {};
    const run = this.#name();
    const plan = planNamed('chain');
    const of = { tenant, actor: 'ann', workflow: 'chain', plan, parameters: '{}', trigger: 'parent', logicalMs: 1 };
    const [answer] = await this.transitions.submit(this.shard, [{ run, ...of, parent: `${id}|${ref}` }]);
    if (answer?.outcome === 'accepted') this.#runs.push(run);
    return run;
  }

  async #control({ verb, pick, tenant, number }: Extract<Operation, { op: 'control' }>): Promise<void> {
    const id = this.#pick(this.#runs, pick);
    if (id === undefined) return;
    const on = { on: id, tenant, actor: 'ops', reason: 'asked' };
    const run = this.model.shard.runs.get(id);
    switch (verb) {
      case 'cancel':
        await this.transitions.control(this.shard, on, { verb, graceMs: [0, 4, 60_000][number % 3] ?? 0 });
        return;
      case 'skip': {
        const refs = run === undefined ? [] : [...run.plan.steps.keys()].map(String);
        const ref =
          [...refs, ...(run?.steps.keys() ?? [])][pick % Math.max(1, refs.length + (run?.steps.size ?? 0))] ?? '0';
        await this.transitions.control(this.shard, on, { verb, ref });
        return;
      }
      case 'priority':
        await this.transitions.control(this.shard, on, { verb, priority: number });
        return;
      case 'reset':
        if (run !== undefined) await this.#reset(run, on, number);
        return;
      default:
        await this.transitions.control(this.shard, on, { verb });
    }
  }

  /** As the service does it, and sometimes broken off after some of its parts. */
  async #reset(
    run: ModelRun,
    on: { on: string; tenant: string; actor: string; reason: string },
    number: number,
  ): Promise<void> {
    const plan = new DefinedPlan(run.plan.steps, run.plan.profiles);
    const states = run.plan.steps.map((_, step) => run.steps.get(String(step))?.state ?? 'waiting');
    const counted = new Set(states.keys().filter((step) => (run.counts.get(String(step)) ?? 0) > 0));
    const maps = new Map(states.flatMap((_, step) => mapOf(run, step)));
    const reset = planReset({ plan, states, counted, maps }, number % 3 === 0 ? [number % states.length] : []);
    for (const part of partsOf(reset, 2)) {
      const { outcome } = await this.transitions.control(this.shard, on, { verb: 'reset', ...part, left: reset.left });
      if (outcome !== 'done' || (number === 7 && !part.last)) return;
    }
  }

  async #decide({ pick, actor, word }: Extract<Operation, { op: 'decide' }>): Promise<void> {
    const asked = [...this.model.shard.runs.values()].flatMap((run) =>
      [...run.steps].flatMap(([ref, { on }]) => (on === 'approval' ? [{ run: run.id, ref, tenant: run.tenant }] : [])),
    );
    const { run, ref, tenant } = this.#pick(asked, pick) ?? { run: this.#runs[0] ?? 'none', ref: '0', tenant: 't1' };
    await this.transitions.signal(this.shard, tenant, { kind: 'decision', run, ref, actor, word, comment: 'so' });
  }

  #name(): string {
    this.#named += 1;
    return `r${String(this.#named).padStart(4, '0')}`;
  }

  /** Mostly of the latest, so that much is still going on. */
  #pick<T>(list: readonly T[], place: number): T | undefined {
    const latest = place % 5 === 0 ? list : list.slice(-8);
    return latest.length === 0 ? undefined : latest[place % latest.length];
  }

  /** A Redis whose every call goes to the model as well. */
  #listening(redis: Redis): Redis {
    return new Proxy(redis, {
      get: (target, property) => {
        if (property === 'fcall') return (...args: unknown[]) => this.#fcall(target, args.map(String));
        return Reflect.get(target, property, target) as unknown;
      },
    });
  }

  async #fcall(redis: Redis, [name = '', , key = '', ...args]: readonly string[]): Promise<unknown> {
    const answer = await redis.fcall(name, 1, key, ...args);
    if (typeof answer !== 'string') return answer;
    const verb = name.slice(name.lastIndexOf('_') + 1);
    const { now, ...found } = JSON.parse(answer) as Record<string, unknown>;
    const expected = this.model.call(verb, args, { nowUs: Number(now), found });
    assert.deepEqual(found, expected, `${verb} ${args.join(' ')}`);
    return answer;
  }
}

/** By run and step: which of two steps of one call is told first is no promise. */
function inOrder(events: readonly (readonly unknown[])[]): unknown[] {
  const keyed = events.map(([run, , ref, ...rest], index) => ({
    place: `${String(run)}|${String(ref)}`,
    index,
    told: [run, ref, ...rest],
  }));
  keyed.sort((left, right) =>
    left.place < right.place ? -1 : left.place > right.place ? 1 : left.index - right.index,
  );
  return keyed.map(({ told }) => told);
}

function mapOf(run: ModelRun, step: number): [number, MapItems][] {
  const items = run.counts.get(`${step}n`) ?? 0;
  if (profileOf(run, String(step)).kind !== 'map' || items === 0) return [];
  const released = run.counts.get(`${step}r`) ?? 0;
  const states = Array.from({ length: released }, (_, item) => run.steps.get(`${step}.${item}`)?.state ?? 'waiting');
  return [[step, { items, released, states }]];
}

export async function defineAll(pair: Pair): Promise<void> {
  for (const plan of plans) await pair.transitions.define(pair.shard, plan);
}
