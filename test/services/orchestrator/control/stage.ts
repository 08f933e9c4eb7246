import { Registry } from 'prom-client';
import { Redis } from 'ioredis';
import type { Step, Workflow } from '@orrery/contracts/definitions/workflow';
import { systemClock } from '@orrery/kit/clock';
import { createApp, type App } from '@orrery/kit/http';
import { silentLog } from '@orrery/kit/log';
import { loadLibrary } from '@orrery/kit/redis-functions';
import { Bulk } from '#services/orchestrator/src/control/bulk.ts';
import { Controls } from '#services/orchestrator/src/control/controls.ts';
import { Explainer } from '#services/orchestrator/src/control/explainer.ts';
import { Intake } from '#services/orchestrator/src/control/intake.ts';
import { Scopes } from '#services/orchestrator/src/control/scopes.ts';
import { readVersions } from '#services/orchestrator/src/control/versions.ts';
import { Catalogue } from '#services/orchestrator/src/definitions.ts';
import { addRoutes } from '#services/orchestrator/src/http.ts';
import { readLibrary } from '#services/orchestrator/src/library.ts';
import { createMetrics } from '#services/orchestrator/src/metrics.ts';
import { planWorkflow } from '#services/orchestrator/src/core/plan.ts';
import type { Started } from '#services/orchestrator/src/routes/started.ts';
import { RunReader } from '#services/orchestrator/src/runs/run-reader.ts';
import { RunViews } from '#services/orchestrator/src/runs/run-views.ts';
import { Runs } from '#services/orchestrator/src/runs/runs.ts';
import type { ClaimedStep, Ending } from '#services/orchestrator/src/core/step-lease.ts';
import { Transitions } from '#services/orchestrator/src/core/transitions.ts';
import type { Happening } from '#services/orchestrator/src/triggers/matching.ts';
import { readDelivery } from '#services/orchestrator/src/triggers/webhook.ts';
import { startRedis, type RedisServer } from '#test/support/redis.ts';

export const token = 'a-token-for-tests-of-control';
export const shard = 's00';
const digest = `sha256:${'0'.repeat(64)}`;

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

export interface Told {
  readonly run: string;
  readonly state: string;
  readonly outcome: string;
  readonly text: string;
  readonly again?: { readonly stepsCount: number; readonly itemsCount: number; readonly steps: readonly string[] };
}

export interface RunView {
  readonly run: string;
  readonly state: string;
  readonly paused: boolean;
  readonly priority: number;
  readonly definition: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly stepsCount: number;
  readonly steps: readonly {
    readonly name: string;
    readonly state: string;
    readonly attempt: number;
    readonly result?: unknown;
  }[];
}

export interface Call {
  readonly tenant?: string;
  readonly actor?: string;
  readonly key?: string;
}

export function workflow(name: string, steps: readonly Step[], more: Partial<Workflow> = {}): Workflow {
  return {
    kind: 'Workflow',
    schema: 1,
    name,
    owner: 'people',
    triggers: [{ manual: true }],
    runsMax: 1000,
    ...more,
    steps: [...steps],
  };
}

/** A step that a worker does. */
export function task(name: string, needs: readonly string[] = [], more: Partial<Step> = {}): Step {
  const step = {
    name,
    ...(needs.length === 0 ? {} : { needs: [...needs] }),
    uses: 'task',
    with: { handler: 'work' },
  } as const;
  return { ...step, ...more } as Step;
}

const unread = () => Promise.reject(new Error('no history is read here'));

/** The API over a real Redis with the real functions; the test itself is the workers. */
export class Stage {
  redis!: Redis;
  transitions!: Transitions;
  started!: Started;
  app!: App;
  /** What was handed to the triggers. */
  readonly happened: Happening[] = [];
  /** What the triggers hand back as refused. */
  refuse = false;
  readonly #workflows: Workflow[];
  #server: RedisServer | undefined;

  constructor(workflows: readonly Workflow[]) {
    this.#workflows = [...workflows];
  }

