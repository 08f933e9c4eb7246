import type { ServiceContext } from '@orrery/kit/service';
import Type, { type Static } from 'typebox';

const Milliseconds = (value: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 31 * 86_400_000, default: value, description });

/** The orchestrator's own settings; every one has a default. */
export const Settings = Type.Object({
  shards: Type.Integer({ minimum: 1, maximum: 64, default: 1, description: 'fixed at the first start of a Redis' }),
  leaseMs: Milliseconds(3000, 'of a step that runs in process; renewed three times as often'),
  processLeaseMs: Milliseconds(
    10_000,
    'of a process step: longer, because a false alarm costs all that it has computed',
  ),
  lapsesMax: Type.Integer({
    minimum: 0,
    maximum: 1000,
    default: 10,
    description: 'lost leases of a step until it fails',
  }),
  pollMs: Milliseconds(200, 'how often an idle orchestrator looks for what others made ready'),
  tickMs: Milliseconds(100, 'how often timers and expired leases are looked at'),
  httpStepsMax: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 64,
    description: 'at the same time in this process',
  }),
  processStepsMax: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 2,
    description: 'at the same time on this machine',
  }),
  processPools: Type.Array(Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$' }), {
    default: ['process'],
    minItems: 1,
    maxItems: 16,
    description: 'whose programs run here; a step names its pool by with.pool',
  }),
  sqlStepsMax: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 16,
    description: 'at the same time in this process',
  }),
  innerStepsMax: Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 64,
    description: 'maps, children, waits and approvals that are begun at the same time; they hold no slot afterwards',
  }),
  poolSecondPrices: Type.Record(Type.String(), Type.Number({ minimum: 0 }), {
    default: {},
    description: 'pool -> price of a second of work in it; without one the cost of its steps is unknown',
  }),
  queuedRunsMax: Type.Integer({
    minimum: 1,
    maximum: 100_000,
    default: 1000,
    description: 'of one workflow and tenant',
  }),
  outboxEventsMax: Type.Integer({ minimum: 10, maximum: 10_000_000, default: 100_000, description: 'of one shard' }),
  memoryShareMax: Type.Number({
    minimum: 0.1,
    maximum: 1,
    default: 0.8,
    description: 'of Redis, above which no run is taken',
  }),
  idempotencyKeptMs: Milliseconds(86_400_000, 'how long an idempotency key is remembered'),
  endedRunsKeptMs: Milliseconds(7 * 86_400_000, 'how long an ended run is shown; its history stays in ClickHouse'),
  endedRunsMax: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 10_000,
    description: 'ended runs kept in a shard',
  }),
  reuseKeptMs: Milliseconds(30 * 86_400_000, 'how long a result is offered to a step with the same inputs'),
  peerPatienceMs: Milliseconds(60_000, 'how long a peer that is away is waited for within an attempt'),
  topicPartitions: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 4,
    description: 'fixed for the life of the topic',
  }),
});
export type Settings = Static<typeof Settings>;

export type OrchestratorContext = ServiceContext<typeof Settings>;
