import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { RedisSet, type RedisSetArgs } from '#infra/data/redis-set.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

type StatefulSet = types.output.apps.v1.StatefulSetSpec;

const state = { role: 'state', memoryMiB: 1024, volumeGiB: 4 } as const;
const cache = { role: 'cache', memoryMiB: 512 } as const;

function recordSet(size: Pick<RedisSetArgs, 'role' | 'memoryMiB' | 'volumeGiB'>, others: Partial<RedisSetArgs> = {}) {
  return record(
    () =>
      new RedisSet('redis', {
        ...size,
        namespace: 'orrery',
        image: `registry.example/valkey:1.2.3@sha256:${'a'.repeat(64)}`,
        password: { secretName: 'token-secret', key: 'token' },
        cpu: 0.5,
        nodePools: true,
        after: [],
        ...others,
      }),
  );
}

async function podOf(size: typeof state | typeof cache, others: Partial<RedisSetArgs> = {}) {
  const spec = resourceNamed(await recordSet(size, others), 'redis-server').inputs['spec'] as StatefulSet;
  return spec.template.spec;
}

describe('a Redis in a pod', () => {
  it('is one server behind a name, with a volume of its own for state', async () => {
    const recording = await recordSet(state);
    assert.deepEqual(outline(recording), [
      'orrery:data:RedisSet redis',
      'kubernetes:policy/v1:PodDisruptionBudget redis-budget < redis',
      'kubernetes:core/v1:ConfigMap redis-config < redis',
      'kubernetes:apps/v1:StatefulSet redis-server < redis',
      'kubernetes:core/v1:Service redis-service < redis',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy redis-traffic < redis',
      'kubernetes:core/v1:PersistentVolumeClaim redis-volume < redis',
    ]);
    assert.deepEqual((resourceNamed(recording, 'redis-server').inputs['spec'] as StatefulSet).replicas, 1);
    assert.deepEqual([...recording.completed], ['redis']);
    assert.equal(
      await recording.textOf(recording.result.url),
      'redis://${redis-service.metadata.name}.orrery.svc:6379',
    );
  });

  it('keeps state when the pod, the set or the program lets go, on the class that it is told', async () => {
    const volume = resourceNamed(await recordSet(state, { storageClassName: 'kept' }), 'redis-volume');
    assert.deepEqual([volume.protect, volume.retainOnDelete], [true, true]);
    assert.deepEqual(volume.inputs['spec'], {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'kept',
      resources: { requests: { storage: '4Gi' } },
    });
    const { inputs } = resourceNamed(await recordSet(state), 'redis-volume');
    assert.equal((inputs['spec'] as { storageClassName?: string }).storageClassName, undefined);
  });

  it('has nothing to keep as a cache', async () => {
    const recording = await recordSet(cache);
    assert.ok(!outline(recording).some((line) => line.includes('PersistentVolumeClaim')));
    const pod = await podOf(cache);
    assert.deepEqual(
      pod.volumes.map(({ name }) => name),
      ['config', 'secret', 'run'],
    );
  });

  it('is told its role by a map that never changes under it', async () => {
    const { inputs } = resourceNamed(await recordSet(cache), 'redis-config');
    assert.equal(inputs['immutable'], true);
    const data = inputs['data'] as Record<string, string>;
    assert.deepEqual(Object.keys(data), ['probe.sh', 'start.sh', 'valkey.conf']);
    assert.match(data['valkey.conf'] ?? '', /^maxmemory-policy volatile-lru$/m);
  });

  it('gets its password as a file, and neither command nor environment holds it', async () => {
    const pod = await podOf(state);
    const [container] = pod.containers;
    assert.deepEqual(container?.command, ['sh', '/etc/valkey/start.sh']);
    assert.equal(container.env, undefined);
    assert.deepEqual(pod.volumes[1]?.secret, {
      secretName: 'token-secret',
      defaultMode: 0o440,
      items: [{ key: 'token', path: 'token' }],
    });
    for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      assert.deepEqual(probe.exec.command, ['sh', '/etc/valkey/probe.sh']);
    }
  });

  it('runs without rights, on the pool that is never reclaimed where there are pools', async () => {
    const pod = await podOf(state);
    assert.deepEqual(pod.nodeSelector, { 'orrery.dev/pool': 'general' });
    assert.equal((await podOf(state, { nodePools: false })).nodeSelector, undefined);
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(pod.containers[0]?.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.deepEqual(pod.containers[0].resources, {
      requests: { cpu: '0.5', memory: '1024Mi' },
      limits: { cpu: '0.5', memory: '1024Mi' },
    });
  });

  it('lets in its namespace and those it is told, and goes out to nobody', async () => {
    const from = async (others: Partial<RedisSetArgs>) =>
      resourceNamed(await recordSet(state, others), 'redis-traffic').inputs['spec'];
    const podSelector = { matchLabels: { 'app.kubernetes.io/name': 'redis', 'app.kubernetes.io/part-of': 'orrery' } };
    const rule = { podSelector, policyTypes: ['Ingress'] };
    const ports = [{ protocol: 'TCP', port: 6379 }];
    assert.deepEqual(await from({}), { ...rule, ingress: [{ from: [{ podSelector: {} }], ports }] });
    const system = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery-system' } } };
    assert.deepEqual(await from({ clients: [{ namespace: 'orrery-system' }] }), {
      ...rule,
      ingress: [{ from: [{ podSelector: {} }, system], ports }],
    });
  });

  it('never has two servers on one volume, and never blocks a drain', async () => {
    const recording = await recordSet(state);
    assert.deepEqual(resourceNamed(recording, 'redis-budget').inputs['spec'], {
      maxUnavailable: 1,
      selector: { matchLabels: { 'app.kubernetes.io/name': 'redis', 'app.kubernetes.io/part-of': 'orrery' } },
    });
    const spec = resourceNamed(recording, 'redis-server').inputs['spec'] as StatefulSet;
    assert.equal(spec.volumeClaimTemplates, undefined);
    assert.deepEqual(spec.template.spec.volumes[3], {
      name: 'data',
      persistentVolumeClaim: { claimName: '${redis-volume.metadata.name}' },
    });
  });
});
