import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { after, before, describe, it } from 'mocha';
import { fcall, loadLibrary } from '@orrery/kit/redis-functions';
import { keys } from '#services/orchestrator/src/keys.ts';
import { readLibrary } from '#services/orchestrator/src/library.ts';
import { planWorkflow, type WorkflowPlan } from '#services/orchestrator/src/plan.ts';
import { startRedis, type RedisServer } from '#test/support/redis.ts';
import { dumpModel, dumpRedis } from './shard-dump.ts';
import { ShardModel } from './shard-model.ts';
import { chain, diamond, fan } from './workflows.ts';

const bounds = { lapsesMax: 2, queuedMax: 2, outboxMax: 150 };
const plans: Record<string, WorkflowPlan> = Object.fromEntries(
  [diamond, chain, fan].map((workflow) => [workflow.name, planWorkflow(workflow)]),
);
// Timeouts that come within a few calls; a definition's own are whole seconds.
const hasty = planWorkflow({ ...chain, name: 'hasty' });
plans['hasty'] = { ...hasty, steps: hasty.steps.map(([name, plan]) => [name, { ...plan, timeout: 2 }]) };
plans['brief'] = { ...planWorkflow({ ...fan, name: 'brief' }), timeoutMs: 8 };
const library = readLibrary();

type Operation =
  | { op: 'submit'; tenant: string; workflow: string; key: string; request: string; cron: string; logicalMs: number }
  | { op: 'claim'; kind: string; stepsMax: number; leaseMs: number }
  | { op: 'finish'; pick: number; outcome: string; retryable: boolean; random: number }
  | { op: 'beat'; pick: number; leaseMs: number }
  | { op: 'reap' | 'tick'; random: number }
  | { op: 'cancel' | 'retry'; pick: number; tenant: string }
  | { op: 'purge'; keptMs: number }
  | { op: 'relay' };

const tenant = fc.constantFrom('t1', 't1', 't1', 't2');
const random = fc.double({ min: 0, max: 0.999, noNaN: true });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('submit' as const),
      tenant,
      workflow: fc.constantFrom('diamond', 'chain', 'fan', 'hasty', 'brief'),
      key: fc.constantFrom('', '', '', 'k1', 'k2'),
      request: fc.constantFrom('a', 'b'),
      cron: fc.constantFrom('', '', '', '* * * * *'),
      logicalMs: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('claim' as const),
      kind: fc.constantFrom('http', 'http', 'process'),
      stepsMax: fc.integer({ min: 1, max: 3 }),
      leaseMs: fc.constantFrom(0, 60_000, 60_000, 60_000),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      op: fc.constant('finish' as const),
      pick: fc.nat(1000),
      outcome: fc.constantFrom('succeeded', 'succeeded', 'succeeded', 'succeeded', 'failed', 'returned'),
      retryable: fc.boolean(),
      random,
    }),
  },
  fc.record({ op: fc.constant('beat' as const), pick: fc.nat(1000), leaseMs: fc.constantFrom(0, 60_000) }),
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('reap' as const, 'tick' as const), random }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('tick' as const), random }) },
  fc.record({ op: fc.constant('cancel' as const), pick: fc.nat(1000), tenant }),
  { weight: 3, arbitrary: fc.record({ op: fc.constant('retry' as const), pick: fc.nat(1000), tenant }) },
  fc.record({ op: fc.constant('purge' as const), keptMs: fc.constantFrom(0, 60_000, 60_000) }),
  fc.record({ op: fc.constant('relay' as const) }),
);

describe('the transitions of a shard', function () {
  this.timeout(60_000);
  let server: RedisServer;
  let redis: Redis;
  let shards = 0;

  before(async () => {
    server = await startRedis();
    redis = new Redis(server.url, { password: server.password });
    await loadLibrary(redis, library);
  });

  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('are those of the model, whatever is done in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 200, size: 'max' }), async (operations) => {
        shards += 1;
        const pair = new Pair(redis, `m${shards}`);
        for (const each of operations) await pair.apply(each);
        await pair.compare();
      }),
      { numRuns: 200, endOnFailure: true },
    );
  });
});

