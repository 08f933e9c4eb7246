import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { ClickHouseKeeper } from '#infra/data/clickhouse-keeper.ts';
import { StorageClass } from '#infra/data/storage-class.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

function recordKeeper(keepers = 3) {
  return record(
    () =>
      new ClickHouseKeeper('keeper', {
        namespace: 'orrery',
        image: `registry.example/keeper:1.2.3@sha256:${'a'.repeat(64)}`,
        keepers,
        storageClassName: 'kept',
        nodePools: true,
        clients: { 'app.kubernetes.io/name': 'clickhouse' },
        after: [],
      }),
  );
}

describe('the keepers of a ClickHouse', () => {
  it('are an installation of the operator that nothing deletes', async () => {
    const recording = await recordKeeper();
    assert.deepEqual(outline(recording), [
      'orrery:data:ClickHouseKeeper keeper',
      'kubernetes:clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation keeper-installation < keeper',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy keeper-traffic < keeper',
    ]);
    const { protect, retainOnDelete, inputs } = resourceNamed(recording, 'keeper-installation');
    assert.deepEqual([protect, retainOnDelete], [true, true]);
    assert.deepEqual(inputs['metadata'], { name: 'keeper', namespace: 'orrery' });
    assert.equal(await recording.textOf(recording.result.host), 'keeper-keeper');
    assert.deepEqual([...recording.completed], ['keeper']);
  });

  it('are asked by the servers and agree among themselves, and nobody else reaches them', async () => {
    const spec = resourceNamed(await recordKeeper(), 'keeper-traffic').inputs[
      'spec'
    ] as types.output.networking.v1.NetworkPolicySpec;
    const labels = { 'app.kubernetes.io/name': 'keeper', 'app.kubernetes.io/part-of': 'orrery' };
    assert.deepEqual(spec.ingress, [
      {
        from: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'clickhouse' } } }],
        ports: [{ protocol: 'TCP', port: 2181 }],
      },
      { from: [{ podSelector: { matchLabels: labels } }], ports: [{ protocol: 'TCP', port: 9444 }] },
    ]);
    assert.deepEqual(spec.egress[0], {
      to: [{ podSelector: { matchLabels: labels } }],
      ports: [{ protocol: 'TCP', port: 9444 }],
    });
  });
});

describe('the class of volumes', () => {
  it('encrypts, grows, and keeps a volume whose claim is gone', async () => {
    const recording = await record(() => new StorageClass('storage'));
    assert.deepEqual(outline(recording), [
      'orrery:data:StorageClass storage',
      'kubernetes:storage.k8s.io/v1:StorageClass storage-class < storage',
    ]);
    const { metadata: _, ...inputs } = resourceNamed(recording, 'storage-class').inputs;
    assert.deepEqual(inputs, {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      provisioner: 'ebs.csi.aws.com',
      parameters: { type: 'gp3', encrypted: 'true' },
      reclaimPolicy: 'Retain',
      allowVolumeExpansion: true,
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    assert.deepEqual([...recording.completed], ['storage']);
  });
});
