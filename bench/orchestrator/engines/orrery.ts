import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Crew } from '../crew.ts';
import { watchFires } from '../fires.ts';
import { nowMs, openLoop, waitUntil } from '../measure.ts';
import { findFreePort } from '../redis-server.ts';
import { startMeasuredRedis, type MeasuredRedis } from '../redis.ts';
import { unitsOf, type Neighbour, type Schedules, type Workload } from '../workloads.ts';
import { startHistory, type History } from './orrery-clickhouse.ts';
import { auditLog } from './orrery-log.ts';
import { Orchestrator } from './orrery-process.ts';
import { backlogSteps, defineWorkflows, tenants, workflowName } from './orrery-workflows.ts';
import type { Check, Engine, EngineOptions, Outcome } from './types.ts';

const program = path.join(import.meta.dirname, 'orrery-worker.ts');
const root = path.join(import.meta.dirname, '../../..');
const timeoutMs = 180_000;
const settleMs = 60_000;
const batchMax = 1000;
/** So many of the backlog must be left when the small tenant's last run has been asked for. */
const leftLeast = 32;
/** A schedule that was due while its orchestrator died is fired by another. */
const patienceMs = 30_000;

interface Running {
  readonly redis: MeasuredRedis;
  readonly folder: string;
  readonly orchestrators: readonly Orchestrator[];
  readonly crew: Crew;
  readonly startedInMs: number;
  readonly history: History | undefined;
}

export function createOrrery(options: EngineOptions): Engine {
  let running: Running | undefined;
  const up = () => {
    if (running === undefined) throw new Error('the orchestrator has not started');
    return running;
  };
  return {
    name: 'orrery',
    version: versionOf(),
    get redis() {
      return running?.redis;
    },
    remark: (kind) =>
      `definitions were read in ${((running?.startedInMs ?? 0) / 1000).toFixed(1)} s at the start, which is not in the figures` +
      (kind === 'schedules' ? '; killed are the orchestrators, each with a worker process of its own' : ''),
    lacks: () => undefined,
    async start(workloads) {
      running = await startOrrery(options, workloads);
    },
    run: (workload) => run(up(), workload),
    settle: () => settle(up().redis),
    audit: async () => auditLog(up().redis.client),
    async stop() {
      if (running === undefined) return;
      const { crew, orchestrators, history, redis, folder } = running;
      await crew.stop();
      await Promise.all(orchestrators.map((each) => each.stop()));
      await history?.stop();
      options.meter.release(redis.pid);
      await redis.stop();
      rmSync(folder, { recursive: true, force: true });
      running = undefined;
    },
  };
}

