import type { Input, Resource } from '@pulumi/pulumi';
import { ClickHouseKeeper } from '#infra/data/clickhouse-keeper.ts';
import { ClickHouse, clickHouseLabels, type ClickHouseArgs } from '#infra/data/clickhouse.ts';
import { createKafka, type Kafka } from '#infra/data/kafka.ts';
import type { RedisSetArgs } from '#infra/data/redis-set.ts';
import { createRedis, type Redis, type RedisRole } from '#infra/data/redis.ts';
import type { StrimziArgs } from '#infra/data/strimzi.ts';
import { engineVersions, imageReference } from '#infra/planning/versions.ts';
import type { KubernetesLayer, NamespaceLayer } from './layers.ts';
import { namespaceNames } from './namespace.ts';

/** What all databases that are pods are told alike, wherever their cluster stands. */
export interface PodPlace {
  readonly providers: KubernetesLayer['providers'];
  readonly namespace: NamespaceLayer;
  /** The class of their volumes. Absent: the cluster's own default. */
  readonly storageClassName?: Input<string>;
  /** Whether nodes carry `orrery.dev/pool`. */
  readonly nodePools: boolean;
  /** What has to stand before any of them. */
  readonly after: readonly Resource[];
}

export const clickHouseDatabase = 'orrery';

/** Who reaches the data from other namespaces: operators and autoscalers, telemetry. Each still needs a password. */
const operatorsAndWatchers = [{ namespace: namespaceNames.system }, { namespace: namespaceNames.observability }];

export function createRedisPod(
  role: RedisRole,
  size: Pick<RedisSetArgs, 'cpu' | 'memoryMiB' | 'volumeGiB'>,
  place: PodPlace,
): Redis {
  const args = { ...toldAlike(place), role, image: imageReference('valkey'), clients: operatorsAndWatchers };
  return createRedis(`redis-${role}`, { kind: 'statefulset', ...size, ...args }, { providers: place.providers });
}

export type ClickHouseForm = Pick<
  ClickHouseArgs,
  'shards' | 'replicas' | 'keepers' | 'cpu' | 'memoryMiB' | 'volumeGiB' | 'users' | 'archive'
>;

/** The servers and their keepers, which stand first. */
export function createClickHouseServers(form: ClickHouseForm, place: PodPlace): ClickHouse {
  const { providers, after } = place;
  const { password, ...alike } = toldAlike(place);
  const [name, keeperName] = ['clickhouse', 'clickhouse-keeper'];
  const keeper = new ClickHouseKeeper(
    keeperName,
    {
      ...alike,
      image: imageReference('clickhouse-keeper'),
      keepers: form.keepers,
      clients: clickHouseLabels(name),
    },
    { providers },
  );
  return new ClickHouse(
    name,
    {
      ...alike,
      ...form,
      password,
      image: imageReference('clickhouse'),
      database: clickHouseDatabase,
      keeperHost: keeper.host,
      keeperLabels: clickHouseLabels(keeperName),
      clients: operatorsAndWatchers,
      after: [...after, keeper],
    },
    { providers },
  );
}

export function createBrokerPods(
  size: Pick<StrimziArgs, 'brokers' | 'cpu' | 'memoryMiB' | 'volumeGiB'>,
  topics: readonly string[],
  place: PodPlace,
): Kafka {
  return createKafka(
    'kafka',
    {
      kind: 'strimzi',
      ...size,
      ...toldAlike(place),
      version: engineVersions.kafka.version,
      topics,
      operatorNamespace: namespaceNames.system,
    },
    { providers: place.providers },
  );
}

function toldAlike({ namespace: { namespaceName, token }, providers: _, ...rest }: PodPlace) {
  return { ...rest, namespace: namespaceName, password: { secretName: token.secretName, key: token.key } };
}
