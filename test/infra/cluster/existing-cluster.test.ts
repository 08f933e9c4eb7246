import assert from 'node:assert/strict';
import { ExistingCluster } from '#infra/cluster/existing-cluster.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('a Kubernetes that is there already', () => {
  // The SDK takes it for an argument that is left out: it is whoever deploys who says where the kubeconfig lies.
  const ambient = process.env['KUBECONFIG'];
  before(() => delete process.env['KUBECONFIG']);
  after(() => {
    if (ambient !== undefined) process.env['KUBECONFIG'] = ambient;
  });

  it('is a provider for its context alone, which decides itself what a variable could change', async () => {
    const recording = await record(() => new ExistingCluster('cluster', { context: 'kind-orrery' }));
    assert.deepEqual(outline(recording), [
      'orrery:cluster:ExistingCluster cluster',
      'pulumi:providers:kubernetes cluster-kubernetes < cluster',
    ]);
    assert.deepEqual(resourceNamed(recording, 'cluster-kubernetes').inputs, {
      context: 'kind-orrery',
      clusterIdentifier: 'kind-orrery',
      enableServerSideApply: 'true',
      deleteUnreachable: 'false',
      enableConfigMapMutable: 'false',
      enableSecretMutable: 'false',
      enablePatchForce: 'false',
      skipUpdateUnreachable: 'false',
      suppressDeprecationWarnings: 'false',
      suppressHelmHookWarnings: 'false',
      upsertExistingObjects: 'false',
    });
    assert.deepEqual([...recording.completed], ['cluster']);
  });
});