function versionOf(): string {
  return (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

async function startOrrery(options: EngineOptions, workloads: readonly Workload[]): Promise<Running> {
  const { meter, fsync, profiles } = options;
  const [first] = workloads;
  const redis = await startMeasuredRedis(fsync);
  meter.watch(redis.pid, 'redis');
  const folder = mkdtempSync(path.join(tmpdir(), 'orrery-bench-'));
  mkdirSync(path.join(folder, 'definitions/workflows'), { recursive: true });
  for (const { name, text } of defineWorkflows(workloads)) {
    writeFileSync(path.join(folder, 'definitions/workflows', name), text);
  }
  const token = redis.server.password;
  writeFileSync(path.join(folder, 'token'), token, { mode: 0o600 });
  const history = options.history ? await startHistory(folder, meter) : undefined;
  const count = first?.kind === 'schedules' ? first.orchestrators : 1;
  const orchestrators: Orchestrator[] = [];
  const startedMs = nowMs();
  for (let place = 0; place < count; place += 1) {
    const port = await findFreePort();
    const config = writeConfig({ folder, port, redisUrl: redis.server.url, historyUrl: history?.url });
    const orchestrator = new Orchestrator({ config, port, token, meter, profiles });
    orchestrators.push(orchestrator);
    await orchestrator.start();
  }
  const startedInMs = (nowMs() - startedMs) / count;
  const processes = Math.max(count, options.workers);
  const all = first?.kind === 'neighbour' ? first.slots : options.slots;
  const order = (place: number) => ({
    ...{ redisUrl: redis.server.url, password: token, slots: Math.ceil(all / processes) },
    ...{ url: orchestrators[place % count]?.url ?? '', token },
  });
  const execArgv = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const crew = new Crew({ program, processes, meter, order, execArgv });
  await crew.start();
  return { redis, folder, orchestrators, crew, startedInMs, history };
}

interface Places {
  readonly folder: string;
  readonly port: number;
  readonly redisUrl: string;
  readonly historyUrl: string | undefined;
}

function writeConfig({ folder, port, redisUrl, historyUrl }: Places): string {
  const digest = `sha256:${'0'.repeat(64)}`;
  const file = path.join(folder, `config-${port}.json`);
  const config = {
    ...{ service: 'orchestrator', environment: 'bench', release: digest, version: { own: digest, closure: digest } },
    ...{ port, tokenFile: path.join(folder, 'token'), definitionsFolder: path.join(folder, 'definitions') },
    ...{ dataFolder: path.join(folder, 'data'), store: { folder: path.join(folder, 'store') } },
    redis: { state: redisUrl },
    // Nothing listens at port 9: without a history the events stay in the bus, which is the state's own Redis.
    clickhouse: { url: historyUrl ?? 'http://127.0.0.1:9' },
    bus: { driver: 'redis' },
    ...{ peers: {}, programs: {}, drainMs: 1500, settings: {} },
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** Until the relay has handed the last entry of the outbox on, and no lease is held. */
async function settle({ client }: MeasuredRedis): Promise<void> {
  const isDone = async () => {
    const [entries, leases] = await Promise.all([
      client.xlen('orchestrator:{s00}:out'),
      client.zcard('orchestrator:{s00}:leases'),
    ]);
    return entries === 0 && leases === 0;
  };
  await waitUntil(isDone, settleMs, 'the outbox and the leases being empty');
}

async function run(running: Running, workload: Workload): Promise<Outcome> {
  running.crew.reset();
  if (workload.kind === 'neighbour') return runNeighbour(running, workload);
  if (workload.kind === 'schedules') return runSchedules(running, workload);
  const startedMs = nowMs();
  await submit(running, workload);
  const submitMs = nowMs() - startedMs;
  const { count } = unitsOf(workload);
  const wallMs = (await running.crew.until(count, timeoutMs)) - startedMs;
  const samples = { start: running.crew.of('start') };
  return { wallMs, submitMs, samples, checks: checkCounts(running.crew, count) };
}

async function submit(running: Running, workload: Exclude<Workload, Neighbour | Schedules>): Promise<void> {
  if (workload.kind === 'start') {
    const { perSecond, seconds } = workload;
    await openLoop(perSecond, seconds, () => startSmall(running, tenants.most, 'start'));
    return;
  }
  const runs = workload.kind === 'diamonds' ? workload.runs : 1;
  await startRuns(running, { tenant: tenants.most, workflow: workflowName(workload), runs });
}

interface Batch {
  readonly outcomes: readonly { readonly error?: unknown }[];
}

interface Order {
  readonly tenant: string;
  readonly workflow: string;
  readonly runs: number;
}

/** As many a request as the other engine adds in one call. */
async function startRuns({ orchestrators }: Running, { tenant, workflow, runs }: Order): Promise<void> {
  const path = `/v1/workflows/${workflow}/runs/batch`;
  for (let started = 0; started < runs; started += batchMax) {
    const orders = Array.from({ length: Math.min(batchMax, runs - started) }, () => ({ parameters: {} }));
    const answer = await orchestrators[0]?.post({ path, tenant, body: { orders } });
    const refused = (answer as Batch).outcomes.find(({ error }) => error !== undefined);
    if (refused !== undefined) throw new Error(`a run of ${workflow} was refused: ${JSON.stringify(refused.error)}`);
  }
}

async function startSmall({ orchestrators }: Running, tenant: string, sample: string): Promise<unknown> {
  return orchestrators[0]?.post({
    ...{ path: '/v1/workflows/start/runs', tenant },
    body: { parameters: { sample, askedAtMs: nowMs() } },
  });
}

async function runNeighbour(running: Running, workload: Neighbour): Promise<Outcome> {
  const { crew } = running;
  const { backlog, perSecond, seconds } = workload;
  const small = perSecond * seconds;
  const startedMs = nowMs();
  await openLoop(perSecond, seconds, () => startSmall(running, tenants.small, 'alone'));
  await crew.until(small, timeoutMs);
  const runs = Math.ceil(backlog / backlogSteps);
  const submittingMs = nowMs();
  await startRuns(running, { tenant: tenants.big, workflow: 'backlog', runs });
  const submitMs = nowMs() - submittingMs;
  await openLoop(perSecond, seconds, () => startSmall(running, tenants.small, 'behind'));
  const handledBehind = crew.handled;
  const steps = runs * Math.min(backlogSteps, backlog) + 2 * small;
  const wallMs = (await crew.until(steps, timeoutMs)) - startedMs;
  const lasted = {
    what: 'the backlog lasted',
    holds: handledBehind < steps - leftLeast,
    found: `${handledBehind} of ${steps}`,
  };
  const samples = { alone: crew.of('alone'), behind: crew.of('behind') };
  return { wallMs, submitMs, samples, checks: [lasted, ...checkCounts(crew, steps)] };
}

async function runSchedules({ crew, orchestrators }: Running, workload: Schedules): Promise<Outcome> {
  const startedMs = nowMs();
  const kill = async (place: number) => {
    await orchestrators[place]?.stop('SIGKILL');
    await orchestrators[place]?.start();
  };
  const { lags, checks } = await watchFires(workload, { fires: () => crew.fires, kill, patienceMs });
  return { wallMs: nowMs() - startedMs, submitMs: 0, samples: { lag: lags }, checks };
}

function checkCounts({ problems, handled }: Crew, steps: number): Check[] {
  return [
    { what: 'each step was carried out once', holds: handled === steps, found: `${handled} of ${steps}` },
    { what: 'each join read all results', holds: problems.length === 0, found: problems[0] ?? 'it did' },
  ];
}
