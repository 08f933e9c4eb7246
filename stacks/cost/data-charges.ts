import { valuesAt } from '#policies/graph.ts';
import {
  charged,
  fixed,
  gigabytesOf,
  metered,
  numberAt,
  textAt,
  type Charging,
  type ChargingRules,
} from './charging.ts';

/** What keeps data is billed for the machines that serve it and for the volumes, or for what lies in it. */
export const dataCharges: ChargingRules = {
  'aws:elasticache/replicationGroup:ReplicationGroup': ({ inputs }, { region }) => {
    const nodes = numberAt(inputs, 'numCacheClusters') ?? 1;
    return charged(fixed(`elasticache:${region}:${textAt(inputs, 'nodeType')}`, nodes));
  },
  'aws:msk/cluster:Cluster': ({ inputs }, { region }) => {
    const brokers = numberAt(inputs, 'numberOfBrokerNodes');
    const size = numberAt(inputs, 'brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize');
    if (brokers === undefined || size === undefined) return 'no price';
    const instance = textAt(inputs, 'brokerNodeGroupInfo.instanceType');
    return charged(fixed(`msk:${region}:${instance}`, brokers), fixed(`msk:${region}:storage`, brokers * size));
  },
  'aws:s3/bucket:Bucket': (_, { region }) => metered(`s3:${region}:standard`, `s3:${region}:requests`),
  'aws:dynamodb/table:Table': (_, { region }) =>
    metered(`dynamodb:${region}:storage`, `dynamodb:${region}:writes`, `dynamodb:${region}:reads`),
  'aws:ecr/repository:Repository': (_, { region }) => metered(`ecr:${region}:storage`),
  'kubernetes:apps/v1:StatefulSet': ({ inputs }, { region }) => {
    const sizes = valuesAt(inputs, 'spec.volumeClaimTemplates[].spec.resources.requests.storage');
    return volumes(sizes, numberAt(inputs, 'spec.replicas') ?? 1, region);
  },
  'kubernetes:core/v1:PersistentVolumeClaim': ({ inputs }, { region }) =>
    volumes(valuesAt(inputs, 'spec.resources.requests.storage'), 1, region),
  'kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation': ({ inputs }, { region }) => {
    const shards = layoutOf(inputs, 'shardsCount');
    const replicas = layoutOf(inputs, 'replicasCount');
    const sizes = valuesAt(inputs, 'spec.templates.volumeClaimTemplates[].spec.resources.requests.storage');
    return shards === undefined || replicas === undefined ? 'no price' : volumes(sizes, shards * replicas, region);
  },
  'kubernetes:clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation': ({ inputs }, { region }) => {
    const replicas = layoutOf(inputs, 'replicasCount');
    const sizes = valuesAt(inputs, 'spec.templates.volumeClaimTemplates[].spec.resources.requests.storage');
    return replicas === undefined ? 'no price' : volumes(sizes, replicas, region);
  },
  'kubernetes:kafka.strimzi.io/v1beta2:KafkaNodePool': ({ inputs }, { region }) => {
    const replicas = numberAt(inputs, 'spec.replicas');
    const sizes = [...valuesAt(inputs, 'spec.storage.size'), ...valuesAt(inputs, 'spec.storage.volumes[].size')];
    return replicas === undefined ? 'no price' : volumes(sizes, replicas, region);
  },
};

function layoutOf(inputs: unknown, key: string): number | undefined {
  const [found] = valuesAt(inputs, `spec.configuration.clusters[].layout.${key}`);
  return typeof found?.value === 'number' ? found.value : undefined;
}

/** So many pods, each with these volumes; a set without volumes runs on nodes that are counted. */
function volumes(sizes: readonly { readonly value: unknown }[], pods: number, region: string): Charging {
  if (sizes.length === 0) return 'free';
  const gigabytes = sizes.map(({ value }) => gigabytesOf(value));
  if (gigabytes.includes(undefined)) return 'no price';
  // Outside AWS a volume is the cluster's own disk.
  if (region === 'undefined') return 'free';
  return charged(fixed(`ebs:${region}:gp3`, pods * gigabytes.reduce<number>((sum, one) => sum + (one ?? 0), 0)));
}
