import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import {
  planBucketPolicy,
  planLifecycle,
  type BucketLifecycle,
  type BucketStatement,
} from '../planning/data/bucket.ts';
import { stateful } from '../planning/stateful.ts';

export interface BucketArgs {
  /** The customer-managed key. Default: S3's own keys, which is all that the delivery of access logs can write by. */
  readonly keyArn?: Input<string>;
  /** For how long objects and their old versions are kept, and when they move to cheaper classes. */
  readonly lifecycle: BucketLifecycle;
  /** The bucket that takes the access logs; each bucket's lie under its own name. Default: accesses are not logged. */
  readonly accessLogs?: { readonly bucketName: Input<string> };
  /** What is asked of everyone beside TLS. Default nothing. */
  readonly statements?: readonly BucketStatement[];
  /** Whether versions can be locked; it can't be turned on or off later. Default false. */
  readonly objectLock?: boolean;
}

export interface CreatedBucket {
  readonly bucket: aws.s3.Bucket;
  /** What a lock needs first. */
  readonly versioning: aws.s3.BucketVersioning;
}

/**
 * A bucket that nothing is lost from by accident: versioned, encrypted, closed to the public, TLS only, protected.
 * Cost driver: bytes kept, old versions included, and requests.
 * Refuses: a lifecycle that deletes before it moves, or of days that are none.
 */
export class Bucket extends ComponentResource {
  readonly bucketName: Output<string>;
  readonly arn: Output<string>;

  constructor(name: string, args: BucketArgs, options?: ComponentResourceOptions) {
    super('orrery:data:Bucket', name, {}, options);
    const { bucket } = createBucket(this, name, args);
    this.bucketName = bucket.bucket;
    this.arn = bucket.arn;
    this.registerOutputs({ bucketName: this.bucketName, arn: this.arn });
  }
}

/** A bucket and everything around it, as children of a component: `<name>-bucket`, `<name>-policy` and so on. */
export function createBucket(parent: ComponentResource, name: string, args: BucketArgs): CreatedBucket {
  const rules = planLifecycle(args.lifecycle);
  const made = new aws.s3.Bucket(
    `${name}-bucket`,
    { ...(args.objectLock === true ? { objectLockEnabled: true } : {}), forceDestroy: false },
    stateful({ parent }),
  );
  const bucket = made.bucket;
  close(parent, name, { bucket, policy: planBucketPolicy(made.arn, args.statements ?? []) });
  const versioning = new aws.s3.BucketVersioning(
    `${name}-versioning`,
    { bucket, versioningConfiguration: { status: 'Enabled' } },
    { parent },
  );
  new aws.s3.BucketServerSideEncryptionConfiguration(
    `${name}-encryption`,
    { bucket, rules: [encryption(args.keyArn)] },
    { parent },
  );
  new aws.s3.BucketLifecycleConfiguration(`${name}-lifecycle`, { bucket, rules }, { parent, dependsOn: [versioning] });
  // What happens in it is told to the account's event bus, where a rule can watch for deletions.
  new aws.s3.BucketNotification(`${name}-events`, { bucket, eventbridge: true }, { parent });
  if (args.accessLogs !== undefined) {
    new aws.s3.BucketLogging(
      `${name}-logging`,
      { bucket, targetBucket: args.accessLogs.bucketName, targetPrefix: `${name}/` },
      { parent },
    );
  }
  return { bucket: made, versioning };
}

/** Who gets in: only this account's roles, only over TLS. */
function close(
  parent: ComponentResource,
  name: string,
  { bucket, policy }: { bucket: Output<string>; policy: Output<string> },
): void {
  const access = new aws.s3.BucketPublicAccessBlock(
    `${name}-public-access`,
    { bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
    { parent },
  );
  new aws.s3.BucketOwnershipControls(
    `${name}-ownership`,
    { bucket, rule: { objectOwnership: 'BucketOwnerEnforced' } },
    { parent },
  );
  new aws.s3.BucketPolicy(`${name}-policy`, { bucket, policy }, { parent, dependsOn: [access] });
}

function encryption(keyArn: Input<string> | undefined): aws.types.input.s3.BucketServerSideEncryptionConfigurationRule {
  if (keyArn === undefined) return { applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } };
  return {
    applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn },
    bucketKeyEnabled: true,
  };
}
