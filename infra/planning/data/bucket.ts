import { interpolate, jsonStringify, type Input, type Output } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';

/** What happens to objects by themselves. Nothing here deletes the current version of an object unless `expireDays` says so. */
export interface BucketLifecycle {
  /** Days after which an object moves to intelligent tiering, from which it comes back by itself. Default: it stays. At least 1. */
  readonly tierAfterDays?: number;
  /** Days after which an object is deleted. Default: never. At least 1, and more than `tierAfterDays`. */
  readonly expireDays?: number;
  /** Days that a version stays after it was deleted or overwritten: how long a mistake can be undone. At least 1. */
  readonly noncurrentDays: number;
}

export interface LifecycleRule {
  readonly id: string;
  readonly status: 'Enabled';
  readonly filter: Record<string, never>;
  readonly transitions?: { readonly days: number; readonly storageClass: 'INTELLIGENT_TIERING' }[];
  readonly expiration?: { readonly days: number };
  readonly noncurrentVersionExpiration?: { readonly noncurrentDays: number };
  readonly abortIncompleteMultipartUpload?: { readonly daysAfterInitiation: number };
}

/** One statement of a bucket's own policy; what it speaks of is the bucket and its objects. */
export interface BucketStatement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal: '*' | { readonly Service: string };
  readonly Action: string;
  /** Default: the bucket and all its objects; `objects`: the objects alone. */
  readonly on?: 'objects';
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const abortUploadsDays = 7;

/** Whoever doesn't speak TLS is refused, whatever else he may do. */
const tlsOnly: BucketStatement = {
  Sid: 'TlsOnly',
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:*',
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
};

/**
 * A write that doesn't say "only if nothing is there" is refused, so that an object, once written, has the bytes that it always had.
 * The parts of a multipart upload make no object; its completion does.
 */
export const neverOverwrite: BucketStatement = {
  Sid: 'NeverOverwrite',
  Effect: 'Deny',
  Principal: '*',
  Action: 's3:PutObject',
  on: 'objects',
  Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
};

/** Lets S3 itself deliver the access logs of this account's buckets. */
export function takesAccessLogs(accountId: string): BucketStatement {
  return {
    Sid: 'AccessLogs',
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: 's3:PutObject',
    on: 'objects',
    Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
  };
}

/** The bucket's own policy: TLS only, and what else is asked of everyone. */
export function planBucketPolicy(arn: Input<string>, statements: readonly BucketStatement[]): Output<string> {
  const objects = interpolate`${arn}/*`;
  return jsonStringify({
    Version: '2012-10-17',
    Statement: [tlsOnly, ...statements].map(({ on, Condition, ...statement }) => ({
      ...statement,
      Resource: on === 'objects' ? objects : [arn, objects],
      ...(Condition === undefined ? {} : { Condition }),
    })),
  });
}

/** Refuses days that are no days, and deleting before moving: then the move would be paid for nothing. */
export function planLifecycle({ tierAfterDays, expireDays, noncurrentDays }: BucketLifecycle): LifecycleRule[] {
  for (const [field, days] of Object.entries({ tierAfterDays, expireDays, noncurrentDays })) {
    if (days === undefined || (Number.isInteger(days) && days >= 1)) continue;
    throw refuse(`${field} is ${days}`, 'give whole days, at least 1');
  }
  if (tierAfterDays !== undefined && expireDays !== undefined && expireDays <= tierAfterDays) {
    throw refuse(
      `objects would expire after ${expireDays} days and move after ${tierAfterDays}`,
      'let them expire later than they move',
    );
  }
  const rule = { status: 'Enabled', filter: {} } as const;
  return [
    { id: 'abort-uploads', ...rule, abortIncompleteMultipartUpload: { daysAfterInitiation: abortUploadsDays } },
    ...(tierAfterDays === undefined
      ? []
      : [
          { id: 'tier', ...rule, transitions: [{ days: tierAfterDays, storageClass: 'INTELLIGENT_TIERING' as const }] },
        ]),
    ...(expireDays === undefined ? [] : [{ id: 'expire', ...rule, expiration: { days: expireDays } }]),
    { id: 'forget-old-versions', ...rule, noncurrentVersionExpiration: { noncurrentDays } },
  ];
}

function refuse(message: string, hint: string): PlanError {
  return new PlanError({ code: 'LIFECYCLE_INVALID', message, hint });
}
