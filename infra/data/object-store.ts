import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import { neverOverwrite } from '../planning/data/bucket.ts';
import { createBucket } from './bucket.ts';

export interface ObjectLock {
  /** `GOVERNANCE` can be lifted by a role with a special right, `COMPLIANCE` by nobody, not even the account's owner. */
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  /** Days in which a version of an object can't be deleted or overwritten. At least 1. */
  readonly days: number;
}

export interface ObjectStoreArgs {
  /** The customer-managed key. */
  readonly keyArn: Input<string>;
  /** An object is named by its content, so nothing that is locked ever needs to change. */
  readonly lock: ObjectLock;
  /** The bucket that takes the access logs. Default: accesses are not logged. */
  readonly accessLogs?: { readonly bucketName: Input<string> };
}

const tierAfterDays = 90;
const noncurrentDays = 30;

/**
 * The bucket behind the content-addressed store: a Bucket whose objects are written once and locked against deletion for a time.
 * Cost driver: bytes kept; a compliance lock makes them undeletable until it ends.
 * Refuses: a lock of less than a day; at AWS, a write that doesn't say "only if nothing is there".
 */
export class ObjectStore extends ComponentResource {
  readonly bucketName: Output<string>;
  readonly arn: Output<string>;

  constructor(name: string, args: ObjectStoreArgs, options?: ComponentResourceOptions) {
    super('orrery:data:ObjectStore', name, {}, options);
    const { lock, keyArn, accessLogs } = args;
    assertLock(lock);
    const { bucket, versioning } = createBucket(this, name, {
      keyArn,
      objectLock: true,
      statements: [neverOverwrite],
      lifecycle: { tierAfterDays, noncurrentDays },
      ...(accessLogs === undefined ? {} : { accessLogs }),
    });
    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    new aws.s3.BucketObjectLockConfiguration(
      `${name}-lock`,
      { bucket: this.bucketName, rule: { defaultRetention: { mode: lock.mode, days: lock.days } } },
      { parent: this, dependsOn: [versioning] },
    );
    this.registerOutputs({ bucketName: this.bucketName, arn: this.arn });
  }
}

function assertLock({ mode, days }: ObjectLock): void {
  if (Number.isInteger(days) && days >= 1) return;
  throw new PlanError({
    code: 'LOCK_INVALID',
    message: `the store would be locked by ${mode} for ${days} days`,
    hint: 'lock it for at least one whole day',
  });
}
