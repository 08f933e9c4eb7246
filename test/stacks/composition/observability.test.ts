import assert from 'node:assert/strict';
import * as aws from '@pulumi/aws';
import * as kubernetes from '@pulumi/kubernetes';
import { output } from '@pulumi/pulumi';
import { RandomPassword } from '@pulumi/random';
import type { DataLayer } from '#stacks/composition/layers.ts';
import type { NamespacesLayer } from '#stacks/composition/namespace.ts';
import { createDatabaseAccounts, createObservability } from '#stacks/composition/observability.ts';
import type { ClusterObservabilitySettings, ObservabilitySettings } from '#stacks/settings/observability.ts';
import { record, resourceNamed, type RecordedResource } from '#test/support/pulumi.ts';

const watching = {
  runbooksUrl: 'https://git.example.com/runbooks',
  metrics: { retentionDays: 7, volumeGiB: 20, memoryMiB: 1024 },
  logDays: 7,
  traceDays: 3,
  traceSamplePercent: 100,
};
const cloudSettings: ObservabilitySettings = {
  observability: {
    ...watching,
    alertEmails: ['a@example.com'],
    metabase: { kind: 'postgres', instanceType: 'db.t4g.micro', volumeGiB: 20, backupDays: 14 },
  },
  budget: { monthlyUsd: 400, emails: ['a@example.com'] },
};
const clusterSettings: ClusterObservabilitySettings = {
  observability: {
    ...watching,
    metabase: { kind: 'volume', volumeGiB: 5 },
    prices: { coreHour: 0.03, memoryGiBHour: 0.004, gpuHour: 0, volumeGiBMonth: 0.1 },
  },
};

function layers(provider: kubernetes.Provider) {
  const token = new RandomPassword('token', { length: 40 }).result;
  const namespaces: NamespacesLayer = {
    namespaceName: output('orrery'),
    systemName: output('orrery-system'),
    observabilityName: output('orrery-observability'),
    nodesName: output('orrery-nodes'),
    token: { value: token, secretName: output('token'), key: 'token' },
  };
  const data: DataLayer = {
    redis: { state: { url: output('redis://state:6379') }, cache: { url: output('redis://cache:6379') } },
    clickhouse: { url: output('http://clickhouse:8123'), database: 'orrery' },
    store: { kind: 'volume', claimName: output('store') },
    ready: [],
  };
  const cluster = { providers: { kubernetes: provider }, ready: [] };
  return { namespaces, data, cluster, accounts: createDatabaseAccounts(namespaces, 'orrery', cluster) };
}

const recordCluster = (settings: ClusterObservabilitySettings, more: object = {}) =>
  record(() => {
    const provider = new kubernetes.Provider('kubernetes', { kubeconfig: '{}' });
    return createObservability({ environment: 'edge', settings, ...layers(provider), ...more });
  });

const recordCloud = (more: Partial<ObservabilitySettings['observability']> = {}) =>
  record(() => {
    const provider = new kubernetes.Provider('kubernetes', { kubeconfig: '{}' });
    const account = new aws.Provider('aws', { region: 'eu-west-1' });
    const made = layers(provider);
    return createObservability({
      ...made,
      environment: 'dev',
      settings: { ...cloudSettings, observability: { ...cloudSettings.observability, ...more } },
      foundation: {
        environment: 'dev',
        region: 'eu-west-1',
        accountId: '111111111111',
        tags: {},
        providers: { aws: account },
        keyArn: output('arn:aws:kms:::key/1'),
        accessLogs: { bucketName: output('access-logs-1') },
      },
      network: {
        vpcId: output('vpc-1'),
        cidr: '10.20.0.0/16',
        publicSubnetIds: [],
        privateSubnetIds: [output('subnet-1'), output('subnet-2')],
        natGatewayIds: [],
      },
      cluster: {
        providers: { aws: account, kubernetes: provider },
        clusterName: output('orrery-dev'),
        version: output('1.34'),
        securityGroupId: output('sg-nodes'),
        ready: [],
      },
      watched: { natGatewayIds: ['nat-1'] },
      gpuQuota: 4,
      clickhouseCluster: 'main',
    });
  });

const components = (resources: readonly RecordedResource[]) =>
  resources
    .filter(({ type, parent }) => type.startsWith('orrery:') && parent === undefined)
    .map(({ type, name }) => `${type.slice('orrery:observability:'.length)} ${name}`);
const valuesOf = (resource: RecordedResource) => resource.inputs['values'] as Record<string, Record<string, unknown>>;

