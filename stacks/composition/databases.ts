import type { Input, Resource } from '@pulumi/pulumi';
import { ClickHouseKeeper } from '#infra/data/clickhouse-keeper.ts';
import { ClickHouse, clickHouseLabels, type ClickHouseArchive } from '#infra/data/clickhouse.ts';
import { createKafka, type Kafka } from '#infra/data/kafka.ts';
import { createRedis, type Redis, type RedisRole } from '#infra/data/redis.ts';
import type { DatabaseAccounts } from '#infra/observability/database-accounts.ts';
import { engineVersions, imageReference } from '#infra/planning/versions.ts';
import type { DataSettings } from '../settings/data.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { ClusterLayer, Foundation, NamespaceLayer, NetworkLayer } from './layers.ts';
import { namespaceNames } from './namespace.ts';
import type { Stores } from './stores.ts';

/** Where the databases of a cloud of its own stand. */
export interface DatabasesRequest {
  readonly settings: AwsSettings;
  readonly foundation: Foundation;
  readonly network: NetworkLayer;
  readonly cluster: ClusterLayer;
  readonly namespace: NamespaceLayer;
  readonly stores: Stores;
  /** The class of volumes that outlive their claims. */
  readonly storageClassName: Input<string>;
  /** Users of ClickHouse beside the platform's. */
  readonly accounts: Pick<DatabaseAccounts, 'telemetry' | 'bi'>;
  /** Names of the release's topics. */
  readonly topics: readonly string[];
  /** Nodes, and the operators of ClickHouse and Kafka. */
  readonly after: readonly Resource[];
}

export const clickHouseDatabase = 'orrery';

/** Who reaches the data from other namespaces: operators and autoscalers, telemetry. Each still needs a password. */
export const operatorsAndWatchers = [{ namespace: namespaceNames.system }, { namespace: namespaceNames.observability }];

/** State and cache, never one for both. */
export function createRedisPair(request: DatabasesRequest): { readonly state: Redis; readonly cache: Redis } {
  return { state: createRedisOf('state', request), cache: createRedisOf('cache', request) };
}

function createRedisOf(role: RedisRole, request: DatabasesRequest): Redis {
  const { settings, foundation, network, cluster, after } = request;
  const form = settings.redis[role];
  const name = `redis-${role}`;
  if (form.kind === 'elasticache') {
    return createRedis(
      name,
      {
        role,
        vpcId: network.vpcId,
        subnetIds: network.privateSubnetIds,
        clientSecurityGroupId: cluster.securityGroupId,
        engine: engineVersions.valkey,
        ...form,
        authToken: request.namespace.token.value,
        keyArn: foundation.keyArn,
      },
      { providers: foundation.providers },
    );
  }
  return createRedis(
    name,
    { role, image: imageReference('valkey'), ...form, ...placeOf(request), clients: operatorsAndWatchers, after },
    { providers: cluster.providers },
  );
}

export function createClickHouse(request: DatabasesRequest): ClickHouse {
  const { settings, cluster, accounts, after } = request;
  const { coldAfterDays: _, backup: __, ...size } = settings.clickhouse;
  const name = 'clickhouse';
  const keeperName = 'clickhouse-keeper';
  const place = placeOf(request);
  const options = { providers: cluster.providers };
  const { password: ___, ...keeperPlace } = place;
  const keeper = new ClickHouseKeeper(
    keeperName,
    {
      ...keeperPlace,
      image: imageReference('clickhouse-keeper'),
      keepers: size.keepers,
      clients: clickHouseLabels(name),
      after,
    },
    options,
  );
  return new ClickHouse(
    name,
    {
      ...place,
      ...size,
      image: imageReference('clickhouse'),
      database: clickHouseDatabase,
      keeperHost: keeper.host,
      keeperLabels: clickHouseLabels(keeperName),
      clients: operatorsAndWatchers,
      users: [accounts.telemetry, accounts.bi],
      archive: archiveOf(request),
      after: [...after, keeper],
    },
    options,
  );
}

function archiveOf({ settings, foundation, cluster, stores }: DatabasesRequest): ClickHouseArchive {
  const { coldAfterDays, backup } = settings.clickhouse;
  return {
    clusterName: cluster.clusterName,
    region: foundation.region,
    keyArn: foundation.keyArn,
    backup: { bucket: stores.backups, schedule: backup.schedule },
    ...(stores.cold === undefined ? {} : { cold: { bucket: stores.cold, afterDays: coldAfterDays } }),
  };
}

/** Undefined where events travel by Redis Streams. */
export function createBrokers(request: DatabasesRequest): Kafka | undefined {
  const { settings, foundation, network, cluster, topics, after } = request;
  const kafka: DataSettings['kafka'] = settings.kafka;
  if (kafka.kind === 'none') return undefined;
  if (kafka.kind === 'msk') {
    const { token } = request.namespace;
    return createKafka(
      'kafka',
      {
        ...kafka,
        vpcId: network.vpcId,
        subnetIds: network.privateSubnetIds,
        clientSecurityGroupId: cluster.securityGroupId,
        version: engineVersions.msk.version,
        userPassword: token.value,
        password: { secretName: token.secretName, key: token.key },
        keyArn: foundation.keyArn,
        logRetentionDays: settings.cluster.logRetentionDays,
      },
      { providers: foundation.providers },
    );
  }
  return createKafka(
    'kafka',
    {
      ...kafka,
      ...placeOf(request),
      version: engineVersions.kafka.version,
      topics,
      operatorNamespace: namespaceNames.system,
      after,
    },
    { providers: cluster.providers },
  );
}

/** What all that stands in the cluster is told alike. */
function placeOf({ namespace, storageClassName }: DatabasesRequest) {
  const { secretName, key } = namespace.token;
  return {
    namespace: namespace.namespaceName,
    password: { secretName, key },
    storageClassName,
    nodePools: true,
  };
}
