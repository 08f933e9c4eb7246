import assert from 'node:assert/strict';
import { ObjectStore, type ObjectLock } from '#infra/data/object-store.ts';
import { PlanError } from '#infra/errors.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

function recordStore(lock: ObjectLock = { mode: 'COMPLIANCE', days: 400 }) {
  return record(() => new ObjectStore('store', { keyArn: 'arn:aws:kms:::key/1', lock }));
}

describe('the object store', () => {
  it('is one protected bucket, and around it everything that closes and keeps it', async () => {
    const recording = await recordStore();
    assert.deepEqual(outline(recording), [
      'orrery:data:ObjectStore store',
      'aws:s3/bucket:Bucket store-bucket < store',
      'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration store-encryption < store',
      'aws:s3/bucketNotification:BucketNotification store-events < store',
      'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration store-lifecycle < store',
      'aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration store-lock < store',
      'aws:s3/bucketOwnershipControls:BucketOwnershipControls store-ownership < store',
      'aws:s3/bucketPolicy:BucketPolicy store-policy < store',
      'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock store-public-access < store',
      'aws:s3/bucketVersioning:BucketVersioning store-versioning < store',
    ]);
    const bucket = resourceNamed(recording, 'store-bucket');
    assert.deepEqual([bucket.protect, bucket.retainOnDelete], [true, true]);
    assert.deepEqual(bucket.inputs, { objectLockEnabled: true, forceDestroy: false });
    assert.deepEqual([...recording.completed], ['store']);
  });

  it('is versioned, encrypted by our key, and locked for as long as it is told', async () => {
    const recording = await recordStore();
    assert.deepEqual(resourceNamed(recording, 'store-versioning').inputs['versioningConfiguration'], {
      status: 'Enabled',
    });
    assert.deepEqual(resourceNamed(recording, 'store-encryption').inputs['rules'], [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: 'arn:aws:kms:::key/1' },
        bucketKeyEnabled: true,
      },
    ]);
    const lock = resourceNamed(recording, 'store-lock');
    assert.deepEqual(lock.inputs['rule'], { defaultRetention: { mode: 'COMPLIANCE', days: 400 } });
    assert.deepEqual(lock.dependencies, ['store-bucket', 'store-versioning']);
  });

  it('is closed to the public, and to whoever speaks without TLS', async () => {
    const recording = await recordStore();
    assert.deepEqual(resourceNamed(recording, 'store-public-access').inputs, {
      bucket: '${store-bucket.bucket}',
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    assert.deepEqual(JSON.parse(String(resourceNamed(recording, 'store-policy').inputs['policy'])), {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'TlsOnly',
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:*',
          Resource: ['${store-bucket.arn}', '${store-bucket.arn}/*'],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
        {
          Sid: 'NeverOverwrite',
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:PutObject',
          Resource: '${store-bucket.arn}/*',
          Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
        },
      ],
    });
  });

  it('moves what is seldom read and never deletes it', async () => {
    const { inputs } = resourceNamed(await recordStore(), 'store-lifecycle');
    assert.deepEqual(
      (inputs['rules'] as { id: string }[]).map(({ id }) => id),
      ['abort-uploads', 'tier', 'forget-old-versions'],
    );
  });

  it('logs its accesses where it is told a bucket for them', async () => {
    const recording = await record(
      () =>
        new ObjectStore('store', {
          keyArn: 'arn:aws:kms:::key/1',
          lock: { mode: 'GOVERNANCE', days: 1 },
          accessLogs: { bucketName: 'logs-1' },
        }),
    );
    assert.equal(resourceNamed(recording, 'store-logging').inputs['targetBucket'], 'logs-1');
  });

  it('refuses a lock of less than a day', async () => {
    await assert.rejects(
      recordStore({ mode: 'GOVERNANCE', days: 0 }),
      (error) => error instanceof PlanError && error.code === 'LOCK_INVALID',
    );
  });
});