  async start(): Promise<void> {
    this.#server = await startRedis();
    this.redis = new Redis(this.#server.url, { password: this.#server.password });
    const library = readLibrary();
    await loadLibrary(this.redis, library);
    const bounds = {
      ...{ lapsesMax: 3, queuedRunsMax: 5000, outboxEventsMax: 1_000_000, idempotencyKeptMs: 60_000 },
      ...{ endedRunsKeptMs: 60_000, endedRunsMax: 100_000 },
    };
    this.transitions = new Transitions({
      redis: this.redis,
      library,
      release: () => digest,
      random: () => 0.5,
      bounds,
    });
    await this.open(this.#workflows);
  }

  /** Opens the API over these workflows: a release with others. */
  async open(workflows: readonly Workflow[]): Promise<void> {
    const metrics = new Registry();
    this.started = this.#wire(new Catalogue(workflows.map(defined)), metrics);
    const identity = {
      service: 'orchestrator',
      environment: 'test',
      version: { own: digest, closure: digest },
      release: digest,
    };
    const log = silentLog();
    const options = {
      identity,
      description: 'test',
      token,
      log,
      metrics,
      bodyBytesMax: 1_000_000,
      missing: async () => [],
    };
    this.app = await createApp(options);
    addRoutes(this.app, () => this.started);
    await this.app.ready();
  }

  async stop(): Promise<void> {
    await this.app.close();
    this.redis.disconnect();
    await this.#server?.stop();
  }

  async call<T>(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, call: Call = {}): Promise<Answer<T>> {
    const headers = {
      authorization: `Bearer ${token}`,
      'x-orrery-actor': call.actor ?? 'ann',
      'x-orrery-tenant': call.tenant ?? 'main',
      ...(call.key === undefined ? {} : { 'idempotency-key': call.key }),
    };
    const payload = body === undefined ? {} : { payload: body as object };
    const answer = await this.app.inject({ method, url: path, headers, ...payload });
    return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(answer.body) as T };
  }

  async run(name: string, call: Call = {}): Promise<string> {
    const answer = await this.call<{ run: string }>('POST', `/v1/workflows/${name}/runs`, {}, call);
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body.run;
  }

  async show(run: string): Promise<RunView> {
    return (await this.call<RunView>('GET', `/v1/runs/${run}`)).body;
  }

  /** States of the steps by name. */
  async states(run: string): Promise<Record<string, string>> {
    return Object.fromEntries((await this.show(run)).steps.map(({ name, state }) => [name, state]));
  }

  async control(run: string, verb: string, body: object = {}, call: Call = {}): Promise<Answer<Told & ErrorAnswer>> {
    return this.call('POST', `/v1/runs/${run}/${verb}`, body, call);
  }

  /** Takes what is ready of a pool. */
  async take(pool = 'default', want = 100, leaseMs = 60_000): Promise<ClaimedStep[]> {
    return (await this.transitions.exchange(shard, { pools: [pool], want, leaseMs }, [])).claimed;
  }

  async end(claimed: ClaimedStep, outcome: Ending['outcome'], payload: unknown = null): Promise<string | undefined> {
    const { run, ref, fence } = claimed;
    const ending = { run, ref, fence, outcome, payload: JSON.stringify(payload), retryable: false, reason: 'said so' };
    return (await this.transitions.exchange(shard, { pools: [], want: 0, leaseMs: 1000 }, [ending])).codes[0];
  }

  /** Does all the work of a pool until none is left: what `fails` names fails. Returns the refs that it did. */
  async work(fails: (claimed: ClaimedStep) => boolean = () => false, pool = 'default'): Promise<string[]> {
    const done: string[] = [];
    for (;;) {
      await this.settle();
      const claimed = await this.take(pool);
      if (claimed.length === 0) return done;
      for (const each of claimed) {
        done.push(each.ref);
        const failed = fails(each);
        await this.end(
          each,
          failed ? 'failed' : 'succeeded',
          failed ? { code: 'NO', message: 'no', hint: '' } : { did: each.ref },
        );
      }
    }
  }

  async settle(): Promise<void> {
    while ((await this.transitions.tick(shard)).more);
  }

  /** Entries of the log, oldest first, as their events. */
  async events(): Promise<readonly (readonly (string | number)[])[]> {
    const entries = await this.redis.xrange(`orchestrator:{${shard}}:out`, '-', '+');
    return entries.flatMap(([, fields]) => (JSON.parse(fields[1] ?? '{}') as { events: (string | number)[][] }).events);
  }

  #wire(catalogue: Catalogue, registry: Registry): Started {
    const { redis, transitions } = this;
    const shards = [shard];
    const reader = new RunReader(redis, shards);
    const onChange = () => undefined;
    const metrics = createMetrics(registry);
    const gate = { pass: async () => undefined };
    const limitKeysOf = () => ({});
    const controls = new Controls({
      ...{ reader, transitions, catalogue, onChange },
      migrate: (at, on, { definition, ...part }) => transitions.control(at, on, { verb: 'reset', ...part, definition }),
    });
    const nowMs = () => systemClock.now();
    return {
      ...{ catalogue, reader, controls },
      runs: new Runs({ catalogue, transitions, gate, shards, clock: systemClock, metrics, limitKeysOf }),
      views: new RunViews(reader),
      bulk: new Bulk({ reader, controls }),
      scopes: new Scopes({ redis, transitions, catalogue, shards, onChange }),
      explainer: new Explainer(redis, reader),
      intake: new Intake({
        ...{ transitions, reader, shards, clock: systemClock, onChange },
        newId: () => 'made-up',
        trigger: async (happenings) => {
          this.happened.push(...happenings);
          return this.refuse ? happenings : [];
        },
        readDelivery: (delivery) => readDelivery(delivery, { token, nowMs: nowMs() }),
        updateDataset: async (caller, name, atMs) => {
          this.happened.push({ kind: 'dataset', id: name, tenant: caller.tenant, name, atMs });
        },
      }),
      versions: (tenant, name) =>
        readVersions(redis, { tenant, workflow: name, shards }, catalogue.find(tenant, name)?.plan.digest),
      history: { events: async () => [], explain: async () => null, verify: unread },
      workers: () => [],
      hookSecret: (tenant, hook) => `secret of ${tenant}/${hook}`,
      backfills: unused,
    };
  }
}

function defined(definition: Workflow) {
  return { tenant: definition.tenant ?? 'main', definition, plan: planWorkflow(definition), lacks: [] };
}

const fail = async (): Promise<never> => {
  throw new Error('no test of control asks for backfills');
};
const unused: Started['backfills'] = { estimate: fail, start: fail, show: fail, wish: fail, active: fail };