describe('observability of a cluster that is there already', () => {
  it('asks nothing of AWS, and no label of nodes', async () => {
    const { resources, result } = await recordCluster(clusterSettings);
    assert.deepEqual(components(resources), [
      'Alerts alerts',
      'ClusterCost cluster-cost',
      'Dashboards dashboards',
      'DatabaseAccounts database-accounts',
      'LogAgent log-agent',
      'Metabase metabase',
      'Metrics metrics',
      'Access observability-access',
      'RedisExporter redis-exporter-cache',
      'RedisExporter redis-exporter-state',
      'TraceGateway trace-gateway',
    ]);
    assert.deepEqual(
      resources.filter(({ type }) => type.startsWith('aws:')),
      [],
    );
    assert.doesNotMatch(JSON.stringify(resources), /orrery\.dev\/pool/);
    assert.equal(result.topicArn, undefined);
  });

  it('gives every resource of Kubernetes to the one provider', async () => {
    const { resources } = await recordCluster(clusterSettings);
    const strays = resources.filter(
      ({ type, name, providers }) =>
        type.startsWith('kubernetes:') && name !== 'kubernetes' && !providers.includes('kubernetes'),
    );
    assert.deepEqual(
      strays.map(({ name }) => name),
      [],
    );
  });

  it('reckons by the prices of its settings, and asks Envoy where Envoy runs', async () => {
    const recording = await recordCluster(clusterSettings, { gatewayNamespace: 'orrery-system' });
    const { opencost } = valuesOf(resourceNamed(recording, 'cluster-cost-opencost'));
    assert.equal((opencost?.['customPricing'] as Record<string, unknown>)['enabled'], true);
    assert.ok(resourceNamed(recording, 'metrics-gateway'));
  });

  it('has no Metabase where none is wanted', async () => {
    const { observability } = clusterSettings;
    const { resources, result } = await recordCluster({
      observability: { ...observability, metabase: { kind: 'none' } },
    });
    assert.equal(components(resources).includes('Metabase metabase'), false);
    assert.equal(result.metabase, undefined);
  });
});

describe('observability of a cloud of its own', () => {
  it('adds what only AWS sees, and GPUs', async () => {
    const { resources } = await recordCloud();
    assert.deepEqual(components(resources), [
      'Alarms alarms',
      'Alerts alerts',
      'Budgets budgets',
      'ClusterCost cluster-cost',
      'Dashboards dashboards',
      'DatabaseAccounts database-accounts',
      'GpuMetrics gpu-metrics',
      'LogAgent log-agent',
      'Metabase metabase',
      'MetabaseDatabase metabase-database',
      'Metrics metrics',
      'Notifications notifications',
      'Access observability-access',
      'RedisExporter redis-exporter-cache',
      'RedisExporter redis-exporter-state',
      'TraceGateway trace-gateway',
    ]);
  });

  it('runs on nodes that are not reclaimed, and tells the topic', async () => {
    const recording = await recordCloud();
    const { prometheus, alertmanager } = valuesOf(resourceNamed(recording, 'metrics-stack'));
    const spec = prometheus?.['prometheusSpec'] as Record<string, unknown>;
    assert.deepEqual(spec['nodeSelector'], { 'orrery.dev/pool': 'general' });
    const { route } = alertmanager?.['config'] as { route: { receiver: string } };
    assert.equal(route.receiver, 'topic');
    assert.equal(
      resourceNamed(recording, 'alarms-cluster-errors').inputs['alarmActions']?.toString(),
      '${notifications-topic.arn}',
    );
  });

  it('writes telemetry as its own user, replicated where ClickHouse is', async () => {
    const recording = await recordCloud();
    const config = (resourceNamed(recording, 'trace-gateway-config').inputs['data'] as Record<string, string>)[
      'config.yaml'
    ];
    assert.match(config ?? '', /"cluster_name":"main"/);
    assert.deepEqual(resourceNamed(recording, 'log-agent-secret').inputs['stringData'], {
      $secret: { password: '${database-accounts-telemetry-password.result}' },
    });
    const url = await recording.textOf(recording.result.traces?.otlpUrl ?? assert.fail());
    assert.equal(url, 'http://trace-gateway.orrery-observability.svc:4317');
  });

  it('keeps Metabase on a volume where its settings say so', async () => {
    const { resources } = await recordCloud({ metabase: { kind: 'volume', volumeGiB: 5 } });
    assert.equal(components(resources).includes('MetabaseDatabase metabase-database'), false);
    assert.ok(resources.some(({ name }) => name === 'metabase-volume'));
  });
});
