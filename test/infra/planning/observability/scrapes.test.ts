import assert from 'node:assert/strict';
import {
  planClickHouseMonitor,
  planDataMonitor,
  planGatewayMonitor,
  planKafkaMonitor,
  planOperatorMonitor,
  planServiceMonitor,
} from '#infra/planning/observability/scrapes.ts';

const paced = { interval: '30s', scrapeTimeout: '10s' };

describe('monitors', () => {
  it('find every service by its label, and tell it by its name', () => {
    assert.deepEqual(planServiceMonitor('orrery'), {
      selector: { matchLabels: { 'app.kubernetes.io/part-of': 'orrery' } },
      namespaceSelector: { matchNames: ['orrery'] },
      endpoints: [
        {
          port: 'http',
          path: '/metrics',
          ...paced,
          relabelings: [
            {
              action: 'replace',
              sourceLabels: ['__meta_kubernetes_service_label_app_kubernetes_io_name'],
              targetLabel: 'service',
            },
          ],
        },
      ],
    });
  });

  it('find data by the name of a port, and tell the state Redis from the cache', () => {
    assert.deepEqual(planDataMonitor(['orrery', 'nodes']), {
      selector: { matchLabels: { 'app.kubernetes.io/part-of': 'orrery' } },
      namespaceSelector: { matchNames: ['orrery', 'nodes'] },
      podMetricsEndpoints: [
        {
          port: 'metrics',
          path: '/metrics',
          ...paced,
          relabelings: [
            {
              action: 'replace',
              sourceLabels: ['__meta_kubernetes_pod_label_orrery_dev_redis_role'],
              targetLabel: 'role',
            },
          ],
        },
      ],
    });
  });

  it('find what operators make by the operators’ labels', () => {
    const summary = (spec: Record<string, unknown>) => {
      const [endpoint] = spec['podMetricsEndpoints'] as Record<string, unknown>[];
      return [spec['selector'], spec['namespaceSelector'], endpoint?.['port'], endpoint?.['path']];
    };
    assert.deepEqual(summary(planClickHouseMonitor('orrery')), [
      { matchLabels: { 'clickhouse.altinity.com/app': 'chop' } },
      { matchNames: ['orrery'] },
      'metrics',
      '/metrics',
    ]);
    assert.deepEqual(summary(planKafkaMonitor('orrery')), [
      { matchExpressions: [{ key: 'strimzi.io/kind', operator: 'In', values: ['Kafka'] }] },
      { matchNames: ['orrery'] },
      'tcp-prometheus',
      '/metrics',
    ]);
    assert.deepEqual(summary(planOperatorMonitor('system')), [
      {
        matchExpressions: [{ key: 'app.kubernetes.io/name', operator: 'In', values: ['cert-manager', 'karpenter'] }],
      },
      { matchNames: ['system'] },
      'http-metrics',
      '/metrics',
    ]);
    assert.deepEqual(summary(planGatewayMonitor('system')), [
      { matchLabels: { 'app.kubernetes.io/component': 'proxy', 'app.kubernetes.io/name': 'envoy' } },
      { matchNames: ['system'] },
      'metrics',
      '/stats/prometheus',
    ]);
  });
});