/** The same operations on the model and on Redis, by Redis's clock. */
class Pair {
  readonly #redis: Redis;
  readonly #shard: string;
  readonly #model = new ShardModel(bounds);
  /** Every lease that was ever given, so that stale ones are tried as well. */
  readonly #leases: { run: string; step: string; fence: string }[] = [];
  readonly #runs: string[] = [];
  readonly #events: Record<string, unknown>[] = [];

  constructor(redis: Redis, shard: string) {
    this.#redis = redis;
    this.#shard = shard;
  }

  async apply(operation: Operation): Promise<void> {
    switch (operation.op) {
      case 'submit':
        return this.#submit(operation);
      case 'claim':
        return this.#claim(operation);
      case 'finish':
        return this.#finish(operation);
      case 'beat': {
        const lease = this.#pick(this.#leases, operation.pick);
        if (lease === undefined) return;
        const args = [lease.run, lease.step, lease.fence, operation.leaseMs, '{"done":1}'];
        const [now, held] = await this.#call('beat', args);
        assert.equal(held === 1, this.#model.at(Number(now)).beat(lease, operation.leaseMs, '{"done":1}'));
        return;
      }
      case 'reap': {
        const [now, count] = await this.#call('reap', ['', operation.random, 256, bounds.lapsesMax]);
        assert.equal(count, this.#model.at(Number(now)).reap(operation.random));
        return;
      }
      case 'tick': {
        const [now, count] = await this.#call('tick', ['', operation.random, 256]);
        assert.equal(count, this.#model.at(Number(now)).tick(operation.random));
        return;
      }
      case 'cancel':
      case 'retry': {
        const run = this.#pick(this.#runs, operation.pick);
        if (run === undefined) return;
        const args = ['', operation.op, run, operation.tenant, 'actor', 'asked', bounds.outboxMax, bounds.queuedMax];
        const [code, now] = await this.#call('control', args);
        const codes = { done: 1, nothing: 0, missing: -1, 'wrong-state': -2, 'outbox-full': -3, 'queue-full': -4 };
        const expected = this.#model.at(Number(now)).control(operation.op, run, operation.tenant);
        assert.equal(code, codes[expected as keyof typeof codes], `${operation.op} ${run}: ${expected}`);
        return;
      }
      case 'purge': {
        const [now, count] = await this.#call('purge', [operation.keptMs, 3, 256]);
        assert.equal(count, this.#model.at(Number(now)).purge(operation.keptMs, 3));
        return;
      }
      case 'relay':
        return this.#relay();
    }
  }

  async #submit(wanted: Extract<Operation, { op: 'submit' }>): Promise<void> {
    const plan = plans[wanted.workflow];
    assert.ok(plan !== undefined);
    const run = `r${String(this.#runs.length).padStart(4, '0')}`;
    const steps = JSON.stringify(plan.steps.map(([name, each]) => [name, JSON.stringify(each)]));
    const { tenant, workflow, key, request, cron, logicalMs } = wanted;
    const [code, now, answered] = await this.#call('submit', [
      ...['', run, tenant, 'actor', workflow, plan.digest, '{}', 'manual', logicalMs],
      ...[key, request, 60_000, plan.runsMax, plan.timeoutMs, bounds.queuedMax, bounds.outboxMax],
      ...[cron, plan.text, steps],
    ]);
    const codes = { accepted: 1, known: 0, 'key-reused': -2, 'outbox-full': -3, 'queue-full': -4, fired: -5 };
    const expected = this.#model.at(Number(now)).submit({ ...wanted, run, plan });
    assert.equal(code, codes[expected as keyof typeof codes], `submit: ${expected}`);
    if (expected === 'accepted') this.#runs.push(String(answered));
  }

  async #claim({ kind, stepsMax, leaseMs }: Extract<Operation, { op: 'claim' }>): Promise<void> {
    const [now, ...rows] = await this.#call('claim', ['', kind, stepsMax, leaseMs]);
    const claimed = (rows as string[][]).map(([run = '', step = '', fence = '']) => ({ run, step, fence }));
    assert.deepEqual(claimed, this.#model.at(Number(now)).claim(kind, stepsMax, leaseMs));
    this.#leases.push(...claimed);
  }

  async #finish(ending: Extract<Operation, { op: 'finish' }>): Promise<void> {
    const lease = this.#pick(this.#leases, ending.pick);
    if (lease === undefined) return;
    const payload = `{"of":"${lease.fence}"}`;
    const { outcome, retryable } = ending;
    const args = ['', ending.random, lease.run, lease.step, lease.fence, outcome, payload, retryable ? '1' : '0', ''];
    const [code, now] = await this.#call('finish', args);
    const expected = this.#model.at(Number(now)).finish(lease, { outcome, payload, retryable, random: ending.random });
    assert.equal(code, { accepted: 1, repeated: 0, stale: -1 }[expected], `finish ${outcome}: ${expected}`);
  }

