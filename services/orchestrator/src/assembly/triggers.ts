import type { Clock } from '@orrery/kit/clock';
import type { Log } from '@orrery/kit/log';
import type { Redis } from '@orrery/kit/redis';
import type { Catalogue } from '../definitions.ts';
import { resolve } from '../work/expressions.ts';
import { DatasetWaits } from '../inner/dataset-waits.ts';
import { keys, shardOfTenant } from '../core/keys.ts';
import { limitKeysOf } from '../work/limit-keys.ts';
import type { Loop, LoopOptions } from '../loop.ts';
import type { MemoryGate } from '../core/memory-gate.ts';
import type { OrchestratorMetrics } from '../metrics.ts';
import type { RunReader } from '../runs/run-reader.ts';
import type { Transitions } from '../core/transitions.ts';
import type { PastRun } from '../triggers/backfill.ts';
import { Backfills } from '../triggers/backfills.ts';
import { readClock } from '../triggers/clock.ts';
import { Clocks } from '../triggers/clocks.ts';
import { EventTriggers } from '../triggers/events.ts';
import { triggerNames } from '../triggers/identity.ts';
import type { Happening } from '../triggers/matching.ts';
import { RedisBackfills } from '../triggers/redis-backfills.ts';
import { RedisDatasets } from '../triggers/redis-datasets.ts';
import { RedisPeers } from '../triggers/redis-peers.ts';
import { RedisWatermarks } from '../triggers/redis-watermarks.ts';
import { RunSubmitter } from '../triggers/run-submitter.ts';
import { isClock, type ResolveParameters, type TriggerPlace } from '../triggers/types.ts';

export interface TriggerParts {
  readonly redis: Redis;
  readonly shards: readonly string[];
  readonly catalogue: Catalogue;
  readonly transitions: Transitions;
  readonly reader: RunReader;
  readonly gate: MemoryGate;
  readonly metrics: Pick<OrchestratorMetrics, 'fired' | 'fireLag'>;
  /** This process among the orchestrators. */
  readonly self: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
  readonly openLoop: (options: Pick<LoopOptions, 'name' | 'idleMs' | 'round'>) => Loop;
}

const lookMs = 1000;
const endedStates = new Set(['succeeded', 'failed', 'cancelled']);

/** Everything that starts runs without a person. */
export function assembleTriggers(parts: TriggerParts) {
  const { redis, shards, catalogue, transitions, gate, self, clock, log, onChange, openLoop } = parts;
  const shardOf = (tenant: string) => shardOfTenant(tenant, shards);
  const submitter = new RunSubmitter({ catalogue, transitions, gate, shardOf, limitKeysOf, onChange });
  const watermarks = new RedisWatermarks(redis, (tenant) => keys.fired(shardOf(tenant), tenant));
  const datasets = new RedisDatasets(redis, (tenant) => keys.datasets(shardOf(tenant), tenant));
  const waits = new DatasetWaits({ redis, shards, transitions });
  const peers = new RedisPeers(redis, { key: keys.orchestrators, self });
  const onFired = (outcome: string, lagMs: number) => {
    parts.metrics.fired.inc({ outcome });
    parts.metrics.fireLag.observe(lagMs / 1000);
  };
  const shared = { submitter, watermarks, peers, resolve: resolveParameters, shardOf, clock, log, onFired };
  const clocks = new Clocks(shared);
  const events = new EventTriggers({ ...shared, datasets });
  const store = openBackfillStore(parts);
  const backfills = new Backfills({
    ...{ store, submitter, resolve: resolveParameters, shardOf, log },
    runs: backfillRuns(redis, shardOf),
    pastDurations: (tenant, workflow, most) => pastRuns(parts.reader, { tenant, workflow, most }),
    trigger: (place) => clockedTrigger(catalogue, place),
  });
  const triggered = catalogue
    .all()
    .filter(({ lacks }) => lacks.length === 0)
    .map(({ tenant, definition }) => ({ tenant, name: definition.name, triggers: definition.triggers }));
  clocks.rebuild(triggered);
  events.rebuild(triggered);
  const loops = [
    openLoop({ name: 'peers', idleMs: lookMs, round: () => peers.beat() }),
    openLoop({ name: 'stale datasets', idleMs: lookMs, round: () => done(events.lookForStale()) }),
    openLoop({ name: 'backfills', idleMs: lookMs, round: () => done(backfills.round()) }),
  ];
  return {
    datasets: {
      updatedAt: (tenant: string, names: readonly string[]) => datasets.updatedAt(tenant, names),
      expect: (tenant: string, dataset: string, leastMs: number) => waits.expect(tenant, dataset, leastMs),
    },
    backfills: Object.assign(backfills, { active: (tenant: string) => activeOf(store, tenant) }),
    handle: (happenings: readonly Happening[]) => events.handle(happenings),
    /** Notes how far a dataset is, and wakes the steps that wait for that much; what it triggers is another's. */
    async updateDataset(tenant: string, dataset: string, atMs: number): Promise<void> {
      await datasets.update(tenant, dataset, atMs);
      await waits.wake(tenant, dataset, atMs);
    },
    async start(): Promise<void> {
      await peers.beat();
      for (const loop of loops) loop.start();
      clocks.start();
    },
    async stop(): Promise<void> {
      await clocks.stop();
      await Promise.all(loops.map((loop) => loop.stop()));
      await peers.leave().catch(() => undefined);
    },
  };
}

