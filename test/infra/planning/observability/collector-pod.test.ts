import assert from 'node:assert/strict';
import { planCollectorContainer, planCollectorVolumes } from '#infra/planning/observability/collector-pod.ts';

const plan = {
  image: `registry.example/collector:1@sha256:${'c'.repeat(64)}`,
  store: { url: 'http://clickhouse:8123', username: 'orrery_telemetry', password: 'hidden' },
  cpuMilli: 100,
  memoryMiB: 512,
  ports: [{ name: 'grpc', containerPort: 4317 }],
  mounts: [{ name: 'lines', mountPath: '/var/log/pods', readOnly: true }],
};

describe('the container of a collector', () => {
  const container = planCollectorContainer(plan);

  it('is told of ClickHouse, the password by a file, and collects harder at four fifths of its memory', () => {
    assert.deepEqual(container.env, [
      { name: 'CLICKHOUSE_URL', value: 'http://clickhouse:8123' },
      { name: 'CLICKHOUSE_USER', value: 'orrery_telemetry' },
      { name: 'GOMEMLIMIT', value: '409MiB' },
    ]);
    assert.deepEqual(container.resources, {
      requests: { cpu: '100m', memory: '512Mi', 'ephemeral-storage': '64Mi' },
      limits: { cpu: '400m', memory: '512Mi', 'ephemeral-storage': '256Mi' },
    });
    assert.deepEqual(planCollectorVolumes({ configName: 'config-1', secretName: 'secret-1' }), [
      { name: 'config', configMap: { name: 'config-1' } },
      {
        name: 'secret',
        secret: { secretName: 'secret-1', defaultMode: 0o440, items: [{ key: 'password', path: 'password' }] },
      },
    ]);
  });

  it('may take two minutes to start, and is given up after three quarters of one without an answer', () => {
    const httpGet = { path: '/', port: 'health' };
    assert.deepEqual(container.startupProbe, { httpGet, periodSeconds: 2, failureThreshold: 60 });
    assert.deepEqual(container.livenessProbe, {
      httpGet: { path: '/metrics', port: 'metrics' },
      periodSeconds: 15,
      timeoutSeconds: 5,
      failureThreshold: 3,
    });
    assert.deepEqual(container.readinessProbe, { httpGet, periodSeconds: 5, timeoutSeconds: 3 });
  });

  it('has the ports and the folders that are asked for beside its own', () => {
    assert.deepEqual(container.ports, [
      { name: 'health', containerPort: 13_133 },
      { name: 'metrics', containerPort: 8888 },
      { name: 'grpc', containerPort: 4317 },
    ]);
    assert.deepEqual(container.volumeMounts, [
      { name: 'config', mountPath: '/etc/orrery-collector', readOnly: true },
      { name: 'secret', mountPath: '/run/orrery', readOnly: true },
      { name: 'lines', mountPath: '/var/log/pods', readOnly: true },
    ]);
  });
});
