import assert from 'node:assert/strict';
import { RandomPassword } from '@pulumi/random';
import { LogAgent } from '#infra/observability/log-agent.ts';
import { RedisExporter } from '#infra/observability/redis-exporter.ts';
import { TraceGateway } from '#infra/observability/trace-gateway.ts';
import { imageReference } from '#infra/planning/versions.ts';
import { outline, record, resourceNamed, type RecordedResource } from '#test/support/pulumi.ts';

const password = () => new RandomPassword('password', { length: 40 }).result;
const store = (more: object = {}) => ({
  url: 'http://clickhouse:8123',
  username: 'orrery_telemetry',
  password: password(),
  ...more,
});

interface Pod {
  readonly containers: Record<string, unknown>[];
  readonly [key: string]: unknown;
}
const specOf = ({ inputs }: RecordedResource) =>
  inputs['spec'] as Record<string, unknown> & { template: { spec: Pod } };
const configOf = ({ inputs }: RecordedResource) =>
  JSON.parse((inputs['data'] as Record<string, string>)['config.yaml'] ?? '') as {
    exporters: { clickhouse: Record<string, unknown> };
  };

describe('an agent of logs', () => {
  const recordAgent = (more: object = {}) =>
    record(() => new LogAgent('logs', { namespace: 'nodes', store: store(more), days: 7 }));

  it('is a pod on every node, whatever the node is kept for', async () => {
    const recording = await recordAgent();
    assert.deepEqual(outline(recording), [
      'orrery:observability:LogAgent logs',
      'kubernetes:apps/v1:DaemonSet logs-agents < logs',
      'kubernetes:core/v1:ConfigMap logs-config < logs',
      'kubernetes:core/v1:Secret logs-secret < logs',
      'random:index/randomPassword:RandomPassword password',
    ]);
    const { template, updateStrategy } = specOf(resourceNamed(recording, 'logs-agents'));
    assert.deepEqual(template.spec['tolerations'], [{ operator: 'Exists' }]);
    assert.deepEqual(updateStrategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '20%' } });
    assert.deepEqual([...recording.completed], ['logs']);
  });

  it('reads lines as nobody who is of root’s group, and has no other right', async () => {
    const { template } = specOf(resourceNamed(await recordAgent(), 'logs-agents'));
    const [container] = template.spec.containers;
    assert.deepEqual(template.spec['securityContext'], {
      runAsNonRoot: true,
      runAsUser: 10_001,
      runAsGroup: 10_001,
      fsGroup: 10_001,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
      supplementalGroups: [0],
    });
    assert.deepEqual(container?.['securityContext'], {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.equal(template.spec['automountServiceAccountToken'], false);
    assert.deepEqual(template.spec['volumes'], [
      { name: 'config', configMap: { name: '${logs-config.metadata.name}' } },
      {
        name: 'secret',
        secret: {
          secretName: '${logs-secret.metadata.name}',
          defaultMode: 0o440,
          items: [{ key: 'password', path: 'password' }],
        },
      },
      { name: 'logs', hostPath: { path: '/var/log/pods', type: 'Directory' } },
      { name: 'state', hostPath: { path: '/var/lib/orrery-collector', type: 'DirectoryOrCreate' } },
    ]);
    assert.deepEqual(container['volumeMounts'], [
      { name: 'config', mountPath: '/etc/orrery-collector', readOnly: true },
      { name: 'secret', mountPath: '/run/orrery', readOnly: true },
      { name: 'logs', mountPath: '/var/log/pods', readOnly: true },
      { name: 'state', mountPath: '/var/lib/orrery-collector' },
    ]);
  });

  it('finds its folder opened by a root that can do nothing else', async () => {
    const { template } = specOf(resourceNamed(await recordAgent(), 'logs-agents'));
    const amount = { cpu: '10m', memory: '16Mi', 'ephemeral-storage': '16Mi' };
    assert.deepEqual(template.spec['initContainers'], [
      {
        name: 'open-folder',
        image: imageReference('valkey'),
        command: ['chmod', '0770', '/var/lib/orrery-collector'],
        resources: { requests: amount, limits: amount },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
          runAsNonRoot: false,
          runAsUser: 0,
          runAsGroup: 10_001,
        },
        volumeMounts: [{ name: 'state', mountPath: '/var/lib/orrery-collector' }],
      },
    ]);
  });

  it('lives while it answers, and is ready while what it reads and writes runs', async () => {
    const [container] = specOf(resourceNamed(await recordAgent(), 'logs-agents')).template.spec.containers;
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => {
      const { httpGet } = container?.[probe] as { httpGet: unknown };
      return httpGet;
    });
    assert.deepEqual(probes, [
      { path: '/', port: 'health' },
      { path: '/metrics', port: 'metrics' },
      { path: '/', port: 'health' },
    ]);
  });

  it('is told of ClickHouse by its environment, the password by a file', async () => {
    const recording = await recordAgent();
    const [container] = specOf(resourceNamed(recording, 'logs-agents')).template.spec.containers;
    assert.equal(container?.['image'], imageReference('opentelemetry-collector'));
    assert.deepEqual(container['args'], ['--config=/etc/orrery-collector/config.yaml']);
    assert.deepEqual(container['env'], [
      { name: 'CLICKHOUSE_URL', value: 'http://clickhouse:8123' },
      { name: 'CLICKHOUSE_USER', value: 'orrery_telemetry' },
      { name: 'GOMEMLIMIT', value: '204MiB' },
    ]);
    assert.deepEqual(container['resources'], {
      requests: { cpu: '50m', memory: '256Mi', 'ephemeral-storage': '64Mi' },
      limits: { cpu: '200m', memory: '256Mi', 'ephemeral-storage': '256Mi' },
    });
    assert.deepEqual(resourceNamed(recording, 'logs-secret').inputs['stringData'], {
      $secret: { password: '${password.result}' },
    });
    const config = resourceNamed(recording, 'logs-config');
    assert.equal(config.inputs['immutable'], true);
    assert.equal(configOf(config).exporters.clickhouse['ttl'], '168h');
  });

  it('waits for ClickHouse, and so does the gateway', async () => {
    const recording = await record(() => {
      const clickhouse = new RandomPassword('clickhouse', { length: 9 });
      const after = [clickhouse];
      new LogAgent('logs', { namespace: 'nodes', store: store(), days: 7, after });
      const traces = { namespace: 'watching', days: 3, samplePercent: 5, after };
      return new TraceGateway('traces', { ...traces, store: { url: 'u', username: 'u', password: clickhouse.result } });
    });
    for (const name of ['logs-agents', 'traces-deployment']) {
      assert.ok(resourceNamed(recording, name).dependencies.includes('clickhouse'), name);
    }
  });

  it('replicates its tables where ClickHouse is a cluster', async () => {
    const config = configOf(resourceNamed(await recordAgent({ cluster: 'main' }), 'logs-config'));
    assert.equal(config.exporters.clickhouse['cluster_name'], 'main');
  });
});

