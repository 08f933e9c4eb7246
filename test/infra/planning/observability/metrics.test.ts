import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { checkMetricsSize, planMetrics } from '#infra/planning/observability/metrics.ts';

const size = { retentionDays: 7, volumeGiB: 20, memoryMiB: 1024 };
const plan = { ...size, nodesNamespace: 'nodes', grafanaSecretName: 'grafana' };

type Values = Record<string, Record<string, unknown>>;
const valuesOf = (more: object = {}) => planMetrics({ ...plan, ...more }) as Values;
const specOf = (values: Values) => values['prometheus']?.['prometheusSpec'] as Record<string, unknown>;
const alertmanagerOf = (more: object = {}) => valuesOf(more)['alertmanager'] as Record<string, Record<string, unknown>>;

describe('the metrics stack', () => {
  it('keeps its samples for the days asked, and never fills its volume', () => {
    const spec = specOf(valuesOf());
    assert.equal(spec['retention'], '7d');
    assert.equal(spec['retentionSize'], '17408MiB');
    assert.deepEqual(spec['resources'], {
      requests: { cpu: '250m', memory: '1024Mi' },
      limits: { memory: '1024Mi' },
    });
    assert.deepEqual(spec['storageSpec'], {
      volumeClaimTemplate: {
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '20Gi' } } },
      },
    });
  });

  it('reads monitors and rules of every release', () => {
    const spec = specOf(valuesOf());
    for (const kind of ['serviceMonitor', 'podMonitor', 'rule', 'probe', 'scrapeConfig']) {
      assert.equal(spec[`${kind}SelectorNilUsesHelmValues`], false, kind);
    }
    assert.deepEqual(spec['arbitraryFSAccessThroughSMs'], { deny: true });
  });

  it('leaves definitions to their own chart, and brings no rules or dashboards of others', () => {
    const values = valuesOf();
    assert.deepEqual(values['crds'], { enabled: false });
    assert.deepEqual(values['defaultRules'], { create: false });
    assert.equal(values['grafana']?.['defaultDashboardsEnabled'], false);
    for (const part of ['kubeControllerManager', 'kubeScheduler', 'kubeEtcd', 'kubeProxy']) {
      assert.deepEqual(values[part], { enabled: false }, part);
    }
  });

  it('puts what reads a node into the namespace of such pods, on every node', () => {
    assert.deepEqual(valuesOf()['prometheus-node-exporter'], {
      namespaceOverride: 'nodes',
      tolerations: [{ operator: 'Exists' }],
      resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '64Mi' } },
    });
  });

  it('tells which release and version each service runs', () => {
    assert.deepEqual(valuesOf()['kube-state-metrics']?.['metricLabelsAllowlist'], [
      'deployments=[app.kubernetes.io/name,app.kubernetes.io/version,orrery.dev/release]',
    ]);
  });

  it('opens Grafana by the Secret alone, to nobody without an account, and restricted', () => {
    const grafana = valuesOf()['grafana'] ?? {};
    assert.deepEqual(grafana['admin'], {
      existingSecret: 'grafana',
      userKey: 'admin-user',
      passwordKey: 'admin-password',
    });
    assert.deepEqual(grafana['initChownData'], { enabled: false });
    assert.deepEqual(grafana['containerSecurityContext'], {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const ini = grafana['grafana.ini'] as Record<string, unknown>;
    assert.deepEqual(ini['auth.anonymous'], { enabled: false });
    assert.deepEqual(ini['users'], { allow_sign_up: false });
  });

  it('sends alerts nowhere without a topic', () => {
    const config = alertmanagerOf()['config'];
    assert.deepEqual(config?.['receivers'], [{ name: 'nobody' }]);
    assert.equal((config['route'] as Record<string, unknown>)['receiver'], 'nobody');
  });

  it('tells a page every hour and a ticket every day, with summary and runbook', () => {
    const config = alertmanagerOf({ alertTopic: { arn: 'arn:aws:sns:::t', region: 'eu-west-1' } })['config'];
    assert.deepEqual(config?.['route'], {
      receiver: 'topic',
      group_by: ['alertname', 'namespace'],
      group_wait: '30s',
      group_interval: '5m',
      repeat_interval: '24h',
      routes: [{ receiver: 'topic', matchers: ['severity="page"'], group_wait: '10s', repeat_interval: '1h' }],
    });
    assert.deepEqual(config['receivers'], [
      { name: 'nobody' },
      {
        name: 'topic',
        sns_configs: [
          {
            topic_arn: 'arn:aws:sns:::t',
            sigv4: { region: 'eu-west-1' },
            send_resolved: true,
            subject: '[{{ .Status }}] {{ .CommonLabels.severity }}: {{ .CommonLabels.alertname }}',
            message: '{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.runbook_url }}\n\n{{ end }}',
          },
        ],
      },
    ]);
  });

  it('runs on the nodes and the class of volumes that are asked for', () => {
    const values = valuesOf({ nodeSelector: { pool: 'general' }, storageClass: 'gp3' });
    const alertmanager = values['alertmanager']?.['alertmanagerSpec'] as Record<string, unknown>;
    const operator = values['prometheusOperator'];
    const state = values['kube-state-metrics'];
    for (const part of [specOf(values), alertmanager, values['grafana'], operator, state]) {
      assert.deepEqual(part?.['nodeSelector'], { pool: 'general' });
    }
    assert.deepEqual(alertmanager['storage'], {
      volumeClaimTemplate: {
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'gp3',
          resources: { requests: { storage: '1Gi' } },
        },
      },
    });
    assert.equal('nodeSelector' in specOf(valuesOf()), false);
  });

  it('is refused at sizes by which Prometheus would stop', () => {
    const wrong = [
      { retentionDays: 0 },
      { retentionDays: 401 },
      { volumeGiB: 4 },
      { memoryMiB: 511 },
      { retentionDays: 1.5 },
    ];
    for (const change of wrong) {
      assert.throws(
        () => planMetrics({ ...plan, ...change }),
        (error) => error instanceof PlanError && error.code === 'METRICS_SIZE_INVALID',
        JSON.stringify(change),
      );
    }
    checkMetricsSize({ retentionDays: 400, volumeGiB: 5, memoryMiB: 512 });
    checkMetricsSize({ retentionDays: 1, volumeGiB: 5, memoryMiB: 512 });
  });
});
