import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { Service, type ServiceArgs } from '#infra/service/service.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: ServiceArgs = {
  namespace: 'orrery',
  manifest: {
    name: 'registry',
    resources: { cpu: 0.25, memoryMiB: 256 },
    probes: { live: '/healthz', ready: '/readyz' },
    scaling: 'none',
    stateful: true,
  },
  version: {
    release: `sha256:${'1'.repeat(64)}`,
    own: `sha256:${'2'.repeat(64)}`,
    closure: `sha256:${'3'.repeat(64)}`,
  },
  image: `registry.example/orrery/registry@sha256:${'4'.repeat(64)}`,
  config: { service: 'registry' },
  tokenSecretName: 'token-secret',
  releaseMapName: 'release',
  replicas: { min: 1, max: 1 },
  nodePools: true,
  volume: { volumeGiB: 10, storageClassName: 'encrypted' },
  storeClaimName: 'store-volume',
};

describe('a service that owns a folder', () => {
  it('has a volume that outlives it', async () => {
    const recording = await record(() => new Service('registry', args));
    assert.deepEqual(outline(recording), [
      'orrery:service:Service registry',
      'kubernetes:core/v1:ServiceAccount registry-account < registry',
      'kubernetes:policy/v1:PodDisruptionBudget registry-budget < registry',
      'kubernetes:core/v1:ConfigMap registry-config < registry',
      'kubernetes:apps/v1:Deployment registry-deployment < registry',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy registry-network < registry',
      'kubernetes:core/v1:Service registry-service < registry',
      'kubernetes:core/v1:PersistentVolumeClaim registry-volume < registry',
    ]);
    const volume = resourceNamed(recording, 'registry-volume');
    assert.deepEqual([volume.protect, volume.retainOnDelete], [true, true]);
    assert.deepEqual(volume.inputs['spec'], {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'encrypted',
      resources: { requests: { storage: '10Gi' } },
    });
  });

  it('stops before its successor starts, since both would write to the volume', async () => {
    const recording = await record(() => new Service('registry', args));
    const spec = resourceNamed(recording, 'registry-deployment').inputs['spec'] as types.output.apps.v1.DeploymentSpec;
    assert.deepEqual(spec.strategy, { type: 'Recreate' });
    assert.equal(spec.replicas, 1);
    assert.deepEqual(spec.template.spec.volumes.slice(-2), [
      { name: 'data', persistentVolumeClaim: { claimName: '${registry-volume.metadata.name}' } },
      { name: 'store', persistentVolumeClaim: { claimName: 'store-volume' } },
    ]);
    const mounts = spec.template.spec.containers[0]?.volumeMounts ?? [];
    assert.deepEqual(mounts.slice(-2), [
      { name: 'data', mountPath: '/var/lib/orrery/data' },
      { name: 'store', mountPath: '/var/lib/orrery/store' },
    ]);
  });

  it('takes the class of volumes that the cluster gives by itself where none is named', async () => {
    const recording = await record(() => new Service('registry', { ...args, volume: { volumeGiB: 2 } }));
    assert.deepEqual(resourceNamed(recording, 'registry-volume').inputs['spec'], {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '2Gi' } },
    });
  });
});