describe('the gateway of traces', () => {
  const recordGateway = (more: object = {}, storeMore: object = {}) =>
    record(
      () =>
        new TraceGateway('traces', {
          namespace: 'watching',
          store: store(storeMore),
          days: 3,
          samplePercent: 5,
          ...more,
        }),
    );

  it('is one process, because a trace is judged as a whole', async () => {
    const recording = await recordGateway();
    assert.deepEqual(outline(recording), [
      'random:index/randomPassword:RandomPassword password',
      'orrery:observability:TraceGateway traces',
      'kubernetes:core/v1:ConfigMap traces-config < traces',
      'kubernetes:apps/v1:Deployment traces-deployment < traces',
      'kubernetes:core/v1:Secret traces-secret < traces',
      'kubernetes:core/v1:Service traces-service < traces',
    ]);
    const { replicas, strategy, template } = specOf(resourceNamed(recording, 'traces-deployment'));
    assert.deepEqual([replicas, strategy], [1, { type: 'Recreate' }]);
    assert.deepEqual(template.spec['securityContext'], {
      runAsNonRoot: true,
      runAsUser: 10_001,
      runAsGroup: 10_001,
      fsGroup: 10_001,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    });
    assert.equal('nodeSelector' in template.spec, false);
  });

  it('is reached by a fixed name, over gRPC and HTTP', async () => {
    const recording = await recordGateway();
    const { inputs } = resourceNamed(recording, 'traces-service');
    assert.equal((inputs['metadata'] as Record<string, unknown>)['name'], 'trace-gateway');
    assert.equal(await recording.textOf(recording.result.otlpUrl), 'http://trace-gateway.watching.svc:4317');
    assert.equal(await recording.textOf(recording.result.otlpHttpUrl), 'http://trace-gateway.watching.svc:4318');
    const [container] = specOf(resourceNamed(recording, 'traces-deployment')).template.spec.containers;
    assert.deepEqual(container?.['ports'], [
      { name: 'health', containerPort: 13_133 },
      { name: 'metrics', containerPort: 8888 },
      { name: 'otlp', containerPort: 4317 },
      { name: 'otlp-http', containerPort: 4318 },
    ]);
  });

  it('runs where it is asked to, with the memory that it is given', async () => {
    const recording = await recordGateway({ nodeSelector: { pool: 'general' }, memoryMiB: 1000 }, { cluster: 'main' });
    const { spec } = specOf(resourceNamed(recording, 'traces-deployment')).template;
    assert.deepEqual(spec['nodeSelector'], { pool: 'general' });
    assert.deepEqual(spec.containers[0]?.['resources'], {
      requests: { cpu: '100m', memory: '1000Mi', 'ephemeral-storage': '64Mi' },
      limits: { cpu: '400m', memory: '1000Mi', 'ephemeral-storage': '256Mi' },
    });
    assert.equal(configOf(resourceNamed(recording, 'traces-config')).exporters.clickhouse['cluster_name'], 'main');
  });
});

