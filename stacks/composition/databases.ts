import type { ClickHouseArchive, ClickHouse } from '#infra/data/clickhouse.ts';
import { createKafka, type Kafka } from '#infra/data/kafka.ts';
import { createRedis, type Redis, type RedisRole } from '#infra/data/redis.ts';
import type { DatabaseAccounts } from '#infra/observability/database-accounts.ts';
import { engineVersions } from '#infra/planning/versions.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { ClusterLayer, Foundation, NamespaceLayer, NetworkLayer } from './layers.ts';
import { createBrokerPods, createClickHouseServers, createRedisPod, type PodPlace } from './pod-databases.ts';
import type { Stores } from './stores.ts';

/** Where the databases of a cloud of its own stand. */
export interface DatabasesRequest {
  readonly settings: AwsSettings;
  readonly foundation: Foundation;
  readonly network: NetworkLayer;
  readonly cluster: ClusterLayer;
  readonly namespace: NamespaceLayer;
  readonly stores: Stores;
  /** Of those that are pods. */
  readonly place: PodPlace;
  /** Users of ClickHouse beside the platform's. */
  readonly accounts: Pick<DatabaseAccounts, 'telemetry' | 'bi'>;
  /** Names of the release's topics. */
  readonly topics: readonly string[];
}

/** State and cache, never one for both. */
export function createRedisPair(request: DatabasesRequest): { readonly state: Redis; readonly cache: Redis } {
  return { state: createRedisOf('state', request), cache: createRedisOf('cache', request) };
}

function createRedisOf(role: RedisRole, request: DatabasesRequest): Redis {
  const { settings, foundation, namespace, place } = request;
  const form = settings.redis[role];
  if (form.kind === 'statefulset') return createRedisPod(role, form, place);
  return createRedis(
    `redis-${role}`,
    {
      role,
      ...inNetwork(request),
      engine: engineVersions.valkey,
      ...form,
      authToken: namespace.token.value,
    },
    { providers: foundation.providers },
  );
}

export function createClickHouse(request: DatabasesRequest): ClickHouse {
  const { coldAfterDays: _, backup: __, ...size } = request.settings.clickhouse;
  const { telemetry, bi } = request.accounts;
  return createClickHouseServers({ ...size, users: [telemetry, bi], archive: archiveOf(request) }, request.place);
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
  const { settings, foundation, topics, place } = request;
  const { kafka } = settings;
  if (kafka.kind === 'none') return undefined;
  if (kafka.kind === 'strimzi') return createBrokerPods(kafka, topics, place);
  const { token } = request.namespace;
  return createKafka(
    'kafka',
    {
      ...kafka,
      ...inNetwork(request),
      version: engineVersions.msk.version,
      userPassword: token.value,
      password: { secretName: token.secretName, key: token.key },
      logRetentionDays: settings.cluster.logRetentionDays,
    },
    { providers: foundation.providers },
  );
}

/** What all that AWS runs is told alike. */
function inNetwork({ network, cluster, foundation }: DatabasesRequest) {
  return {
    vpcId: network.vpcId,
    subnetIds: network.privateSubnetIds,
    clientSecurityGroupId: cluster.securityGroupId,
    keyArn: foundation.keyArn,
  };
}