const resolveParameters: ResolveParameters = (given, { run, event }) =>
  resolve(given, { parameters: {}, results: new Map(), run, event }) as Readonly<Record<string, unknown>>;

function openBackfillStore({ redis, self, shards }: Pick<TriggerParts, 'redis' | 'self' | 'shards'>): RedisBackfills {
  const shardOf = (tenant: string) => shardOfTenant(tenant, shards);
  return new RedisBackfills(redis, {
    self,
    keys: {
      active: keys.backfills(shards[0] ?? ''),
      backfill: (tenant, id) => keys.backfill(shardOf(tenant), tenant, id),
      lease: (tenant, id) => keys.backfillLease(shardOf(tenant), tenant, id),
    },
  });
}

async function activeOf(store: RedisBackfills, tenant: string) {
  const own = (await store.active()).filter((each) => each.tenant === tenant);
  const found = await Promise.all(own.map(({ id }) => store.find(tenant, id)));
  return found.filter((record) => record !== undefined);
}

function backfillRuns(redis: Redis, shardOf: (tenant: string) => string) {
  const states = (tenant: string, runs: readonly string[]) =>
    Promise.all(runs.map((run) => redis.hget(keys.run(shardOf(tenant), run), 'state')));
  return {
    exist: async (tenant: string, runs: readonly string[]) =>
      (await states(tenant, runs)).map((state) => state !== null),
    ended: async (tenant: string, runs: readonly string[]) =>
      (await states(tenant, runs)).map((state) => state === null || endedStates.has(state)),
  };
}

async function pastRuns(
  reader: RunReader,
  { tenant, workflow, most }: { readonly tenant: string; readonly workflow: string; readonly most: number },
): Promise<PastRun[]> {
  const { runs } = await reader.list(tenant, { workflow, state: 'succeeded' }, { limit: most });
  return runs.flatMap(({ createdAtMs, endedAtMs }) =>
    endedAtMs === null ? [] : [{ durationMs: endedAtMs - createdAtMs }],
  );
}

function clockedTrigger(catalogue: Catalogue, { tenant, workflow, trigger: name }: TriggerPlace) {
  const triggers = catalogue.find(tenant, workflow)?.definition.triggers ?? [];
  const trigger = triggers[triggerNames(triggers).indexOf(name)];
  if (trigger === undefined || !isClock(trigger)) return undefined;
  return { times: readClock(trigger), parameters: ('parameters' in trigger ? trigger.parameters : undefined) ?? {} };
}

async function done(work: Promise<unknown>): Promise<boolean> {
  await work;
  return false;
}
