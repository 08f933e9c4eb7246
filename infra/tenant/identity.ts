import { interpolate, type ComponentResource, type Input } from '@pulumi/pulumi';
import { allow } from '../planning/iam.ts';
import { createPodIdentity } from '../security/pod-identity.ts';

/** A tenant's place in a bucket that it shares with others. */
export interface TenantIdentity {
  readonly clusterName: Input<string>;
  /** What it keeps lies below `tenants/<tenant>/`; it sees nothing else. */
  readonly bucketArn: Input<string>;
  /** The key by which the bucket is encrypted. */
  readonly keyArn: Input<string>;
}

interface Made extends TenantIdentity {
  readonly tenant: string;
  readonly namespace: Input<string>;
  readonly serviceAccount: Input<string>;
}

/** The role behind a tenant's pods, as children of a component: `<name>-workload-role`, `-policy` and `-identity`. */
export function createTenantIdentity(parent: ComponentResource, name: string, made: Made): void {
  const { tenant, bucketArn, keyArn, clusterName, namespace, serviceAccount } = made;
  const folder = `tenants/${tenant}`;
  const policy = allow(
    {
      actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      resources: [interpolate`${bucketArn}/${folder}/*`],
    },
    {
      actions: ['s3:ListBucket'],
      resources: [bucketArn],
      condition: { StringLike: { 's3:prefix': `${folder}/*` } },
    },
    { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [keyArn] },
  );
  createPodIdentity(parent, `${name}-workload`, { clusterName, namespace, serviceAccount, policy });
}
