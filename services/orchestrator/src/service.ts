import { randomUUID } from 'node:crypto';
import { systemClock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import { assertPolicy, openRedis, type Redis } from '@orrery/kit/redis';
import { loadLibrary } from '@orrery/kit/redis-functions';
import type { Service } from '@orrery/kit/service';
import { assembleApi } from './assembly/api.ts';
import { assembleDoor } from './assembly/door.ts';
import { openDatabases, startEvents } from './assembly/events.ts';
import { assembleFollow } from './assembly/follow.ts';
import { assembleTriggers } from './assembly/triggers.ts';
import { assembleWork } from './assembly/work.ts';
import type { OrchestratorContext } from './config.ts';
import { measureOutboxes, measureWorkers, ownPlaces, tellConsumers, type Place } from './consumers.ts';
import { readCatalogue, type Catalogue } from './definitions.ts';
import { openDoor } from './door/admission.ts';
import type { Door } from './door/door.ts';
import { layoutDiffers } from './errors.ts';
import { addRoutes } from './http.ts';
import { keys, shardNames } from './core/keys.ts';
import { readLibrary } from './library.ts';
import { Loop, type LoopOptions } from './loop.ts';
import { MemoryGate } from './core/memory-gate.ts';
import { createMetrics, type OrchestratorMetrics } from './metrics.ts';
import type { Started } from './routes/started.ts';
import { RunReader } from './runs/run-reader.ts';
import { openTimekeeper } from './core/timekeeper.ts';
import { Transitions } from './core/transitions.ts';
import { listenForWork, todoWord } from './core/wake.ts';

/** What runs between start and stop. */
interface Running {
  readonly api: Started;
  readonly door: Door;
  drain(): Promise<void>;
  stop(): Promise<void>;
}

const clock = systemClock;
const random = Math.random;
const tellIdleMs = 1000;
/** A call to a peer is taken up again by whoever claims it; that much is waited for one that is about to end. */
const callDrainMs = 2000;

export function createOrchestratorService(context: OrchestratorContext): Service {
  const { config, token, log } = context;
  const metrics = createMetrics(context.metrics);
  const redis = openRedis({ url: config.redis?.state ?? '', password: token, name: config.service });
  redis.on('error', (error) => log.warn({ reason: error.message }, 'the connection to Redis failed'));
  let running: Running | undefined;
  return {
    routes(app) {
      addRoutes(app, () => running?.api);
      openDoor(app.server, () => running?.door);
    },
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
  const { config, log } = context;
  const { settings } = config;
  const core = await openCore(context, redis);
  const { shards, catalogue } = core;
  const databases = openDatabases(context);
  const openLoop = (options: Pick<LoopOptions, 'name' | 'idleMs' | 'round'>) =>
    new Loop({ ...options, clock, random, log });
  const self = `${config.service}-${randomUUID().slice(0, 8)}`;
  // What became ready is heard by its wake-up; who was asked to stop learns of it at the next beat.
  let beatNow: () => void = () => undefined;
  const onChange = () => beatNow();
  const shared = { ...core, redis, metrics, clock, onChange, openLoop };

  const triggers = assembleTriggers({ ...shared, self, log });
  const { datasets } = triggers;
  const { worker, inputs, definitions } = await assembleWork(context, {
    ...shared,
    clickhouse: databases.steps,
    datasets,
    random,
  });
  beatNow = () => worker.wake();
  const { door, ...lines } = assembleDoor(context, { ...shared, inputs, random });
  const timekeeper = openTimekeeper({ ...shared, tickMs: settings.tickMs });
  const wakes = listenForWork({
    ...{ redis, shards, log },
    onWake(shard, pool) {
      if (pool === todoWord) timekeeper.wake(shard);
      worker.wake(shard, pool);
      lines.wake(shard, pool);
    },
  });
  const follow = assembleFollow({ catalogue, redis, definitions, triggers });
  const events = await startEvents(context, databases.history, { ...shared, follow });
  const telling = openLoop({
    name: 'tell',
    idleMs: tellIdleMs,
    round: () => tell({ redis, shards, metrics, door }, self, [...ownPlaces(shards, settings), ...lines.places()]),
  });
  timekeeper.start();
  worker.start();
  telling.start();
  await triggers.start();
  return {
    api: assembleApi(context, { ...shared, triggers, history: events.history, door }),
    door,
    async drain() {
      await triggers.stop();
      const call = Math.min(callDrainMs, config.drainMs);
      await Promise.all([
        door.drain(config.drainMs),
        worker.drain({ http: call, sql: call, inner: call, process: config.drainMs }),
      ]);
      await timekeeper.stop();
      await telling.stop();
    },
    async stop() {
      wakes.stop();
      await events.stop();
      await databases.steps.close();
    },
  };
}

/** The functions, and what is read of them; the definitions of this release. */
async function openCore(context: OrchestratorContext, redis: Redis) {
  const { identity } = context;
  const { settings } = context.config;
  await assertPolicy(redis, 'noeviction');
  const library = readLibrary();
  await loadLibrary(redis, library);
  await assertLayout(redis, settings.shards);
  const catalogue = await readOwnCatalogue(context);
  const shards = shardNames(settings.shards);
  const transitions = new Transitions({ redis, library, release: () => identity.release, random, bounds: settings });
  const reader = new RunReader(redis, shards);
  const gate = new MemoryGate(redis, { clock, shareMax: settings.memoryShareMax });
  return { shards, catalogue, transitions, reader, gate };
}

interface Told {
  readonly redis: Redis;
  readonly shards: readonly string[];
  readonly metrics: OrchestratorMetrics;
  readonly door: Pick<Door, 'workers'>;
}

/** What others want to know of this process and of the shards: its workers, who takes from where, and how much waits for the bus. */
async function tell(of: Told, self: string, places: readonly Place[]): Promise<boolean> {
  measureWorkers(of.door.workers(), of.metrics);
  await measureOutboxes(of.redis, of.shards, of.metrics.outbox);
  await tellConsumers(of.redis, self, places);
  return false;
}

async function readOwnCatalogue({ config, log }: OrchestratorContext): Promise<Catalogue> {
  const { peers, programs, definitionsFolder } = config;
  const surroundings = { peers: Object.keys(peers), programs: Object.keys(programs), nowMs: clock.now() };
  const catalogue = await readCatalogue(definitionsFolder, surroundings);
  for (const { definition, lacks } of catalogue.all()) {
    if (lacks.length > 0) log.warn({ workflow: definition.name, lacks }, 'a workflow can not run in this environment');
  }
  return catalogue;
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
