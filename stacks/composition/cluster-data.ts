import { output, type Resource } from '@pulumi/pulumi';
import type { Release } from '@orrery/contracts/release';
import { VolumeStore } from '#infra/data/volume-store.ts';
import type { DatabaseAccounts } from '#infra/observability/database-accounts.ts';
import type { KubernetesSettings } from '../settings/kubernetes.ts';
import type { DataLayer, KubernetesLayer } from './layers.ts';
import type { NamespacesLayer } from './namespace.ts';
import {
  clickHouseDatabase,
  createBrokerPods,
  createClickHouseServers,
  createRedisPod,
  type PodPlace,
} from './pod-databases.ts';
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
export function createClusterData({ settings, release, ...request }: ClusterDataRequest): DataLayer {
  const { kubernetes, namespaces: namespace, operators, accounts } = request;
  const { providers } = kubernetes;
  const storage = storageClassOf(settings.cluster);
  const place: PodPlace = { providers, namespace, nodePools: false, ...storage, after: operators };
  const { claimName } = new VolumeStore(
    'store',
    { namespace: namespace.namespaceName, ...settings.store, ...storage },
    { providers },
  );
  const { redis, clickhouse, kafka } = settings;
  // Redis needs no operator.
  const alone = { ...place, after: [] };
  const state = createRedisPod('state', redis.state, alone);
  const cache = createRedisPod('cache', redis.cache, alone);
  const users = accounts === undefined ? {} : { users: [accounts.telemetry, accounts.bi] };
  // Embedded it is one of the services, which are made after the data.
  const servers =
    clickhouse.kind === 'embedded' ? undefined : createClickHouseServers({ ...clickhouse, ...users }, place);
  const brokers = kafka.kind === 'none' ? undefined : createBrokerPods(kafka, Object.keys(release.data.topics), place);
  return {
    redis: { state, cache },
    clickhouse: { url: servers?.url ?? output(serviceUrl('clickhouse')), database: clickHouseDatabase },
    store: { kind: 'volume', claimName },
    ...(brokers === undefined ? {} : { kafka: brokers }),
    ready: [...(servers === undefined ? [] : [servers]), ...(brokers?.ready ?? [])],
  };
}

/** The class of volumes; nothing where the cluster's own default is meant. */
export function storageClassOf({ storageClass }: KubernetesSettings['cluster']): {
  readonly storageClassName?: string;
} {
  return storageClass === 'default' ? {} : { storageClassName: storageClass };
}
