import assert from 'node:assert/strict';
import { Metrics, type MetricsArgs } from '#infra/observability/metrics.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: MetricsArgs = {
  namespace: 'watching',
  nodesNamespace: 'nodes',
  servicesNamespace: 'orrery',
  systemNamespace: 'system',
  retentionDays: 7,
  volumeGiB: 20,
  memoryMiB: 1024,
  after: [],
};
const topic = { arn: 'arn:aws:sns:::told', keyArn: 'arn:aws:kms:::key/1', region: 'eu-west-1', clusterName: 'cluster' };

describe('the metrics of a cluster', () => {
  it('are two charts, definitions first, and a monitor for each kind of what is asked', async () => {
    const recording = await record(() => new Metrics('metrics', args));
    assert.deepEqual(outline(recording), [
      'orrery:observability:Metrics metrics',
      'kubernetes:monitoring.coreos.com/v1:PodMonitor metrics-clickhouse < metrics',
      'kubernetes:monitoring.coreos.com/v1:PodMonitor metrics-data < metrics',
      'kubernetes:helm.sh/v3:Release metrics-definitions < metrics',
      'random:index/randomPassword:RandomPassword metrics-grafana-password < metrics',
      'kubernetes:core/v1:Secret metrics-grafana-secret < metrics',
      'random:index/randomString:RandomString metrics-grafana-user < metrics',
      'kubernetes:monitoring.coreos.com/v1:PodMonitor metrics-kafka < metrics',
      'kubernetes:monitoring.coreos.com/v1:PodMonitor metrics-operators < metrics',
      'kubernetes:monitoring.coreos.com/v1:ServiceMonitor metrics-services < metrics',
      'kubernetes:helm.sh/v3:Release metrics-stack < metrics',
    ]);
    assert.ok(resourceNamed(recording, 'metrics-stack').dependencies.includes('metrics-definitions'));
    for (const name of ['metrics-services', 'metrics-data', 'metrics-kafka']) {
      assert.ok(resourceNamed(recording, name).dependencies.includes('metrics-definitions'), name);
    }
    assert.deepEqual([...recording.completed], ['metrics']);
  });

  it('stand at the pinned versions, in the namespace that is asked for', async () => {
    const recording = await record(() => new Metrics('metrics', args));
    const { inputs } = resourceNamed(recording, 'metrics-stack');
    assert.equal(inputs['chart'], 'kube-prometheus-stack');
    assert.equal(inputs['namespace'], 'watching');
    assert.deepEqual(inputs['repositoryOpts'], { repo: 'https://prometheus-community.github.io/helm-charts' });
    assert.match(String(inputs['version']), /^\d+\.\d+\.\d+$/);
  });

  it('open Grafana by a password that nobody sees and that stays', async () => {
    const recording = await record(() => new Metrics('metrics', args));
    const { inputs } = resourceNamed(recording, 'metrics-grafana-secret');
    assert.deepEqual(inputs['stringData'], {
      $secret: {
        'admin-user': '${metrics-grafana-user.result}',
        'admin-password': '${metrics-grafana-password.result}',
      },
    });
    const { protect, retainOnDelete } = resourceNamed(recording, 'metrics-grafana-password');
    assert.deepEqual([protect, retainOnDelete], [true, true]);
  });

  it('are asked of at a fixed address', async () => {
    const recording = await record(() => new Metrics('metrics', args));
    const url = await recording.textOf(recording.result.prometheusUrl);
    assert.equal(url, 'http://metrics-prometheus.watching.svc:9090');
  });

  it('let Alertmanager alone publish, and only to the topic', async () => {
    const recording = await record(() => new Metrics('metrics', { ...args, alertTopic: topic }));
    const identity = resourceNamed(recording, 'metrics-alertmanager-identity').inputs;
    assert.deepEqual(
      [identity['clusterName'], identity['namespace'], identity['serviceAccount']],
      ['cluster', 'watching', 'alertmanager'],
    );
    assert.deepEqual(JSON.parse(String(resourceNamed(recording, 'metrics-alertmanager-policy').inputs['policy'])), {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['sns:Publish'], Resource: ['arn:aws:sns:::told'] },
        { Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: ['arn:aws:kms:::key/1'] },
      ],
    });
    const { dependencies } = resourceNamed(recording, 'metrics-stack');
    assert.ok(dependencies.includes('metrics-alertmanager-identity'));
  });

  it('ask Envoy where Envoy is the gateway', async () => {
    const recording = await record(() => new Metrics('metrics', { ...args, gatewayNamespace: 'system' }));
    const { inputs } = resourceNamed(recording, 'metrics-gateway');
    assert.deepEqual((inputs['spec'] as Record<string, unknown>)['namespaceSelector'], { matchNames: ['system'] });
  });

  it('take a value that no argument names', async () => {
    const stack = (values: Record<string, unknown>) => ({ ...values, commonLabels: { team: 'platform' } });
    const recording = await record(() => new Metrics('metrics', { ...args, transform: { stack } }));
    const values = resourceNamed(recording, 'metrics-stack').inputs['values'] as Record<string, unknown>;
    assert.deepEqual(values['commonLabels'], { team: 'platform' });
    assert.equal(values['fullnameOverride'], 'metrics');
  });
});
