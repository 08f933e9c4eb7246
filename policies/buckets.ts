import { ofType, partsOf, referredTo, valueAt, valuesAt, type Graph, type Resource } from './graph.ts';

const bucketTypes: readonly string[] = ['aws:s3/bucket:Bucket', 'aws:s3/bucketV2:BucketV2'];

/** What a bucket is told by resources beside it: the end of their type, behind `Bucket`. */
export type BucketPart =
  | 'LifecycleConfiguration'
  | 'Logging'
  | 'ObjectLockConfiguration'
  | 'Policy'
  | 'PublicAccessBlock'
  | 'ServerSideEncryptionConfiguration'
  | 'Versioning';

export function isBucket({ type }: Resource): boolean {
  return bucketTypes.includes(type);
}

export function partsOfBucket(graph: Graph, bucket: Resource, part: BucketPart): Resource[] {
  const [type, older] = [`aws:s3/bucket${part}:Bucket${part}`, `aws:s3/bucket${part}V2:Bucket${part}V2`];
  const parts = ofType(graph, type, older);
  return partsOf(bucket, { parts, property: 'bucket', wholes: graph.resources.filter(isBucket) });
}

/** Whether another bucket's accesses, or a load balancer's, are logged here. */
export function isLogBucket(graph: Graph, bucket: Resource): boolean {
  const parts = ofType(graph, 'aws:s3/bucketLogging:BucketLogging', 'aws:s3/bucketLoggingV2:BucketLoggingV2');
  const wholes = graph.resources.filter(isBucket);
  if (partsOf(bucket, { parts, property: 'targetBucket', wholes }).length > 0) return true;
  return ofType(graph, 'kubernetes:gateway.k8s.aws/v1beta1:LoadBalancerConfiguration')
    .flatMap(({ inputs }) => valuesAt(inputs, 'spec.loadBalancerAttributes[]'))
    .filter(({ value }) => valueAt(value, 'key') === 'access_logs.s3.bucket')
    .some(({ value }) => referredTo(wholes, valueAt(value, 'value')) === bucket);
}

/** The store of releases, by a word of its name. */
export function isReleaseStore(bucket: Resource): boolean {
  return isBucket(bucket) && `${bucket.parent ?? ''}-${bucket.name}`.split('-').includes('store');
}
