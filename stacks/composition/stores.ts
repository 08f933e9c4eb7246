import { interpolate, type Output } from '@pulumi/pulumi';
import { Bucket } from '#infra/data/bucket.ts';
import { ImageRegistry } from '#infra/data/image-registry.ts';
import { ObjectStore } from '#infra/data/object-store.ts';
import { RegistryTable } from '#infra/data/registry-table.ts';
import { Spark } from '#infra/data/spark.ts';
import { allow } from '#infra/planning/iam.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { BucketStore, ClusterLayer, Foundation } from './layers.ts';

export interface StoresRequest {
  readonly settings: AwsSettings;
  readonly foundation: Foundation;
  /** Services of the release: each has a repository of images. */
  readonly services: readonly string[];
}

/** What AWS keeps for the environment, outside its cluster. */
export interface Stores {
  readonly store: BucketStore;
  /** Old parts of ClickHouse; absent where they stay on the volumes. */
  readonly cold?: Bucket;
  readonly backups: Bucket;
  /** The registry's log, and what the registry may do with it: an IAM policy document. */
  readonly registryTable: { readonly tableName: Output<string>; readonly policy: Output<string> };
  /** Service -> where its images are pushed. */
  readonly imageUrls: Readonly<Record<string, Output<string>>>;
}

/** Old versions go after this: how long a deletion by mistake can be undone. */
const undoDays = 7;
const repositoryPrefix = 'orrery';

export function createStores({ settings, foundation, services }: StoresRequest): Stores {
  const { region, providers, keyArn, accessLogs } = foundation;
  const { clickhouse, images } = settings;
  const options = { providers };
  const store = new ObjectStore('store', { keyArn, lock: settings.store.lock, accessLogs }, options);
  const backups = new Bucket(
    'clickhouse-backups',
    { keyArn, accessLogs, lifecycle: { expireDays: clickhouse.backup.keepDays, noncurrentDays: undoDays } },
    options,
  );
  const cold =
    clickhouse.coldAfterDays === 0
      ? undefined
      : new Bucket('clickhouse-cold', { keyArn, accessLogs, lifecycle: { noncurrentDays: undoDays } }, options);
  const table = new RegistryTable('registry-table', { keyArn }, options);
  const { urls } = new ImageRegistry(
    'images',
    { prefix: repositoryPrefix, services, scan: images.scan, keyArn },
    options,
  );
  return {
    store: { kind: 'bucket', bucketName: store.bucketName, region, policy: storePolicy(store.arn, keyArn) },
    backups,
    ...(cold === undefined ? {} : { cold }),
    registryTable: { tableName: table.tableName, policy: tablePolicy(table.arn, keyArn) },
    imageUrls: urls,
  };
}

/** A place for Spark jobs and the bucket of what they make; nothing where none may run. */
export function createSpark(request: {
  readonly settings: AwsSettings;
  readonly foundation: Foundation;
  readonly cluster: ClusterLayer;
}): Spark | undefined {
  const { settings, foundation, cluster } = request;
  if (!settings.spark.enabled) return undefined;
  const { environment, accountId, keyArn, providers, accessLogs } = foundation;
  const results = new Bucket(
    'spark-results',
    { keyArn, accessLogs, lifecycle: { tierAfterDays: 30, noncurrentDays: undoDays } },
    { providers },
  );
  return new Spark(
    'spark',
    {
      clusterName: cluster.clusterName,
      accountId,
      namespaceName: 'orrery-spark',
      roleName: `orrery-${environment}-spark`,
      policy: allow(
        {
          actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
          resources: [interpolate`${results.arn}/*`],
        },
        { actions: ['s3:ListBucket'], resources: [results.arn] },
        { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [keyArn] },
      ),
    },
    { providers: cluster.providers, dependsOn: [...cluster.ready] },
  );
}

/** Objects are added and read, never deleted: whoever holds this role can't unmake a release. */
function storePolicy(arn: Output<string>, keyArn: Output<string>): Output<string> {
  return allow(
    { actions: ['s3:GetObject', 's3:PutObject'], resources: [arn.apply((text) => `${text}/sha256/*`)] },
    // Without it S3 answers 403 for an object that is not there, which reads as a missing right.
    { actions: ['s3:ListBucket'], resources: [arn], condition: { StringLike: { 's3:prefix': ['sha256/*'] } } },
    { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [keyArn] },
  );
}

/** Entries are added and read, never changed or deleted: that is what makes it a log. */
function tablePolicy(arn: Output<string>, keyArn: Output<string>): Output<string> {
  return allow(
    { actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'], resources: [arn] },
    { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [keyArn] },
  );
}
