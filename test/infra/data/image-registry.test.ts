import assert from 'node:assert/strict';
import { ImageRegistry } from '#infra/data/image-registry.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

function recordRegistry(scan: 'basic' | 'enhanced' = 'enhanced') {
  return record(
    () => new ImageRegistry('images', { prefix: 'orrery', services: ['scoring'], scan, keyArn: 'arn:aws:kms:::key/1' }),
  );
}

describe('the image registry', () => {
  it('is a repository a service, the scanning, and caches of what is public', async () => {
    const recording = await recordRegistry();
    assert.deepEqual(outline(recording), [
      'orrery:data:ImageRegistry images',
      'aws:ecr/pullThroughCacheRule:PullThroughCacheRule images-ecr-public-cache < images',
      'aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate images-ecr-public-template < images',
      'aws:ecr/pullThroughCacheRule:PullThroughCacheRule images-kubernetes-cache < images',
      'aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate images-kubernetes-template < images',
      'aws:ecr/pullThroughCacheRule:PullThroughCacheRule images-quay-cache < images',
      'aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate images-quay-template < images',
      'aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration images-scan < images',
      'aws:ecr/repository:Repository images-scoring < images',
      'aws:ecr/lifecyclePolicy:LifecyclePolicy images-scoring-lifecycle < images',
    ]);
    assert.deepEqual([...recording.completed], ['images']);
    assert.deepEqual(Object.keys(recording.result.urls), ['scoring']);
  });

  it('never moves a tag, scans what is pushed, and keeps images whatever lets go of them', async () => {
    const repository = resourceNamed(await recordRegistry(), 'images-scoring');
    assert.deepEqual([repository.protect, repository.retainOnDelete], [true, true]);
    assert.deepEqual(repository.inputs, {
      name: 'orrery/scoring',
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfigurations: [{ encryptionType: 'KMS', kmsKey: 'arn:aws:kms:::key/1' }],
      forceDelete: false,
    });
  });

  it('scans again when a flaw becomes known where that is paid for', async () => {
    const repositoryFilters = [{ filter: '*', filterType: 'WILDCARD' }];
    assert.deepEqual(resourceNamed(await recordRegistry('enhanced'), 'images-scan').inputs, {
      scanType: 'ENHANCED',
      rules: [
        { scanFrequency: 'SCAN_ON_PUSH', repositoryFilters },
        { scanFrequency: 'CONTINUOUS_SCAN', repositoryFilters },
      ],
    });
    assert.deepEqual(resourceNamed(await recordRegistry('basic'), 'images-scan').inputs, {
      scanType: 'BASIC',
      rules: [{ scanFrequency: 'SCAN_ON_PUSH', repositoryFilters }],
    });
  });

  it('makes no cache before it is said how its copies are kept', async () => {
    const cache = resourceNamed(await recordRegistry(), 'images-quay-cache');
    assert.deepEqual(cache.inputs, { ecrRepositoryPrefix: 'quay', upstreamRegistryUrl: 'quay.io' });
    assert.deepEqual(cache.dependencies, ['images-quay-template']);
  });
});
