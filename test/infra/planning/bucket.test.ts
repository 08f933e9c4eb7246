import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planLifecycle, type BucketLifecycle } from '#infra/planning/bucket.ts';

function refuses(lifecycle: BucketLifecycle): void {
  assert.throws(
    () => planLifecycle(lifecycle),
    (error) => error instanceof PlanError && error.code === 'LIFECYCLE_INVALID',
  );
}

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
