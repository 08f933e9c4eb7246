import Type, { type Static } from 'typebox';
import { planClickHouse, type ClickHouseSize } from '#infra/planning/data/clickhouse.ts';
import { planMsk, planStrimzi } from '#infra/planning/data/kafka.ts';
import { planRedisSet, type RedisRole } from '#infra/planning/data/redis.ts';
import { Choice, closed, Cores, Count, MemoryMiB, OneForm, Text, VolumeGiB } from './fields.ts';
import type { NetworkSettings } from './network.ts';
import { planned, problem, unless, type SettingsProblem, type SettingsRule } from './problem.ts';

const kind = <const Word extends string>(word: Word, meaning: string) => Type.Literal(word, { description: meaning });

const ElastiCache = Type.Object(
  {
    kind: kind('elasticache', 'elasticache: managed by AWS'),
    nodeType: Text('^cache\\.[a-z0-9]+\\.[a-z0-9]+$', 'an ElastiCache node type such as cache.r7g.large'),
    replicas: Count(0, 5, 'copies beside the primary, in other zones'),
    snapshotDays: Count(0, 35, 'days that daily snapshots are kept; 0: none'),
  },
  closed,
);
const pod = { kind: kind('statefulset', 'statefulset: one pod of this cluster'), cpu: Cores(0.05, 16) };
const StatePod = Type.Object({ ...pod, memoryMiB: MemoryMiB(64), volumeGiB: VolumeGiB }, closed);
const CachePod = Type.Object({ ...pod, memoryMiB: MemoryMiB(64) }, closed);
const redisForms = 'kind: elasticache or statefulset';

const Strimzi = Type.Object(
  {
    kind: kind('strimzi', 'strimzi: pods of this cluster'),
    brokers: Count(1, 9, 'brokers: 1, or an odd number; three survive the loss of one'),
    cpu: Cores(0.25, 32),
    memoryMiB: MemoryMiB(1024),
    volumeGiB: VolumeGiB,
  },
  closed,
);
const Msk = Type.Object(
  {
    kind: kind('msk', 'msk: managed by AWS'),
    brokers: Count(2, 30, 'brokers, as many in every zone'),
    instanceType: Text('^kafka\\.[a-z0-9]+\\.[a-z0-9]+$', 'an MSK instance type such as kafka.m7g.large'),
    volumeGiB: VolumeGiB,
  },
  closed,
);
const servers = {
  shards: Count(1, 32, 'parts that the rows are spread over'),
  replicas: Count(1, 3, 'copies of each shard, each in a zone of its own'),
  keepers: Count(1, 5, 'keepers, by whose majority the copies agree: 1, 3 or 5'),
  cpu: Cores(0.25, 64),
  memoryMiB: MemoryMiB(1024),
  volumeGiB: Count(10, 16_000, "each server's volume in GiB: it can grow, never shrink"),
};
const NoKafka = Type.Object({ kind: kind('none', 'none: events travel by Redis Streams') }, closed);

/** Those of a Kubernetes that is there already: everything is a pod or a volume of it. */
export const kubernetesDataSettings = {
  redis: Type.Object({ state: StatePod, cache: CachePod }, closed),
  clickhouse: OneForm(
    [
      Type.Object({ kind: kind('embedded', 'embedded: the engine in one pod of ours'), volumeGiB: VolumeGiB }, closed),
      Type.Object({ kind: kind('servers', 'servers: made by its operator'), ...servers }, closed),
    ],
    'kind: embedded (telemetry stays out of it) or servers',
  ),
  kafka: OneForm([NoKafka, Strimzi], 'kind: none or strimzi'),
  store: Type.Object(
    {
      volumeGiB: VolumeGiB,
      accessMode: Choice(['ReadWriteOnce', 'ReadWriteMany'], 'ReadWriteMany, or ReadWriteOnce where there is one node'),
    },
    closed,
  ),
};
export type KubernetesDataSettings = Static<ReturnType<typeof Type.Object<typeof kubernetesDataSettings>>>;

export const dataSettings = {
  redis: Type.Object(
    {
      state: OneForm([ElastiCache, StatePod], redisForms),
      cache: OneForm([ElastiCache, CachePod], redisForms),
    },
    closed,
  ),
  clickhouse: Type.Object(
    {
      ...servers,
      coldAfterDays: Count(0, 3650, 'days after which what was written goes to S3; 0: it stays on the volume'),
      backup: Type.Object(
        {
          schedule: Text('^\\S+( \\S+){4}$', "when a whole copy is made: cron's five fields, UTC, such as 0 1 * * *"),
          keepDays: Count(1, 3650, 'days that a copy is kept'),
        },
        closed,
      ),
    },
    closed,
  ),
  kafka: OneForm([NoKafka, Strimzi, Msk], 'kind: none, strimzi or msk'),
  store: Type.Object(
    {
      lock: Type.Object(
        {
          mode: Choice(['GOVERNANCE', 'COMPLIANCE'], 'GOVERNANCE or COMPLIANCE'),
          days: Count(1, 3650, 'days in which an object of the store can not be deleted'),
        },
        closed,
      ),
    },
    closed,
  ),
  archive: Type.Object({ accessLogDays: Count(1, 3650, 'days that the access logs of buckets are kept') }, closed),
  images: Type.Object({ scan: Choice(['basic', 'enhanced'], 'basic (free) or enhanced (by the image)') }, closed),
  spark: Type.Object({ enabled: Type.Boolean({ description: 'whether EMR may run Spark jobs here' }) }, closed),
};
export type DataSettings = Static<ReturnType<typeof Type.Object<typeof dataSettings>>>;