  /** Takes what is in the outbox, then says that it is published. */
  async #relay(): Promise<void> {
    const [, ...entries] = await this.#call('relay', ['relay', 60_000, '', 1000]);
    this.#events.push(...(entries as [string, string[]][]).map(([, fields]) => eventOf(fields)));
    const [last] = (entries.at(-1) ?? ['']) as [string];
    const [, ...left] = await this.#call('relay', ['relay', 60_000, last, 1000]);
    assert.deepEqual(left, []);
    this.#model.relay();
  }

  async compare(): Promise<void> {
    const found = await dumpRedis(this.#redis, this.#shard);
    assert.deepEqual(found, dumpModel(this.#model));
    await this.#relay();
    assert.deepEqual(this.#events, this.#model.events);
    this.#assertInvariants();
  }

  /** What holds of any shard at any time, said apart from how it comes about. */
  #assertInvariants(): void {
    const running: string[] = [];
    for (const run of this.#model.runs.values()) {
      const states = [...run.steps.values()].map((step) => step.state);
      const unfinished = states.filter((state) => !['succeeded', 'failed', 'skipped', 'cancelled'].includes(state));
      assert.equal(run.left, unfinished.length, 'a run counts its unfinished steps');
      for (const [name, step] of run.steps)
        if (step.state === 'running') running.push(`${run.id}|${name}|${step.fence}`);
      const slots = this.#model.slots.get(`${run.tenant}/${run.workflow}`);
      assert.equal(slots?.score(run.id) !== undefined, run.state === 'running', 'a run holds a slot while it runs');
    }
    const leases = this.#model.leases.entries().map(([lease]) => lease);
    assert.deepEqual(leases.sort(), running.sort(), 'leases are the running steps');
    this.#assertHistory();
  }

  #assertHistory(): void {
    const next = new Map<string, number>();
    const accepted = new Set<string>();
    for (const event of this.#model.events) {
      assert.equal(event.sequence, (next.get(event.run) ?? 0) + 1, 'a sequence has no gap');
      next.set(event.run, event.sequence);
      if (event.step === '' || event.to !== 'succeeded') continue;
      assert.ok(!accepted.has(`${event.run}/${event.step}`), 'a step succeeds once');
      accepted.add(`${event.run}/${event.step}`);
    }
  }

  /** Mostly of the latest, so that much is still going on. */
  #pick<T>(list: readonly T[], place: number): T | undefined {
    const latest = place % 5 === 0 ? list : list.slice(-8);
    return latest.length === 0 ? undefined : latest[place % latest.length];
  }

  async #call(verb: string, args: readonly (string | number)[]): Promise<unknown[]> {
    const call = { name: `${library.name}_${verb}`, keys: [keys.prefix(this.#shard)], args };
    return (await fcall(this.#redis, library, call)) as unknown[];
  }
}

function eventOf(fields: readonly string[]): Record<string, unknown> {
  const of = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
  return {
    ...{ run: of('run'), sequence: Number(of('sequence')), step: of('step'), attempt: Number(of('attempt')) },
    ...{ fence: of('fence'), from: of('from'), to: of('to'), at: Number(of('at')) },
  };
}
