import assert from 'node:assert/strict';
import type { ScalingSignal } from '#infra/planning/service/scaling.ts';
import { Service, type ServiceArgs } from '#infra/service/service.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: ServiceArgs = {
  namespace: 'orrery',
  manifest: {
    name: 'worker',
    resources: { cpu: 1, memoryMiB: 512 },
    probes: {},
    scaling: 'cpu',
    stateful: false,
  },
  version: {
    release: `sha256:${'1'.repeat(64)}`,
    own: `sha256:${'2'.repeat(64)}`,
    closure: `sha256:${'3'.repeat(64)}`,
  },
  image: `registry.example/orrery/worker@sha256:${'4'.repeat(64)}`,
  config: {},
  tokenSecretName: 'token-secret',
  releaseMapName: 'release',
  replicas: { min: 0, max: 4 },
  partitions: { objects: 8 },
  signals: {
    redisUrl: 'redis://redis-state.orrery.svc:6379',
    kafka: {
      brokers: 'one:9093',
      username: 'orrery',
      password: { secretName: 'kafka-user', key: 'password' },
      tls: true,
      certificateSecretName: 'kafka-ca',
    },
    prometheusUrl: 'http://metrics.example:9090',
  },
};

function recordWorker(scaling: ScalingSignal, over: Partial<ServiceArgs> = {}) {
  return record(() => new Service('worker', { ...args, ...over, manifest: { ...args.manifest, scaling } }));
}

describe('a service that follows a queue', () => {
  it('is scaled by KEDA, which shows Redis the token of the environment', async () => {
    const recording = await recordWorker({ signal: 'redis-size', key: 'queue:campaigns:{main}', perReplica: 100 });
    const keda = outline(recording).filter((line) => line.includes('keda.sh') || line.includes('Autoscaler'));
    assert.deepEqual(keda, [
      'kubernetes:keda.sh/v1alpha1:ScaledObject worker-autoscaler < worker',
      'kubernetes:keda.sh/v1alpha1:TriggerAuthentication worker-signal < worker',
    ]);
    assert.deepEqual(resourceNamed(recording, 'worker-signal').inputs['spec'], {
      secretTargetRef: [{ parameter: 'password', name: 'token-secret', key: 'token' }],
    });
    assert.deepEqual(resourceNamed(recording, 'worker-autoscaler').inputs['spec'], {
      scaleTargetRef: { name: '${worker-deployment.metadata.name}' },
      pollingInterval: 15,
      cooldownPeriod: 300,
      minReplicaCount: 0,
      maxReplicaCount: 4,
      fallback: { failureThreshold: 4, replicas: 1 },
      triggers: [
        {
          type: 'redis',
          metadata: {
            address: 'redis-state.orrery.svc:6379',
            listName: 'queue:campaigns:{main}',
            listLength: '100',
            enableTLS: 'false',
          },
          authenticationRef: { name: '${worker-signal.metadata.name}' },
        },
      ],
    });
    const { inputs } = resourceNamed(recording, 'worker-deployment');
    assert.equal((inputs['spec'] as { replicas?: number }).replicas, undefined);
  });

  it('shows Kafka name and password, and knows it by its own authority', async () => {
    const lag = { signal: 'kafka-lag', topic: 'objects', group: 'workers', perReplica: 50 } as const;
    const recording = await recordWorker(lag);
    assert.deepEqual(resourceNamed(recording, 'worker-reader').inputs['data'], { username: 'orrery' });
    assert.deepEqual(resourceNamed(recording, 'worker-signal').inputs['spec'], {
      secretTargetRef: [
        { parameter: 'password', name: 'kafka-user', key: 'password' },
        { parameter: 'ca', name: 'kafka-ca', key: 'ca.crt' },
      ],
      configMapTargetRef: [{ parameter: 'username', name: '${worker-reader.metadata.name}', key: 'username' }],
    });
    const { kafka } = args.signals ?? {};
    assert.ok(kafka !== undefined);
    const { certificateSecretName: _certificate, ...known } = kafka;
    const byPublicOnes = await recordWorker(lag, { signals: { kafka: known } });
    assert.deepEqual(
      (resourceNamed(byPublicOnes, 'worker-signal').inputs['spec'] as Record<string, unknown>)['secretTargetRef'],
      [{ parameter: 'password', name: 'kafka-user', key: 'password' }],
    );
  });

  it('asks Prometheus without showing who it is', async () => {
    const recording = await recordWorker({ signal: 'prometheus', query: 'sum(in_flight)', perReplica: 8 });
    assert.ok(!outline(recording).some((line) => line.includes('TriggerAuthentication')));
    const { triggers } = resourceNamed(recording, 'worker-autoscaler').inputs['spec'] as { triggers: object[] };
    assert.deepEqual(triggers, [
      {
        type: 'prometheus',
        metadata: {
          serverAddress: 'http://metrics.example:9090',
          query: 'sum(in_flight)',
          threshold: '8',
          ignoreNullValues: 'false',
        },
      },
    ]);
  });

  for (const scaling of [
    { signal: 'kafka-lag', topic: 'objects', group: 'workers', perReplica: 50 },
    { signal: 'prometheus', query: 'sum(in_flight)', perReplica: 8 },
  ] as const) {
    it(`is refused where there is nobody to ask for ${scaling.signal}`, async () => {
      await assert.rejects(recordWorker(scaling, { signals: {} }), { code: 'SIGNAL_ABSENT' });
    });
  }

  it('stands still, and needs nobody to ask, where its range is one number', async () => {
    const lag = { signal: 'kafka-lag', topic: 'objects', group: 'workers', perReplica: 50 } as const;
    const recording = await recordWorker(lag, { replicas: { min: 2, max: 2 }, signals: {} });
    assert.ok(!outline(recording).some((line) => line.includes('keda.sh')));
  });
});
