import assert from 'node:assert/strict';
import { Access } from '#infra/observability/access.ts';
import { Alerts } from '#infra/observability/alerts.ts';
import { ClusterCost } from '#infra/observability/cluster-cost.ts';
import { Dashboards } from '#infra/observability/dashboards.ts';
import { DatabaseAccounts } from '#infra/observability/database-accounts.ts';
import { GpuMetrics } from '#infra/observability/gpu-metrics.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

type Values = Record<string, Record<string, unknown>>;

describe('rules of alerts', () => {
  it('stand one a subject, after the definition of such rules', async () => {
    const recording = await record(
      () =>
        new Alerts('alerts', {
          runbooksUrl: 'https://git.example.com/runbooks',
          namespace: 'orrery',
          rulesNamespace: 'watching',
          monthlyUsd: 400,
          after: [],
        }),
    );
    assert.deepEqual(outline(recording), [
      'orrery:observability:Alerts alerts',
      'kubernetes:monitoring.coreos.com/v1:PrometheusRule alerts-clickhouse < alerts',
      'kubernetes:monitoring.coreos.com/v1:PrometheusRule alerts-cluster < alerts',
      'kubernetes:monitoring.coreos.com/v1:PrometheusRule alerts-cost < alerts',
      'kubernetes:monitoring.coreos.com/v1:PrometheusRule alerts-kafka < alerts',
      'kubernetes:monitoring.coreos.com/v1:PrometheusRule alerts-redis < alerts',
      'kubernetes:monitoring.coreos.com/v1:PrometheusRule alerts-services < alerts',
    ]);
    const { inputs } = resourceNamed(recording, 'alerts-redis');
    assert.equal((inputs['metadata'] as Record<string, unknown>)['namespace'], 'watching');
    const { groups } = inputs['spec'] as { groups: { name: string; rules: unknown[] }[] };
    assert.deepEqual(
      groups.map(({ name, rules }) => [name, rules.length]),
      [['redis', 3]],
    );
    assert.deepEqual(groups[0]?.rules[1], {
      alert: 'QueueRefuses',
      expr: 'redis_memory_used_bytes{role="state"} / (redis_memory_max_bytes{role="state"} > 0) > 0.8',
      for: '5m',
      labels: { severity: 'page' },
      annotations: {
        summary: 'The state Redis uses 80 % of its memory: queues refuse new work, so that the rest can still write.',
        runbook_url: 'https://git.example.com/runbooks/queue-refuses.md',
      },
    });
    assert.deepEqual([...recording.completed], ['alerts']);
  });
});

describe('dashboards', () => {
  it('are maps that Grafana’s sidecar finds by their label', async () => {
    const recording = await record(
      () =>
        new Dashboards('dashboards', { namespace: 'orrery', kafka: true, gpuQuota: 4, grafanaNamespace: 'watching' }),
    );
    assert.deepEqual(outline(recording), [
      'orrery:observability:Dashboards dashboards',
      'kubernetes:core/v1:ConfigMap dashboards-clickhouse < dashboards',
      'kubernetes:core/v1:ConfigMap dashboards-cost < dashboards',
      'kubernetes:core/v1:ConfigMap dashboards-gpus < dashboards',
      'kubernetes:core/v1:ConfigMap dashboards-kafka < dashboards',
      'kubernetes:core/v1:ConfigMap dashboards-overview < dashboards',
      'kubernetes:core/v1:ConfigMap dashboards-queues < dashboards',
      'kubernetes:core/v1:ConfigMap dashboards-redis < dashboards',
      'kubernetes:core/v1:ConfigMap dashboards-workflows < dashboards',
    ]);
    const { inputs } = resourceNamed(recording, 'dashboards-redis');
    assert.deepEqual(inputs['metadata'], { namespace: 'watching', labels: { grafana_dashboard: '1' } });
    const data = inputs['data'] as Record<string, string>;
    assert.deepEqual(Object.keys(data), ['orrery-redis.json']);
    assert.equal((JSON.parse(data['orrery-redis.json'] ?? '') as { title: string }).title, 'Orrery: Redis');
  });
});

describe('the exporter of GPUs', () => {
  it('runs on nodes with GPUs, which repel everything else', async () => {
    const recording = await record(
      () => new GpuMetrics('gpus', { namespace: 'nodes', nodeSelector: { 'orrery.dev/pool': 'gpu' }, after: [] }),
    );
    assert.deepEqual(outline(recording), [
      'orrery:observability:GpuMetrics gpus',
      'kubernetes:helm.sh/v3:Release gpus-exporter < gpus',
    ]);
    const { inputs } = resourceNamed(recording, 'gpus-exporter');
    assert.equal(inputs['chart'], 'dcgm-exporter');
    assert.deepEqual(inputs['values'], {
      nodeSelector: { 'orrery.dev/pool': 'gpu' },
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
      serviceMonitor: { enabled: true, interval: '30s' },
      resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    });
  });
});

