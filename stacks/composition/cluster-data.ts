import { output, type Output, type Resource } from '@pulumi/pulumi';
import type { Release } from '@orrery/contracts/release';
import { ClickHouseKeeper } from '#infra/data/clickhouse-keeper.ts';
import { ClickHouse, clickHouseLabels } from '#infra/data/clickhouse.ts';
import { createKafka } from '#infra/data/kafka.ts';
import { createRedis, type Redis, type RedisRole } from '#infra/data/redis.ts';
import { VolumeStore } from '#infra/data/volume-store.ts';
import type { DatabaseAccounts } from '#infra/observability/database-accounts.ts';
import { engineVersions, imageReference } from '#infra/planning/versions.ts';
import type { KubernetesSettings } from '../settings/kubernetes.ts';
import { clickHouseDatabase, operatorsAndWatchers } from './databases.ts';
import type { DataLayer, KubernetesLayer } from './layers.ts';
import { namespaceNames, type NamespacesLayer } from './namespace.ts';
import { serviceUrl } from './services.ts';

export interface ClusterDataRequest {
  readonly settings: KubernetesSettings;
  readonly release: Pick<Release, 'data'>;
  readonly kubernetes: KubernetesLayer;
  readonly namespaces: NamespacesLayer;
  /** The operators of ClickHouse and Kafka. */
  readonly operators: readonly Resource[];
  /** Users of ClickHouse beside the platform's; none where it is embedded. */
  readonly accounts: Pick<DatabaseAccounts, 'telemetry' | 'bi'> | undefined;
}

/** State, cache, rows, events and objects on the volumes of a Kubernetes that is there already. */
export function createClusterData(request: ClusterDataRequest): DataLayer {
  const { settings, namespaces, kubernetes } = request;
  const { namespaceName: namespace } = namespaces;
  const { claimName } = new VolumeStore(
    'store',
    { namespace, ...settings.store, ...storageClassOf(settings.cluster) },
    { providers: kubernetes.providers },
  );
  const redis = { state: createRedisOf('state', request), cache: createRedisOf('cache', request) };
  const clickhouse = createClickHouse(request);
  const kafka = createBrokers(request);
  return {
    redis,
    clickhouse: { url: clickhouse.url, database: clickHouseDatabase },
    store: { kind: 'volume', claimName },
    ...(kafka === undefined ? {} : { kafka }),
    ready: [...clickhouse.ready, ...(kafka?.ready ?? [])],
  };
}

function createRedisOf(role: RedisRole, request: ClusterDataRequest): Redis {
  return createRedis(
    `redis-${role}`,
    {
      ...request.settings.redis[role],
      ...placeOf(request),
      role,
      image: imageReference('valkey'),
      clients: operatorsAndWatchers,
      after: [],
    },
    { providers: request.kubernetes.providers },
  );
}

interface ClickHousePlace {
  readonly url: Output<string>;
  readonly ready: readonly Resource[];
}

/** Embedded it is one of the services, which are made after the data. */
function createClickHouse(request: ClusterDataRequest): ClickHousePlace {
  const { settings, kubernetes, operators, accounts } = request;
  const { clickhouse: size } = settings;
  if (size.kind === 'embedded') return { url: output(serviceUrl('clickhouse')), ready: [] };
  const { providers } = kubernetes;
  const { password, ...place } = placeOf(request);
  const [name, keeperName] = ['clickhouse', 'clickhouse-keeper'];
  const keeper = new ClickHouseKeeper(
    keeperName,
    {
      ...place,
      image: imageReference('clickhouse-keeper'),
      keepers: size.keepers,
      clients: clickHouseLabels(name),
      after: operators,
    },
    { providers },
  );
  const server = new ClickHouse(
    name,
    {
      ...size,
      ...place,
      password,
      image: imageReference('clickhouse'),
      database: clickHouseDatabase,
      keeperHost: keeper.host,
      keeperLabels: clickHouseLabels(keeperName),
      clients: operatorsAndWatchers,
      ...(accounts === undefined ? {} : { users: [accounts.telemetry, accounts.bi] }),
      after: [...operators, keeper],
    },
    { providers },
  );
  return { url: server.url, ready: [server] };
}

function createBrokers(request: ClusterDataRequest) {
  const { settings, release, kubernetes, operators } = request;
  if (settings.kafka.kind === 'none') return undefined;
  return createKafka(
    'kafka',
    {
      ...settings.kafka,
      ...placeOf(request),
      version: engineVersions.kafka.version,
      topics: Object.keys(release.data.topics),
      operatorNamespace: namespaceNames.system,
      after: operators,
    },
    { providers: kubernetes.providers },
  );
}

/** What everything here is told alike. */
function placeOf(request: ClusterDataRequest) {
  const { namespaceName, token } = request.namespaces;
  return {
    namespace: namespaceName,
    password: { secretName: token.secretName, key: token.key },
    nodePools: false,
    ...storageClassOf(request.settings.cluster),
  };
}

/** The class of volumes; nothing where the cluster's own default is meant. */
export function storageClassOf({ storageClass }: KubernetesSettings['cluster']): {
  readonly storageClassName?: string;
} {
  return storageClass === 'default' ? {} : { storageClassName: storageClass };
}
