import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Redis } from 'ioredis';
import { Registry } from 'prom-client';
import type { Step, Workflow } from '@orrery/contracts/definitions/workflow';
import type { ClickHouse } from '@orrery/kit/clickhouse';
import { systemClock } from '@orrery/kit/clock';
import { silentLog } from '@orrery/kit/log';
import { createPeer } from '@orrery/kit/peer';
import { loadLibrary } from '@orrery/kit/redis-functions';
import { DefinitionReader } from '#services/orchestrator/src/work/definition-reader.ts';
import { Breakers, type BreakerState } from '#services/orchestrator/src/executors/breakers.ts';
import { createHttpExecutor, isAway } from '#services/orchestrator/src/executors/http.ts';
import { createSqlExecutor, isClickHouseAway } from '#services/orchestrator/src/executors/sql.ts';
import type { Executors, StepExecutor } from '#services/orchestrator/src/executors/types.ts';
import { createApproveExecutor } from '#services/orchestrator/src/inner/approve.ts';
import { DatasetWaits } from '#services/orchestrator/src/inner/dataset-waits.ts';
import { FamilyReader } from '#services/orchestrator/src/inner/family.ts';
import { createMapExecutor } from '#services/orchestrator/src/inner/map.ts';
import { createWaitExecutor } from '#services/orchestrator/src/inner/wait.ts';
import { createWorkflowExecutor } from '#services/orchestrator/src/inner/workflow.ts';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import { readLibrary } from '#services/orchestrator/src/library.ts';
import { createMetrics } from '#services/orchestrator/src/metrics.ts';
import { planWorkflow } from '#services/orchestrator/src/core/plan.ts';
import { ResultReader } from '#services/orchestrator/src/work/result-reader.ts';
import { StepInputs } from '#services/orchestrator/src/work/step-inputs.ts';
import type { Submission } from '#services/orchestrator/src/core/submission.ts';
import { Transitions } from '#services/orchestrator/src/core/transitions.ts';
import { listenForWork } from '#services/orchestrator/src/core/wake.ts';
import { Worker } from '#services/orchestrator/src/work/step-worker.ts';
import { eventually } from '#test/support/eventually.ts';
import { startRedis, type RedisServer } from '#test/support/redis.ts';

export const shard = 's00';
const token = 'a-token-for-tests-of-the-orchestrator';
const tickMs = 20;
const bounds = {
  ...{ lapsesMax: 3, queuedRunsMax: 1000, outboxEventsMax: 1_000_000 },
  ...{ idempotencyKeptMs: 60_000, endedRunsKeptMs: 60_000, endedRunsMax: 1000 },
};

export type StepState = readonly [
  ...[state: string, attempt: number, failures: number, lapses: number, fence: string],
  ...[started: number, ended: number, due: number, on: string, key: string],
];
type Handler = (
  request: { readonly path: string; readonly key: string; readonly body: unknown; readonly atMs: number },
  response: ServerResponse,
) => void;

export interface FloorOptions {
  readonly patienceMs?: number;
  readonly probeMs?: number;
  readonly leaseMs?: number;
  readonly stepsMax?: number;
  readonly clickhouse?: ClickHouse;
  readonly executors?: Partial<Executors>;
}

/** A Redis with the real functions, what passes time in it, a stand-in for a peer, and a worker. */
export class Floor {
  readonly redis: Redis;
  readonly transitions: Transitions;
  readonly worker: Worker;
  readonly metrics = createMetrics(new Registry());
  readonly inputs: StepInputs;
  readonly waits: DatasetWaits;
  readonly datasets = new Map<string, number>();
  readonly workflows = new Map<string, Workflow>();
  readonly states: string[] = [];
  readonly requests: Parameters<Handler>[0][] = [];
  handler: Handler = (_request, response) => response.end('{}');
  readonly #server: RedisServer;
  readonly #peer: Server;
  readonly #ear: { stop(): void };
  #ticking: Promise<void> | undefined;
  readonly #frozen = new Map<string, () => void>();
  #ended = false;
  #runs = 0;

  static async open(options: FloorOptions = {}): Promise<Floor> {
    const server = await startRedis();
    const redis = new Redis(server.url, { password: server.password });
    await loadLibrary(redis, readLibrary());
    const peer = createServer().listen(0, '127.0.0.1');
    await once(peer, 'listening');
    return new Floor({ server, redis, peer }, options);
  }

