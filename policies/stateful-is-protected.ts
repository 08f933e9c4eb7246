import { valueAt, valuesAt, type Resource } from './graph.ts';
import { isRedisStore, roleOfStore } from './redis-store.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

/** Custom resources whose deletion deletes what their operator keeps, in any version of their API. */
const statefulKinds =
  /^kubernetes:(kafka\.strimzi\.io\/[^:]+:(Kafka|KafkaNodePool|KafkaTopic)|clickhouse(-keeper)?\.altinity\.com\/[^:]+:ClickHouse(Keeper)?Installation)$/;

/** Types that hold data, or keys to data, whatever their inputs say. A type that is added to the platform is thought about here. */
const alwaysStateful: readonly string[] = [
  'aws:backup/vault:Vault',
  'aws:dynamodb/table:Table',
  'aws:ebs/volume:Volume',
  'aws:ecr/repository:Repository',
  'aws:efs/fileSystem:FileSystem',
  'aws:kms/key:Key',
  'aws:memorydb/cluster:Cluster',
  'aws:msk/cluster:Cluster',
  'aws:msk/serverlessCluster:ServerlessCluster',
  'aws:rds/cluster:Cluster',
  'aws:rds/instance:Instance',
  'aws:s3/bucket:Bucket',
  'aws:s3/bucketV2:BucketV2',
  'aws:secretsmanager/secret:Secret',
  // Its deletion deletes the volume claims in it.
  'kubernetes:core/v1:Namespace',
  'kubernetes:core/v1:PersistentVolume',
  'kubernetes:core/v1:PersistentVolumeClaim',
  'random:index/randomPassword:RandomPassword',
];

const options = ['protect', 'retainOnDelete'] as const;

/** What may stand at a property without data being lost behind the engine's back; undefined where the default keeps data. */
const keeping: Readonly<Record<string, Readonly<Record<string, readonly unknown[]>>>> = {
  'aws:ecr/repository:Repository': { forceDelete: [undefined, false] },
  'aws:s3/bucket:Bucket': { forceDestroy: [undefined, false] },
  'aws:s3/bucketV2:BucketV2': { forceDestroy: [undefined, false] },
  'kubernetes:apps/v1:StatefulSet': {
    'spec.persistentVolumeClaimRetentionPolicy.whenDeleted': [undefined, 'Retain'],
    'spec.persistentVolumeClaimRetentionPolicy.whenScaled': [undefined, 'Retain'],
  },
  'kubernetes:storage.k8s.io/v1:StorageClass': { reclaimPolicy: ['Retain'] },
};

export const statefulIsProtected: Rule = {
  name: 'stateful-is-protected',
  why: 'a rename or a removed line deletes a store with everything in it, and no rollback brings that back',
  remedy:
    'make it with stateful() of infra/planning, which sets protect and retainOnDelete; keep volumes when their pod goes',
  scope: 'resource',
  check: ({ resources }) =>
    resources.flatMap((resource) => [...checkOptions(resource), ...checkKeeping(resource), ...checkClaims(resource)]),
};

function checkOptions(resource: Resource): Violation[] {
  if (!isStateful(resource)) return [];
  return options
    .filter((option) => !resource[option])
    .map((option) => violationAt(resource, { property: option, value: false }, 'holds data, or keys to data'));
}

/** Whether a resource holds data, or keys to data. */
export function isStateful(resource: Resource): boolean {
  if (isRedisStore(resource)) return roleOfStore(resource) !== 'cache';
  if (resource.type === 'kubernetes:apps/v1:StatefulSet') {
    return valuesAt(resource.inputs, 'spec.volumeClaimTemplates[]').length > 0;
  }
  return alwaysStateful.includes(resource.type) || statefulKinds.test(resource.type);
}

function checkKeeping(resource: Resource): Violation[] {
  return Object.entries(keeping[resource.type] ?? {})
    .map(([property, allowed]) => ({ property, value: valueAt(resource.inputs, property), allowed }))
    .filter(({ value, allowed }) => !allowed.includes(value))
    .map((found) => violationAt(resource, found, 'deletes data that protect and retainOnDelete keep'));
}

/** A broker's volumes go with it where Strimzi is told so. */
function checkClaims(resource: Resource): Violation[] {
  if (!/^kubernetes:kafka\.strimzi\.io\/[^:]+:KafkaNodePool$/.test(resource.type)) return [];
  return ['spec.storage.deleteClaim', 'spec.storage.volumes[].deleteClaim']
    .flatMap((path) => valuesAt(resource.inputs, path))
    .filter(({ value }) => value !== false)
    .map((found) => violationAt(resource, found, 'deletes data that protect and retainOnDelete keep'));
}
