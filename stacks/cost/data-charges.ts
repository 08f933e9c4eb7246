import { isRecord, valueAt, valuesAt } from '#policies/graph.ts';
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
  'aws:rds/instance:Instance': ({ inputs }, { region }) => {
    const size = numberAt(inputs, 'allocatedStorage');
    if (size === undefined || textAt(inputs, 'storageType') !== 'gp3') return 'no price';
    // A standby in another zone is a second machine with a second volume.
    const copies = inputs['multiAz'] === true ? 2 : 1;
    const instance = `rds:${region}:${textAt(inputs, 'engine')}:${textAt(inputs, 'instanceClass')}`;
    const most = copies * Math.max(size, numberAt(inputs, 'maxAllocatedStorage') ?? size);
    return {
      charges: [fixed(instance, copies), { keys: [`rds:${region}:gp3`], least: copies * size, most }],
      byUse: [`rds:${region}:backup`],
    };
  },
  'aws:s3/bucket:Bucket': (_, { region }) => metered(`s3:${region}:standard`, `s3:${region}:requests`),
  'aws:dynamodb/table:Table': ({ inputs }, { region }) => {
    const backups = valueAt(inputs, 'pointInTimeRecovery.enabled') === true ? [`dynamodb:${region}:backup`] : [];
    return inputs['billingMode'] === 'PAY_PER_REQUEST'
      ? metered(`dynamodb:${region}:storage`, `dynamodb:${region}:writes`, `dynamodb:${region}:reads`, ...backups)
      : 'no price';
  },
  'aws:ecr/repository:Repository': (_, { region }) => metered(`ecr:${region}:storage`),
  // The repositories that a pull through the cache makes are billed like ours.
  'aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate': (_, { region }) => metered(`ecr:${region}:storage`),
  // Basic scanning is free; the enhanced one is Inspector's, which bills every image and every further look at it.
  'aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration': ({ inputs }, { region }) =>
    inputs['scanType'] === 'ENHANCED' ? metered(`inspector:${region}:image`, `inspector:${region}:rescan`) : 'free',
  // The cores and memory of a run, beside the nodes that it runs on.
  'aws:emrcontainers/virtualCluster:VirtualCluster': (_, { region }) =>
    metered(`emr-containers:${region}:core`, `emr-containers:${region}:memory`),
  'kubernetes:helm.sh/v3:Release': ({ inputs }, { region }) => {
    const gigabytes = volumesOfChart(inputs['values']);
    return gigabytes === 0 ? 'free' : charged(fixed(`ebs:${region}:gp3`, gigabytes));
  },
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
  return charged(fixed(`ebs:${region}:gp3`, pods * gigabytes.reduce<number>((sum, one) => sum + (one ?? 0), 0)));
}

/** The volumes that a chart's values ask for by a template of a claim, in GiB: one for each of the replicas that stand above it. */
function volumesOfChart(values: unknown, replicas = 1): number {
  if (Array.isArray(values)) return values.reduce<number>((sum, one) => sum + volumesOfChart(one, replicas), 0);
  if (!isRecord(values)) return 0;
  const pods = numberAt(values, 'replicas') ?? replicas;
  return Object.entries(values).reduce((sum, [key, value]) => {
    if (key !== 'volumeClaimTemplate') return sum + volumesOfChart(value, pods);
    return sum + pods * (gigabytesOf(valueAt(value, 'spec.resources.requests.storage')) ?? 0);
  }, 0);
}