  private constructor(parts: { server: RedisServer; redis: Redis; peer: Server }, options: FloorOptions) {
    this.#server = parts.server;
    this.redis = parts.redis;
    this.#peer = parts.peer;
    this.#peer.on('request', (request, response) => void this.#answer(request, response));
    const { redis, metrics } = this;
    const shared = { redis, library: readLibrary(), release: () => 'sha256:test', random: Math.random, bounds };
    this.transitions = new Transitions(shared);
    this.waits = new DatasetWaits({ redis, shards: [shard], transitions: this.transitions });
    this.inputs = new StepInputs({ definitions: new DefinitionReader(redis), results: new ResultReader(redis) });
    const { leaseMs = 600, stepsMax = 16 } = options;
    const kind = { stepsMax, leaseMs };
    this.worker = new Worker({
      ...{
        shards: [shard],
        transitions: this.transitions,
        inputs: this.inputs,
        executors: this.#freezable(this.#executors(options)),
      },
      bounds: { http: kind, sql: kind, process: kind, inner: kind },
      ...{ pollMs: 50, clock: systemClock, random: Math.random, log: silentLog(), metrics },
    });
    const onWake = (place: string, pool: string) => this.worker.wake(place, pool);
    this.#ear = listenForWork({ redis, shards: [shard], log: silentLog(), onWake });
    this.#ticking = this.#tick();
    this.worker.start();
  }

  /** Declares a workflow under its name. */
  define(name: string, steps: readonly unknown[], more: Partial<Workflow> = {}): void {
    const head = {
      kind: 'Workflow',
      schema: 1,
      name,
      owner: 'people',
      runsMax: 100,
      triggers: [{ manual: true }],
    } as const;
    this.workflows.set(name, { ...head, triggers: [{ manual: true }], steps: steps as Step[], ...more });
  }

  /** Starts a run of a declared workflow. */
  async run(name: string, parameters: Record<string, unknown> = {}, more: Partial<Submission> = {}): Promise<string> {
    this.#runs += 1;
    const run = `${shard}-${String(this.#runs).padStart(13, '0')}`;
    const workflow = this.workflows.get(name);
    if (workflow === undefined) throw new Error(`no workflow ${name}`);
    const plan = planWorkflow(workflow);
    const [submitted] = await this.transitions.submit(shard, [
      {
        ...{ run, tenant: 'main', actor: 'ann', workflow: name, plan, parameters: JSON.stringify(parameters) },
        ...{ trigger: 'manual', logicalMs: Date.UTC(2026, 2, 1, 6), ...more },
      },
    ]);
    if (submitted?.outcome !== 'accepted') throw new Error(`${name}: ${String(submitted?.outcome)}`);
    return run;
  }

  async state(run: string): Promise<string> {
    return (await this.redis.hget(keys.run(shard, run), 'state')) ?? 'missing';
  }

  async step(run: string, ref: string): Promise<StepState | undefined> {
    const text = await this.redis.hget(keys.steps(shard, run), ref);
    return text === null ? undefined : (JSON.parse(text) as StepState);
  }

  async result(run: string, ref: string): Promise<unknown> {
    return this.#data(run, `r:${ref}`);
  }

