import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planBucketPolicy, planLifecycle, takesAccessLogs, type BucketLifecycle } from '#infra/planning/data/bucket.ts';

function refuses(lifecycle: BucketLifecycle): void {
  assert.throws(
    () => planLifecycle(lifecycle),
    (error) => error instanceof PlanError && error.code === 'LIFECYCLE_INVALID',
  );
}

describe('the policy of a bucket', () => {
  it('refuses everyone without TLS, and lets the service of access logs write objects of this account alone', async () => {
    const policy = planBucketPolicy('arn:aws:s3:::logs', [takesAccessLogs('000000000000')]);
    const text = await new Promise<string>((resolve) => policy.apply(resolve));
    assert.deepEqual(JSON.parse(text), {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'TlsOnly',
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:*',
          Resource: ['arn:aws:s3:::logs', 'arn:aws:s3:::logs/*'],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        {
          Sid: 'AccessLogs',
          Effect: 'Allow',
          Principal: { Service: 'logging.s3.amazonaws.com' },
          Action: 's3:PutObject',
          Resource: 'arn:aws:s3:::logs/*',
          Condition: { StringEquals: { 'aws:SourceAccount': '000000000000' } },
        },
      ],
    });
  });
});

describe('the lifecycle of a bucket', () => {
  it('never deletes what is current unless it is told after how many days', () => {
    assert.deepEqual(planLifecycle({ noncurrentDays: 30 }), [
      {
        id: 'abort-uploads',
        status: 'Enabled',
        filter: {},
        abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
      },
      { id: 'forget-old-versions', status: 'Enabled', filter: {}, noncurrentVersionExpiration: { noncurrentDays: 30 } },
    ]);
  });

  it('moves first and deletes later, each after its days', () => {
    assert.deepEqual(planLifecycle({ tierAfterDays: 1, expireDays: 2, noncurrentDays: 1 }).slice(1, 3), [
      { id: 'tier', status: 'Enabled', filter: {}, transitions: [{ days: 1, storageClass: 'INTELLIGENT_TIERING' }] },
      { id: 'expire', status: 'Enabled', filter: {}, expiration: { days: 2 } },
    ]);
  });

  it('refuses days that are none', () => {
    refuses({ noncurrentDays: 0 });
    refuses({ noncurrentDays: 1.5 });
    refuses({ noncurrentDays: 1, tierAfterDays: 0 });
    refuses({ noncurrentDays: 1, expireDays: 0 });
  });

  it('refuses to delete on the day of the move or before', () => {
    refuses({ noncurrentDays: 1, tierAfterDays: 30, expireDays: 30 });
    refuses({ noncurrentDays: 1, tierAfterDays: 30, expireDays: 29 });
  });
});