describe('an exporter of a Redis', () => {
  const recordExporter = (more: object = {}) =>
    record(
      () =>
        new RedisExporter('redis-state', {
          namespace: 'watching',
          role: 'state',
          url: 'rediss://group:6379',
          password: password(),
          ...more,
        }),
    );

  it('carries the role that alerts ask for, at the port that is asked', async () => {
    const recording = await recordExporter();
    assert.deepEqual(outline(recording), [
      'random:index/randomPassword:RandomPassword password',
      'orrery:observability:RedisExporter redis-state',
      'kubernetes:apps/v1:Deployment redis-state-deployment < redis-state',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy redis-state-network < redis-state',
      'kubernetes:core/v1:Secret redis-state-secret < redis-state',
    ]);
    const { selector, template } = specOf(resourceNamed(recording, 'redis-state-deployment'));
    assert.deepEqual(selector, {
      matchLabels: {
        'app.kubernetes.io/name': 'redis-exporter',
        'app.kubernetes.io/part-of': 'orrery',
        'orrery.dev/redis-role': 'state',
      },
    });
    const [container] = template.spec.containers;
    assert.deepEqual(container?.['ports'], [{ name: 'metrics', containerPort: 9121 }]);
    assert.deepEqual(container['env'], [
      { name: 'REDIS_ADDR', value: 'rediss://group:6379' },
      { name: 'REDIS_PASSWORD_FILE', value: '/run/orrery/passwords.json' },
    ]);
    assert.deepEqual(container['volumeMounts'], [{ name: 'secret', mountPath: '/run/orrery', readOnly: true }]);
    assert.deepEqual(template.spec['volumes'], [
      { name: 'secret', secret: { secretName: '${redis-state-secret.metadata.name}', defaultMode: 0o440 } },
    ]);
    assert.deepEqual(resourceNamed(recording, 'redis-state-secret').inputs['stringData'], {
      $secret: { 'passwords.json': '{"rediss://group:6379":"${password.result}"}' },
    });
    assert.deepEqual(container['livenessProbe'], { httpGet: { path: '/health', port: 'metrics' }, periodSeconds: 15 });
    assert.deepEqual(container['readinessProbe'], { tcpSocket: { port: 'metrics' }, periodSeconds: 10 });
    assert.deepEqual(container['resources'], {
      requests: { cpu: '25m', memory: '32Mi', 'ephemeral-storage': '16Mi' },
      limits: { cpu: '100m', memory: '32Mi', 'ephemeral-storage': '64Mi' },
    });
  });

  it('may reach Redis and nothing else outside', async () => {
    const { inputs } = resourceNamed(await recordExporter(), 'redis-state-network');
    assert.deepEqual((inputs['spec'] as Record<string, unknown>)['egress'], [
      {
        to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }],
        ports: [{ protocol: 'TCP', port: 6379 }],
      },
    ]);
  });

  it('runs where it is asked to', async () => {
    const recording = await recordExporter({ nodeSelector: { pool: 'general' } });
    const { spec } = specOf(resourceNamed(recording, 'redis-state-deployment')).template;
    assert.deepEqual(spec['nodeSelector'], { pool: 'general' });
  });
});