  async error(run: string, ref: string): Promise<{ code: string; message: string; hint: string } | undefined> {
    return (await this.#data(run, `e:${ref}`)) as { code: string; message: string; hint: string } | undefined;
  }

  /** The state in which a run ends. */
  async end(run: string, timeoutMs = 10_000): Promise<string> {
    const ended = async () => {
      const state = await this.state(run);
      return ['succeeded', 'failed', 'cancelled'].includes(state) && state;
    };
    return eventually(ended, { what: `the end of ${run}`, timeoutMs });
  }

  /** Waits until a step is in a state. */
  async until(run: string, ref: string, state: string): Promise<StepState> {
    const reached = async () => {
      const step = await this.step(run, ref);
      return step?.[0] === state && step;
    };
    return eventually(reached, { what: `${run}|${ref} ${state}` });
  }

  /** Reason of the last transition of a step that the log holds. */
  async lastReason(run: string, ref: string): Promise<string> {
    const entries = await this.redis.xrange(keys.outbox(shard), '-', '+');
    const events = entries.flatMap(([, [, text = '{}']]) => (JSON.parse(text) as { events: string[][] }).events);
    const own = events.filter((event) => event[0] === run && event[2] === ref);
    return own.at(-1)?.[8] ?? '';
  }

  async held(): Promise<Record<string, string>> {
    return this.redis.hgetall(keys.held(shard));
  }

  /** The next attempt of a kind does its work and then never ends, as if its process had died; resolves when it is there. */
  freezeNext(kind: keyof Executors): Promise<void> {
    return new Promise((resolve) => this.#frozen.set(kind, resolve));
  }

  /** What holds a lease loses it, as if it had not been heard of for long. */
  async loseLeases(): Promise<void> {
    const leases = await this.redis.zrange(keys.leases(shard), '0', '-1');
    for (const lease of leases) await this.redis.zadd(keys.leases(shard), 'XX', 1, lease);
  }

  async stop(): Promise<void> {
    await this.worker.drain({ http: 0, sql: 0, process: 0, inner: 0 });
    this.#ended = true;
    await this.#ticking;
    this.#ear.stop();
    this.#peer.closeAllConnections();
    this.#peer.close();
    this.redis.disconnect();
    await this.#server.stop();
  }

  #executors(options: FloorOptions): Executors {
    const { patienceMs = 5000, probeMs = 300, clickhouse } = options;
    const onState = (callee: string, state: BreakerState) => this.states.push(`${callee} ${state}`);
    const of = { awayMs: patienceMs, probeMs, clock: systemClock, onState };
    const family = new FamilyReader(this.redis);
    const missing = { execute: () => Promise.reject(new Error('this floor has none')) };
    const sql = {
      breaker: new Breakers({ ...of, isAway: isClickHouseAway }).of('clickhouse'),
      ...{ killStatement: 'KILL QUERY WHERE query_id = {id:String} ASYNC', clock: systemClock, log: silentLog() },
    };
    return {
      http: createHttpExecutor({
        peers: new Map([['peer', createPeer({ name: 'peer', url: this.#peerUrl(), token })]]),
        breakers: new Breakers({ ...of, isAway }),
        ...{ clock: systemClock, random: Math.random, patienceMs },
      }),
      sql: clickhouse === undefined ? missing : createSqlExecutor({ clickhouse, ...sql }),
      process: missing,
      map: createMapExecutor({ transitions: this.transitions }),
      workflow: createWorkflowExecutor({
        find: (_tenant, name) => {
          const workflow = this.workflows.get(name);
          return workflow === undefined ? undefined : { plan: planWorkflow(workflow), lacks: [] };
        },
        known: () => [...this.workflows.keys()],
        family: (run, ref) => family.family(run, ref),
        admit: () => Promise.resolve(),
        transitions: this.transitions,
      }),
      wait: createWaitExecutor({
        updatedAt: (_tenant, names) => Promise.resolve(names.map((name) => this.datasets.get(name))),
        expect: (tenant, dataset, leastMs) => this.waits.expect(tenant, dataset, leastMs),
        startedAtMs: (run) => family.startedAtMs(run),
      }),
      approve: createApproveExecutor(),
      ...options.executors,
    };
  }

  #freezable(executors: Executors): Executors {
    const wrapped = Object.entries(executors).map(([kind, executor]) => {
      const execute: StepExecutor['execute'] = async (task, context) => {
        const result = await (executor as StepExecutor).execute(task, context);
        const reached = this.#frozen.get(kind);
        this.#frozen.delete(kind);
        reached?.();
        if (reached !== undefined) await once(context.signal, 'abort');
        context.signal.throwIfAborted();
        return result;
      };
      return [kind, { execute }];
    });
    return Object.fromEntries(wrapped) as Executors;
  }

  #peerUrl(): string {
    const address = this.#peer.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  async #tick(): Promise<void> {
    while (!this.#ended) {
      const { more } = await this.transitions.tick(shard);
      if (!more) await systemClock.sleep(tickMs);
    }
  }

  async #data(run: string, field: string): Promise<unknown> {
    const text = await this.redis.hget(keys.data(shard, run), field);
    return text === null ? undefined : (JSON.parse(text) as unknown);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const asked = {
      path: request.url ?? '',
      key: String(request.headers['idempotency-key'] ?? ''),
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
      atMs: Date.now(),
    };
    this.requests.push(asked);
    response.setHeader('content-type', 'application/json');
    this.handler(asked, response);
  }
}
