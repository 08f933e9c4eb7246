import assert from 'node:assert/strict';
import { Bucket, type BucketArgs } from '#infra/data/bucket.ts';
import { takesAccessLogs } from '#infra/planning/data/bucket.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

function recordBucket(args: Partial<BucketArgs> = {}) {
  return record(() => new Bucket('archive', { lifecycle: { noncurrentDays: 7 }, ...args }));
}

describe('a bucket', () => {
  it('is protected, and closed, versioned, encrypted and told about by everything around it', async () => {
    const recording = await recordBucket({
      keyArn: 'arn:aws:kms:::key/1',
      accessLogs: { bucketName: 'logs-1' },
    });
    assert.deepEqual(outline(recording), [
      'orrery:data:Bucket archive',
      'aws:s3/bucket:Bucket archive-bucket < archive',
      'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration archive-encryption < archive',
      'aws:s3/bucketNotification:BucketNotification archive-events < archive',
      'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration archive-lifecycle < archive',
      'aws:s3/bucketLogging:BucketLogging archive-logging < archive',
      'aws:s3/bucketOwnershipControls:BucketOwnershipControls archive-ownership < archive',
      'aws:s3/bucketPolicy:BucketPolicy archive-policy < archive',
      'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock archive-public-access < archive',
      'aws:s3/bucketVersioning:BucketVersioning archive-versioning < archive',
    ]);
    const bucket = resourceNamed(recording, 'archive-bucket');
    assert.deepEqual([bucket.protect, bucket.retainOnDelete], [true, true]);
    assert.deepEqual(bucket.inputs, { forceDestroy: false });
    assert.deepEqual(resourceNamed(recording, 'archive-logging').inputs, {
      bucket: '${archive-bucket.bucket}',
      targetBucket: 'logs-1',
      targetPrefix: 'archive/',
    });
    assert.equal(resourceNamed(recording, 'archive-events').inputs['eventbridge'], true);
    assert.deepEqual(resourceNamed(recording, 'archive-ownership').inputs['rule'], {
      objectOwnership: 'BucketOwnerEnforced',
    });
    assert.deepEqual([...recording.completed], ['archive']);
  });

  it('is encrypted by our key, or by S3’s own where log delivery could not use ours', async () => {
    const rulesOf = async (args: Partial<BucketArgs>) =>
      resourceNamed(await recordBucket(args), 'archive-encryption').inputs['rules'];
    assert.deepEqual(await rulesOf({ keyArn: 'arn:aws:kms:::key/1' }), [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: 'arn:aws:kms:::key/1' },
        bucketKeyEnabled: true,
      },
    ]);
    assert.deepEqual(await rulesOf({}), [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }]);
  });

  it('takes logs from S3 on behalf of its own account alone', async () => {
    const recording = await recordBucket({ statements: [takesAccessLogs('123456789012')] });
    const policy = JSON.parse(String(resourceNamed(recording, 'archive-policy').inputs['policy'])) as {
      Statement: unknown[];
    };
    assert.deepEqual(policy.Statement[1], {
      Sid: 'AccessLogs',
      Effect: 'Allow',
      Principal: { Service: 'logging.s3.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: '${archive-bucket.arn}/*',
      Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
    });
    assert.ok(!outline(recording).some((line) => line.includes('archive-logging')));
  });
});
