import assert from 'node:assert/strict';
import { planCollectorContainer } from '#infra/planning/collector-pod.ts';

const plan = {
  image: `registry.example/collector:1@sha256:${'c'.repeat(64)}`,
  store: { url: 'http://clickhouse:8123', username: 'orrery_telemetry', password: 'hidden' },
  secretName: 'collector-secret',
  cpu: '100m',
  memoryMiB: 512,
  ports: [{ name: 'grpc', containerPort: 4317 }],
  mounts: [{ name: 'lines', mountPath: '/var/log/pods', readOnly: true }],
};

describe('the container of a collector', () => {
  const container = planCollectorContainer(plan);

  it('is told of ClickHouse, the password by its Secret, and collects harder at four fifths of its memory', () => {
    assert.deepEqual(container.env, [
      { name: 'CLICKHOUSE_URL', value: 'http://clickhouse:8123' },
      { name: 'CLICKHOUSE_USER', value: 'orrery_telemetry' },
      { name: 'CLICKHOUSE_PASSWORD', valueFrom: { secretKeyRef: { name: 'collector-secret', key: 'password' } } },
      { name: 'GOMEMLIMIT', value: '409MiB' },
    ]);
    assert.deepEqual(container.resources, {
      requests: { cpu: '100m', memory: '512Mi' },
      limits: { memory: '512Mi' },
    });
  });

  it('may take two minutes to start, and is given up after three quarters of one without an answer', () => {
    const httpGet = { path: '/', port: 'health' };
    assert.deepEqual(container.startupProbe, { httpGet, periodSeconds: 2, failureThreshold: 60 });
    assert.deepEqual(container.livenessProbe, { httpGet, periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 3 });
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
      { name: 'lines', mountPath: '/var/log/pods', readOnly: true },
    ]);
  });
});
