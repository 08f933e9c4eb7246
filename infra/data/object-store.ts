import * as aws from '@pulumi/aws';
import {
  ComponentResource,
  jsonStringify,
  type ComponentResourceOptions,
  type Input,
  type Output,
} from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import { stateful } from '../planning/stateful.ts';

export interface ObjectLock {
  /** `GOVERNANCE` can be lifted by a role with a special right, `COMPLIANCE` by nobody, not even the account's owner. */
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  /** Days in which a version of an object can't be deleted or overwritten. At least 1. */
  readonly days: number;
}

export interface ObjectStoreArgs {
  readonly keyArn: Input<string>;
  /** An object is named by its content, so nothing that is locked ever needs to change. */
  readonly lock: ObjectLock;
}

/**
 * The bucket behind the content-addressed store: versioned, encrypted by our key, closed to the public, TLS only, and locked
 * against deletion for a time.
 * Cost driver: bytes kept; a compliance lock makes them undeletable until it ends.
 * Refuses: a lock of less than a day.
 */
export class ObjectStore extends ComponentResource {
  readonly bucketName: Output<string>;
  readonly arn: Output<string>;

  constructor(name: string, args: ObjectStoreArgs, options?: ComponentResourceOptions) {
    super('orrery:data:ObjectStore', name, {}, options);
    assertLock(args.lock);
    const bucket = new aws.s3.Bucket(
      `${name}-bucket`,
      { objectLockEnabled: true, forceDestroy: false },
      stateful({ parent: this }),
    );
    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    this.#close(name);
    this.#keep(name, args);
    this.registerOutputs({ bucketName: this.bucketName, arn: this.arn });
  }

  /** Who gets in: only this account's roles, only over TLS. */
  #close(name: string): void {
    const bucket = this.bucketName;
    const access = new aws.s3.BucketPublicAccessBlock(
      `${name}-public-access`,
      { bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
      { parent: this },
    );
    new aws.s3.BucketOwnershipControls(
      `${name}-ownership`,
      { bucket, rule: { objectOwnership: 'BucketOwnerEnforced' } },
      { parent: this },
    );
    const policy = jsonStringify({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'TlsOnly',
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:*',
          Resource: [this.arn, this.arn.apply((arn) => `${arn}/*`)],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
    });
    new aws.s3.BucketPolicy(`${name}-policy`, { bucket, policy }, { parent: this, dependsOn: [access] });
  }

  /** What stays, how it is written, and for how long it can't be lost. */
  #keep(name: string, { keyArn, lock }: ObjectStoreArgs): void {
    const bucket = this.bucketName;
    const versioning = new aws.s3.BucketVersioning(
      `${name}-versioning`,
      { bucket, versioningConfiguration: { status: 'Enabled' } },
      { parent: this },
    );
    new aws.s3.BucketServerSideEncryptionConfiguration(
      `${name}-encryption`,
      {
        bucket,
        rules: [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn },
            bucketKeyEnabled: true,
          },
        ],
      },
      { parent: this },
    );
    new aws.s3.BucketObjectLockConfiguration(
      `${name}-lock`,
      { bucket, rule: { defaultRetention: { mode: lock.mode, days: lock.days } } },
      { parent: this, dependsOn: [versioning] },
    );
    new aws.s3.BucketLifecycleConfiguration(
      `${name}-lifecycle`,
      {
        bucket,
        rules: [
          {
            id: 'abort-uploads',
            status: 'Enabled',
            filter: {},
            abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
          },
        ],
      },
      { parent: this, dependsOn: [versioning] },
    );
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
