import { runEventsTopic } from '@orrery/contracts/run-event';
import { kafkaAccess } from '@orrery/kit/bus/kafka-access';
import { openBus, type BusConfig } from '@orrery/kit/bus/open';
import { openClickHouse, type ClickHouse } from '@orrery/kit/clickhouse';
import type { Clock } from '@orrery/kit/clock';
import type { OrchestratorContext } from '../config.ts';
import { coreLog } from '../history/core-log.ts';
import { openHistory, type History } from '../history/history.ts';
import { LogTail } from '../history/log-tail.ts';
import { createHistoryMetrics } from '../history/metrics.ts';
import { Recorder } from '../history/recorder.ts';
import { Relay } from '../history/relay.ts';
import { Repairs, repairsFrom } from '../history/repair.ts';
import type { Loop, LoopOptions } from '../loop.ts';
import type { Transitions } from '../core/transitions.ts';
import { LogFollower, type LogFollowerDeps } from '../triggers/log-follower.ts';

export interface EventParts {
  readonly shards: readonly string[];
  readonly transitions: Transitions;
  readonly clock: Clock;
  readonly openLoop: (options: Pick<LoopOptions, 'name' | 'idleMs' | 'round'>) => Loop;
  /** What triggers make of the log. */
  readonly follow: Pick<LogFollowerDeps, 'handle' | 'updatesOf' | 'updateDataset' | 'logicalTimeOf'> | undefined;
}

export interface Events {
  readonly history: History;
  stop(): Promise<void>;
}

/** So long entries gather before they are relayed: each round costs Redis and the bus a call, however little it carries. */
const relayIdleMs = 25;
const repairIdleMs = 100;
const joinIdleMs = 1000;

/** Longer than any attempt: what ends a statement is the step's own time. */
const statementMs = 86_400_000;

/** Opens ClickHouse for the history, and apart from it for statements of steps, which may be long and many. */
export function openDatabases({ config, token }: OrchestratorContext): { history: ClickHouse; steps: ClickHouse } {
  const { url = '', database = 'orrery' } = config.clickhouse ?? {};
  const access = { url, database, token, service: config.service };
  // Two for those that end statements.
  const connectionsMax = config.settings.sqlStepsMax + 2;
  return {
    history: openClickHouse(access),
    steps: openClickHouse({ ...access, timeoutMs: statementMs, connectionsMax }),
  };
}

/** Outbox -> bus -> history, triggers, and repairs of a store that lost its tail. */
export async function startEvents(
  context: OrchestratorContext,
  clickhouse: ClickHouse,
  parts: EventParts,
): Promise<Events> {
  const { config, token, log } = context;
  const { shards, transitions, clock, openLoop } = parts;
  const { topicPartitions: partitions } = config.settings;
  const metrics = createHistoryMetrics(context.metrics);
  const access = busConfig(config, token);
  const bus = await openBus(access, { name: config.service, log });
  await bus.ensureTopic({ topic: runEventsTopic, partitions });
  const history = await openHistory(clickhouse, { log, metrics });
  const recorder = new Recorder({ bus, clickhouse, history, service: config.service, log });
  const follower = parts.follow === undefined ? undefined : new LogFollower({ bus, log, ...parts.follow });
  const tail = repairsFrom(access, log) ? new LogTail({ bus, partitions, clock, log }) : undefined;
  // Nothing is there to compare a store with: it is open to each process of Redis.
  if (tail === undefined) for (const shard of shards) await transitions.close(shard, false);
  const last = tail === undefined ? {} : { last: (shard: string) => tail.last(shard) };
  const relays = shards.map((shard) => new Relay(shard, { outbox: transitions, bus, metrics, log, ...last }));
  const loops = [
    ...relays.map((relay, index) =>
      openLoop({ name: `relay ${shards[index] ?? ''}`, idleMs: relayIdleMs, round: () => relay.round() }),
    ),
    openLoop({ name: 'record', idleMs: joinIdleMs, round: () => recorder.round() }),
    ...(follower === undefined
      ? []
      : [openLoop({ name: 'follow', idleMs: joinIdleMs, round: () => follower.round() })]),
    ...(tail === undefined ? [] : repairLoops(tail, parts, { metrics, log, openLoop })),
  ];
  for (const loop of loops) loop.start();
  return {
    history,
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all([recorder.stop(), follower?.stop(), tail?.stop()]);
      await bus.close();
      await clickhouse.close();
    },
  };
}

function repairLoops(
  tail: LogTail,
  { shards, transitions, clock }: EventParts,
  deps: Pick<EventParts, 'openLoop'> & Pick<ConstructorParameters<typeof Repairs>[0], 'metrics' | 'log'>,
): Loop[] {
  const { openLoop, metrics, log } = deps;
  const repairs = new Repairs({ shards, tail, shardLog: coreLog(transitions), metrics, log, clock });
  return [
    openLoop({ name: 'tail', idleMs: joinIdleMs, round: () => tail.round() }),
    openLoop({ name: 'repair', idleMs: repairIdleMs, round: () => repairs.round() }),
  ];
}

function busConfig(config: OrchestratorContext['config'], token: string): BusConfig {
  if (config.bus?.driver === 'kafka') return { driver: 'kafka', ...kafkaAccess(config.bus) };
  return { driver: 'redis', url: config.redis?.state ?? '', password: token };
}
