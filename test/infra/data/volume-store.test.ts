import assert from 'node:assert/strict';
import { VolumeStore, type VolumeStoreArgs } from '#infra/data/volume-store.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: VolumeStoreArgs = { namespace: 'orrery', volumeGiB: 50, accessMode: 'ReadWriteMany' };

function recordStore(over: Partial<VolumeStoreArgs> = {}) {
  return record(() => new VolumeStore('store', { ...args, ...over }));
}

describe('a store on a volume', () => {
  it('is one claim that outlives what mounts it', async () => {
    const recording = await recordStore();
    assert.deepEqual(outline(recording), [
      'orrery:data:VolumeStore store',
      'kubernetes:core/v1:PersistentVolumeClaim store-volume < store',
    ]);
    const { protect, retainOnDelete, inputs } = resourceNamed(recording, 'store-volume');
    assert.deepEqual([protect, retainOnDelete], [true, true]);
    assert.deepEqual(inputs['spec'], {
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: '50Gi' } },
    });
    assert.equal(await recording.textOf(recording.result.claimName), '${store-volume.metadata.name}');
  });

  it('is of the class that it is told', async () => {
    const recording = await recordStore({ storageClassName: 'nfs', accessMode: 'ReadWriteOnce' });
    assert.deepEqual(resourceNamed(recording, 'store-volume').inputs['spec'], {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'nfs',
      resources: { requests: { storage: '50Gi' } },
    });
  });
});
