import type { Output, Resource } from '@pulumi/pulumi';
import type { Release } from '@orrery/contracts/release';
import { StorageClass } from '#infra/data/storage-class.ts';
import type { DatabaseAccounts } from '#infra/observability/database-accounts.ts';
import type { AwsSettings } from '../settings/settings.ts';
import { createBrokers, createClickHouse, createRedisPair } from './databases.ts';
import type { ClusterLayer, DataLayer, Foundation, NamespaceLayer, NetworkLayer } from './layers.ts';
import { clickHouseDatabase } from './pod-databases.ts';
import { createSpark, createStores, type Stores } from './stores.ts';

export interface DataRequest {
  readonly settings: AwsSettings;
  /** Its services have repositories of images, its topics are made. */
  readonly release: Pick<Release, 'services' | 'data'>;
  readonly foundation: Foundation;
  readonly network: NetworkLayer;
  readonly cluster: ClusterLayer;
  readonly namespace: NamespaceLayer;
  /** Users of ClickHouse beside the platform's. */
  readonly accounts: Pick<DatabaseAccounts, 'telemetry' | 'bi'>;
  /** The operators of ClickHouse and Kafka: without them their installations are refused as unknown. */
  readonly operators: readonly Resource[];
}

/** What the services' data layer is in a cloud of its own, and what else AWS keeps for them. */
export interface CloudDataLayer extends DataLayer, Stores {
  readonly store: Stores['store'];
  /** The class of volumes that outlive their claims. */
  readonly storageClassName: Output<string>;
  /** Absent where no Spark job may run. */
  readonly spark?: { readonly virtualClusterId: Output<string>; readonly jobRoleArn: Output<string> };
}

/** State, cache, rows, events and objects of an environment. */
export function createData(request: DataRequest): CloudDataLayer {
  const { settings, release, foundation, cluster, operators } = request;
  const stores = createStores({ settings, foundation, services: Object.keys(release.services) });
  const { className } = new StorageClass('storage', { providers: cluster.providers });
  const databases = {
    ...request,
    stores,
    place: {
      providers: cluster.providers,
      namespace: request.namespace,
      storageClassName: className,
      nodePools: true,
      after: [...cluster.ready, ...operators],
    },
    topics: Object.keys(release.data.topics),
  };
  const redis = createRedisPair(databases);
  const clickhouse = createClickHouse(databases);
  const kafka = createBrokers(databases);
  const spark = createSpark({ settings, foundation, cluster });
  return {
    ...stores,
    storageClassName: className,
    redis,
    clickhouse: { url: clickhouse.url, database: clickHouseDatabase },
    ...(kafka === undefined ? {} : { kafka }),
    ...(spark === undefined ? {} : { spark }),
    ready: [clickhouse, ...(kafka?.ready ?? [])],
  };
}