/** What can't be planned anywhere, and what `prod` promises and the others need not. */
export const dataRules: readonly SettingsRule<DataSettings & NetworkSettings>[] = [
  {
    reads: ['redis'],
    find: ({ redis }) => [...findRedisProblems('state', redis), ...findRedisProblems('cache', redis)],
  },
  { reads: ['redis'], find: ({ redis }, environment) => (environment === 'prod' ? findForgetful(redis) : []) },
  {
    reads: ['clickhouse'],
    find: ({ clickhouse }) => findClickHouseProblems(clickhouse),
  },
  {
    reads: ['clickhouse'],
    find: ({ clickhouse }, environment) => (environment === 'prod' ? findSingle(clickhouse) : []),
  },
  {
    reads: ['clickhouse', 'network'],
    find: ({ clickhouse: { replicas }, network: { zones } }) =>
      unless(
        replicas <= zones.length,
        problem('clickhouse.replicas', replicas, `needs more zones than the ${zones.length} of network`, 'lower it'),
      ),
  },
  { reads: ['kafka'], find: findKafkaProblems },
  {
    reads: ['kafka', 'network'],
    find: ({ kafka, network: { zones } }) =>
      kafka.kind === 'msk'
        ? planned('kafka.brokers', kafka.brokers, () => planMsk({ brokers: kafka.brokers, zones: zones.length }))
        : [],
  },
  {
    reads: ['store'],
    find: ({ store: { lock } }, environment) =>
      unless(
        environment !== 'prod' || lock.mode === 'COMPLIANCE',
        problem('store.lock.mode', lock.mode, 'can be lifted', 'COMPLIANCE in prod: releases outlive their owners'),
      ),
  },
];

function findRedisProblems(role: RedisRole, redis: DataSettings['redis']): SettingsProblem[] {
  const form = redis[role];
  if (form.kind === 'elasticache') return [];
  return planned(`redis.${role}`, form, () => planRedisSet({ role, ...form }));
}

function findForgetful({ state }: DataSettings['redis']): SettingsProblem[] {
  if (state.kind === 'statefulset') {
    return [problem('redis.state.kind', state.kind, 'is one server in one zone', 'elasticache in prod')];
  }
  return [
    ...unless(
      state.replicas >= 1,
      problem('redis.state.replicas', state.replicas, 'loses runs with one node', 'at least 1 in prod'),
    ),
    ...unless(
      state.snapshotDays >= 7,
      problem('redis.state.snapshotDays', state.snapshotDays, 'forgets too soon', 'at least 7 in prod'),
    ),
  ];
}

/** Servers can be made in shards, but the services make no table that spans them: each would see the rows of one shard alone. */
function findClickHouseProblems(clickhouse: ClickHouseSize): SettingsProblem[] {
  return [
    ...planned('clickhouse', clickhouse, () => planClickHouse(clickhouse)),
    ...unless(
      clickhouse.shards === 1,
      problem(
        'clickhouse.shards',
        clickhouse.shards,
        'spreads rows over servers of which a service reads one',
        '1; for more rows give the servers more memory and larger volumes',
      ),
    ),
  ];
}

function findSingle({ replicas, keepers, backup }: DataSettings['clickhouse']): SettingsProblem[] {
  return [
    ...unless(
      replicas >= 2,
      problem('clickhouse.replicas', replicas, 'stops with its node', 'at least 2 in prod: in two zones'),
    ),
    ...unless(
      keepers >= 3,
      problem('clickhouse.keepers', keepers, 'can not lose one', 'at least 3 in prod: two of them agree'),
    ),
    ...unless(
      backup.keepDays >= 7,
      problem('clickhouse.backup.keepDays', backup.keepDays, 'forgets too soon', 'at least 7 in prod'),
    ),
  ];
}

function findKafkaProblems({ kafka }: DataSettings, environment: string): SettingsProblem[] {
  if (kafka.kind === 'none') return [];
  const impossible = kafka.kind === 'strimzi' ? planned('kafka', kafka, () => planStrimzi(kafka)) : [];
  return [
    ...impossible,
    ...unless(
      environment !== 'prod' || kafka.brokers >= 3,
      problem('kafka.brokers', kafka.brokers, 'loses events with a broker', 'at least 3 in prod: two of them agree'),
    ),
  ];
}

/** What can't be planned in a Kubernetes that is there already. */
export const kubernetesDataRules: readonly SettingsRule<KubernetesDataSettings>[] = [
  {
    reads: ['redis'],
    find: ({ redis: { state, cache } }) => [
      ...planned('redis.state', state, () => planRedisSet({ role: 'state', ...state })),
      ...planned('redis.cache', cache, () => planRedisSet({ role: 'cache', ...cache })),
    ],
  },
  {
    reads: ['clickhouse'],
    find: ({ clickhouse }) => (clickhouse.kind === 'embedded' ? [] : findClickHouseProblems(clickhouse)),
  },
  {
    reads: ['kafka'],
    find: ({ kafka }) => (kafka.kind === 'none' ? [] : planned('kafka', kafka, () => planStrimzi(kafka))),
  },
];
