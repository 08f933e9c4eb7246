import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runEventsTopic } from '@orrery/contracts/run-event';
import { kafkaAccess } from '@orrery/kit/bus/kafka-access';
import { openBus, type BusConfig } from '@orrery/kit/bus/open';
import { openClickHouse } from '@orrery/kit/clickhouse';
import { systemClock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import { createPeer } from '@orrery/kit/peer';
import { assertPolicy, openRedis, type Redis } from '@orrery/kit/redis';
import { loadLibrary } from '@orrery/kit/redis-functions';
import type { Service } from '@orrery/kit/service';
import { openStore } from '@orrery/kit/open-store';
import { resultBytesMax } from './attempt.ts';
import type { OrchestratorContext } from './config.ts';
import { Cron } from './triggers/cron.ts';
import { readCatalogue } from './definitions.ts';
import { layoutDiffers } from './errors.ts';
import { createHttpExecutor } from './executors/http.ts';
import { ProcessExecutor } from './executors/process.ts';
import { openHistory } from './history.ts';
import { addRoutes, type Started } from './http.ts';
import { keys, shardNames } from './keys.ts';
import { readLibrary } from './library.ts';
import { Loop, type LoopOptions } from './loop.ts';
import { MemoryGate } from './memory-gate.ts';
import { createMetrics, type OrchestratorMetrics } from './metrics.ts';
import { Recorder } from './recorder.ts';
import { Relay } from './relay.ts';
import { createResultCache } from './result-cache.ts';
import { RunReader } from './run-reader.ts';
import { Runs } from './runs.ts';
import { timekeeperLoops } from './timekeeper.ts';
import { Transitions } from './transitions.ts';
import { Worker } from './worker.ts';

/** What runs between start and stop. */
interface Running extends Started {
  drain(): Promise<void>;
  stop(): Promise<void>;
}

const clock = systemClock;
const random = Math.random;
const cronLookMs = 250;
const relayIdleMs = 100;
const recorderIdleMs = 1000;
/** A call to a peer is taken up again by whoever claims it; that much is waited for one that is about to end. */
const httpDrainMs = 2000;

export function createOrchestratorService(context: OrchestratorContext): Service {
  const { config, token, log } = context;
  const metrics = createMetrics(context.metrics);
  const redis = openRedis({ url: config.redis?.state ?? '', password: token, name: config.service });
  redis.on('error', (error) => log.warn({ reason: error.message }, 'the connection to Redis failed'));
  let running: Running | undefined;
  return {
    routes: (app) => addRoutes(app, () => running),
    async start() {
      running = await startOrchestrator(context, redis, metrics);
    },
    async missing() {
      const answer = await redis.ping().catch(() => '');
      return [...(running === undefined ? ['start'] : []), ...(answer === 'PONG' ? [] : ['redis-state'])];
    },
    drain: async () => running?.drain(),
    async stop() {
      await running?.stop();
      redis.disconnect();
    },
  };
}

async function startOrchestrator(
  context: OrchestratorContext,
  redis: Redis,
  metrics: OrchestratorMetrics,
): Promise<Running> {
  const { config, token, log, identity } = context;
  const { settings, peers, programs } = config;
  await assertPolicy(redis, 'noeviction');
  const library = readLibrary();
  await loadLibrary(redis, library);
  await assertLayout(redis, settings.shards);
  const surroundings = { peers: Object.keys(peers), programs: Object.keys(programs), nowMs: clock.now() };
  const catalogue = await readCatalogue(config.definitionsFolder, surroundings);
  for (const { definition, lacks } of catalogue.all()) {
    if (lacks.length > 0) log.warn({ workflow: definition.name, lacks }, 'a workflow can not run in this environment');
  }

  const shards = shardNames(settings.shards);
  const release = () => identity.release;
  const transitions = new Transitions({ redis, library, release, random, bounds: settings });
  const reader = new RunReader(redis, shards);
  const programExecutor = createProcessExecutor(context, redis, shards);
  await programExecutor.start();
  const httpExecutor = createHttpExecutor({
    peers: new Map(Object.entries(peers).map(([name, url]) => [name, createPeer({ name, url, token })])),
    patienceMs: settings.peerPatienceMs,
    clock,
    random,
  });
  const worker = new Worker({
    ...{ shards, transitions, reader, clock, random, log, metrics },
    executors: { http: httpExecutor, process: programExecutor },
    bounds: {
      http: { stepsMax: settings.httpStepsMax, leaseMs: settings.leaseMs },
      process: { stepsMax: settings.processStepsMax, leaseMs: settings.processLeaseMs },
    },
    pollMs: settings.pollMs,
  });
  const onChange = () => worker.wake();
  const gate = new MemoryGate(redis, { clock, shareMax: settings.memoryShareMax });
  const runs = new Runs({ catalogue, transitions, reader, gate, shards, clock, metrics, onChange });
  const openLoop = (options: Pick<LoopOptions, 'name' | 'idleMs' | 'round'>) =>
    new Loop({ ...options, clock, random, log });
  const cron = new Cron({ catalogue, runs, redis, shards, clock, log, catchUpMs: settings.cronCatchUpMs });
  const time = [
    ...timekeeperLoops({ shards, transitions, metrics, tickMs: settings.tickMs, onChange, openLoop }),
    openLoop({ name: 'cron', idleMs: cronLookMs, round: () => cron.round() }),
  ];
  const events = await startEvents(context, { transitions, shards, metrics, openLoop });
  for (const loop of time) loop.start();
  worker.start();
  return {
    ...{ catalogue, runs, reader, history: events.history },
    async drain() {
      await Promise.all(time.map((loop) => loop.stop()));
      await worker.drain({ http: Math.min(httpDrainMs, config.drainMs), process: config.drainMs });
    },
    stop: () => events.stop(),
  };
}

function createProcessExecutor({ config, log }: OrchestratorContext, redis: Redis, shards: readonly string[]) {
  return new ProcessExecutor({
    programs: config.programs,
    store: openStore(config.store ?? { folder: join(tmpdir(), 'orrery-store') }),
    results: createResultCache(redis, { shards, keptMs: config.settings.reuseKeptMs }),
    folder: join(config.dataFolder ?? join(tmpdir(), 'orrery-orchestrator'), 'workspaces'),
    hidden: config.tokenFile,
    platform: process.platform,
    resultBytesMax,
    clock,
    log,
  });
}

/** Outbox -> bus -> ClickHouse. */
async function startEvents(
  { config, token, log }: OrchestratorContext,
  parts: {
    readonly transitions: Transitions;
    readonly shards: readonly string[];
    readonly metrics: OrchestratorMetrics;
    readonly openLoop: (options: Pick<LoopOptions, 'name' | 'idleMs' | 'round'>) => Loop;
  },
) {
  const { transitions, shards, metrics, openLoop } = parts;
  const { url = '', database = 'orrery' } = config.clickhouse ?? {};
  const clickhouse = openClickHouse({ url, database, token, service: config.service });
  const bus = await openBus(busConfig(config, token), { name: config.service, log });
  await bus.ensureTopic({ topic: runEventsTopic, partitions: config.settings.topicPartitions });
  const history = await openHistory(clickhouse);
  const recorder = new Recorder({ bus, clickhouse, history, service: config.service, log, metrics });
  const relays = shards.map((shard) => ({ shard, relay: new Relay(shard, { transitions, bus, metrics }) }));
  const loops = [
    ...relays.map(({ shard, relay }) =>
      openLoop({ name: `relay ${shard}`, idleMs: relayIdleMs, round: () => relay.round() }),
    ),
    openLoop({ name: 'record', idleMs: recorderIdleMs, round: () => recorder.round() }),
  ];
  for (const loop of loops) loop.start();
  return {
    history,
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await recorder.stop();
      await bus.close();
      await clickhouse.close();
    },
  };
}

function busConfig(config: OrchestratorContext['config'], token: string): BusConfig {
  if (config.bus?.driver === 'kafka') return { driver: 'kafka', ...kafkaAccess(config.bus) };
  return { driver: 'redis', url: config.redis?.state ?? '', password: token };
}

/** The number of shards is fixed by the first start: where a run lies depends on it. Throws `SHARDS_DIFFER`. */
async function assertLayout(redis: Redis, shards: number): Promise<void> {
  await redis.setnx(keys.layout, shards);
  const found = await redis.get(keys.layout);
  if (found === null) {
    const hint = 'look at what else writes to this Redis';
    throw new OrreryError({ code: 'LAYOUT_MISSING', message: `${keys.layout} has vanished`, hint });
  }
  if (Number(found) !== shards) throw layoutDiffers(found, shards);
}