describe('OpenCost', () => {
  const valuesOf = async (more: object = {}) => {
    const args = { namespace: 'watching', clusterId: 'orrery-dev', after: [], ...more };
    const recording = await record(() => new ClusterCost('cost', args));
    return resourceNamed(recording, 'cost-opencost').inputs['values'] as Values;
  };

  it('asks our Prometheus, is restricted, and opens no door that nobody guards', async () => {
    const { opencost, podSecurityContext } = await valuesOf();
    assert.deepEqual(opencost?.['prometheus'], {
      internal: { enabled: true, serviceName: 'metrics-prometheus', namespaceName: 'watching', port: 9090 },
    });
    assert.deepEqual([opencost['ui'], opencost['mcp']], [{ enabled: false }, { enabled: false }]);
    assert.equal(podSecurityContext?.['runAsNonRoot'], true);
    assert.equal('customPricing' in opencost, false);
  });

  it('reckons by the prices that it is told, where no cloud has a list', async () => {
    const prices = { coreHour: 0.03, memoryGiBHour: 0.004, gpuHour: 0.9, volumeGiBMonth: 73 };
    const { opencost } = await valuesOf({ prices, nodeSelector: { pool: 'general' } });
    assert.deepEqual(opencost?.['customPricing'], {
      enabled: true,
      costModel: { CPU: 0.03, spotCPU: 0.03, RAM: 0.004, spotRAM: 0.004, GPU: 0.9, storage: 0.1 },
    });
    assert.deepEqual(opencost['nodeSelector'], { pool: 'general' });
  });
});

describe('users of ClickHouse', () => {
  it('have a password each that nobody sees, in a Secret beside ClickHouse', async () => {
    const recording = await record(() => new DatabaseAccounts('accounts', { namespace: 'orrery', database: 'orrery' }));
    assert.deepEqual(outline(recording), [
      'orrery:observability:DatabaseAccounts accounts',
      'random:index/randomPassword:RandomPassword accounts-bi-password < accounts',
      'kubernetes:core/v1:Secret accounts-bi-secret < accounts',
      'random:index/randomPassword:RandomPassword accounts-telemetry-password < accounts',
      'kubernetes:core/v1:Secret accounts-telemetry-secret < accounts',
    ]);
    assert.deepEqual(resourceNamed(recording, 'accounts-bi-secret').inputs['stringData'], {
      $secret: { password: '${accounts-bi-password.result}' },
    });
    const { bi, telemetry } = recording.result;
    assert.deepEqual([bi.username, telemetry.username], ['orrery_bi', 'orrery_telemetry']);
    assert.equal(bi.secretKey, 'password');
    assert.equal(await recording.textOf(bi.secretName), '${accounts-bi-secret.metadata.name}');
  });
});

describe('who watches whom', () => {
  it('is opened purpose by purpose, in the namespaces where it is received', async () => {
    const recording = await record(
      () =>
        new Access('access', {
          servicesNamespace: 'orrery',
          observabilityNamespace: 'watching',
          nodesNamespace: 'nodes',
        }),
    );
    const policy = (name: string) => {
      const { metadata, spec } = resourceNamed(recording, `access-${name}`).inputs as Values;
      return { namespace: metadata?.['namespace'], ...spec };
    };
    const namespace = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });
    const prometheus = { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } };
    const anywhere = [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }];
    assert.deepEqual(policy('metrics'), {
      namespace: 'orrery',
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [{ namespaceSelector: namespace('watching'), podSelector: prometheus }],
          ports: [{ protocol: 'TCP', port: 1024, endPort: 65_535 }],
        },
      ],
    });
    assert.deepEqual(policy('stores')['ingress' as never], [
      {
        from: [{ namespaceSelector: namespace('watching') }, { namespaceSelector: namespace('nodes') }],
        ports: [
          { protocol: 'TCP', port: 8123 },
          { protocol: 'TCP', port: 6379 },
        ],
      },
    ]);
    assert.deepEqual(policy('traces')['egress' as never], [
      {
        to: [{ namespaceSelector: namespace('watching') }],
        ports: [
          { protocol: 'TCP', port: 4317 },
          { protocol: 'TCP', port: 4318 },
        ],
      },
    ]);
    assert.deepEqual(policy('nodes'), {
      namespace: 'watching',
      podSelector: prometheus,
      policyTypes: ['Egress'],
      egress: [
        {
          to: anywhere,
          ports: [
            { protocol: 'TCP', port: 10_250 },
            { protocol: 'TCP', port: 9100 },
          ],
        },
      ],
    });
    for (const program of ['alertmanager', 'opencost']) {
      assert.deepEqual(policy(program), {
        namespace: 'watching',
        podSelector: { matchLabels: { 'app.kubernetes.io/name': program } },
        policyTypes: ['Egress'],
        egress: [{ to: anywhere, ports: [{ protocol: 'TCP', port: 443 }] }],
      });
    }
    assert.deepEqual([...recording.completed], ['access']);
  });
});
