import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { ClickHouse } from '#infra/data/clickhouse.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

type StatefulSet = types.output.apps.v1.StatefulSetSpec;

function recordClickHouse() {
  return record(
    () =>
      new ClickHouse('clickhouse', {
        namespace: 'orrery',
        image: `registry.example/clickhouse:1.2.3@sha256:${'a'.repeat(64)}`,
        database: 'orrery',
        password: { secretName: 'token-secret', key: 'token' },
        cpu: 2,
        memoryMiB: 8192,
        volumeGiB: 200,
        after: [],
      }),
  );
}

describe('ClickHouse', () => {
  it('is one server behind a name, on a storage class that keeps its volumes', async () => {
    const recording = await recordClickHouse();
    assert.deepEqual(outline(recording), [
      'orrery:data:ClickHouse clickhouse',
      'kubernetes:apps/v1:StatefulSet clickhouse-server < clickhouse',
      'kubernetes:core/v1:Service clickhouse-service < clickhouse',
      'kubernetes:storage.k8s.io/v1:StorageClass clickhouse-storage < clickhouse',
      'kubernetes:core/v1:PersistentVolumeClaim clickhouse-volume < clickhouse',
    ]);
    const { inputs } = resourceNamed(recording, 'clickhouse-storage');
    assert.deepEqual([inputs['reclaimPolicy'], inputs['allowVolumeExpansion']], ['Retain', true]);
    assert.deepEqual(inputs['parameters'], { type: 'gp3', encrypted: 'true' });
    assert.deepEqual([...recording.completed], ['clickhouse']);
  });

  it('keeps its data when the pod, the set or the program lets go', async () => {
    const { inputs, protect, retainOnDelete } = resourceNamed(await recordClickHouse(), 'clickhouse-volume');
    assert.deepEqual([protect, retainOnDelete], [true, true]);
    assert.deepEqual(inputs['spec'], {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '${clickhouse-storage.metadata.name}',
      resources: { requests: { storage: '200Gi' } },
    });
  });

  it('has its size in the claim alone: the set could not be told another one', async () => {
    const server = resourceNamed(await recordClickHouse(), 'clickhouse-server');
    const spec = server.inputs['spec'] as StatefulSet;
    assert.equal(spec.volumeClaimTemplates, undefined);
    assert.deepEqual(spec.template.spec.volumes[0], {
      name: 'data',
      persistentVolumeClaim: { claimName: '${clickhouse-volume.metadata.name}' },
    });
    assert.deepEqual([server.protect, server.retainOnDelete], [false, false]);
  });

  it('runs without rights on the pool that is never reclaimed', async () => {
    const spec = resourceNamed(await recordClickHouse(), 'clickhouse-server').inputs['spec'] as StatefulSet;
    const pod = spec.template.spec;
    assert.deepEqual(pod.nodeSelector, { 'orrery.dev/pool': 'system' });
    assert.deepEqual(pod.tolerations, [{ key: 'CriticalAddonsOnly', operator: 'Exists', effect: 'NoSchedule' }]);
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(pod.containers[0]?.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('can write wherever the image writes, though its root can not be written to', async () => {
    const spec = resourceNamed(await recordClickHouse(), 'clickhouse-server').inputs['spec'] as StatefulSet;
    assert.deepEqual(
      spec.template.spec.containers[0]?.volumeMounts.map(({ mountPath }) => mountPath),
      ['/var/lib/clickhouse', '/var/log/clickhouse-server', '/etc/clickhouse-server/users.d', '/tmp'],
    );
  });

  it('takes its password from the Secret, never from its own definition', async () => {
    const spec = resourceNamed(await recordClickHouse(), 'clickhouse-server').inputs['spec'] as StatefulSet;
    assert.deepEqual(spec.template.spec.containers[0]?.env, [
      { name: 'CLICKHOUSE_DB', value: 'orrery' },
      { name: 'CLICKHOUSE_USER', value: 'default' },
      { name: 'CLICKHOUSE_PASSWORD', valueFrom: { secretKeyRef: { name: 'token-secret', key: 'token' } } },
    ]);
  });
});
