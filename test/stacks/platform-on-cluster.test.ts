import assert from 'node:assert/strict';
import { judge, packOf } from '#policies/pack.ts';
import { outline, resourceNamed, resourcesOfType, type Recording } from '#test/support/pulumi.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';

describe('the platform on a Kubernetes that is there already', () => {
  let platform: Recording<unknown>;

  before(async () => {
    platform = await recordPlatform('kubernetes');
  });

  it('is these components, and no other', () => {
    const components = platform.resources.filter(({ type }) => type.startsWith('orrery:'));
    assert.deepEqual(outline({ resources: components }), [
      'orrery:platform:Admission admission',
      'orrery:observability:Alerts alerts',
      'orrery:platform:CertManager cert-manager',
      'orrery:platform:IssuedCertificate certificate',
      'orrery:service:Service clickhouse',
      'orrery:cluster:ExistingCluster cluster',
      'orrery:observability:ClusterCost cluster-cost',
      'orrery:observability:Dashboards dashboards',
      'orrery:service:Service features',
      'orrery:platform:EnvoyGateway gateway',
      'orrery:service:Service ingest',
      'orrery:platform:Keda keda',
      'orrery:observability:Metrics metrics',
      'orrery:platform:Namespace nodes',
      'orrery:platform:Namespace observability',
      'orrery:observability:Access observability-access',
      'orrery:service:Service orchestrator',
      'orrery:platform:Namespace platform',
      'orrery:data:RedisSet redis-cache',
      'orrery:observability:RedisExporter redis-exporter-cache',
      'orrery:observability:RedisExporter redis-exporter-state',
      'orrery:data:RedisSet redis-state',
      'orrery:service:Service registry',
      'orrery:service:ReleaseMap release',
      'orrery:service:Service scoring',
      'orrery:data:VolumeStore store',
      'orrery:platform:Namespace system',
      'orrery:tenant:Tenant tenant-demo',
      'orrery:platform:Namespace tenant-demo-space < tenant-demo',
      'orrery:security:Token token',
    ]);
  });

  it('asks for nothing of AWS, and for everything through the context that its file names', () => {
    const packages = new Set(platform.resources.map(({ type }) => type.split(':')[0]));
    assert.deepEqual([...packages].sort(), ['kubernetes', 'orrery', 'pulumi', 'random']);
    for (const { type, name, providers } of platform.resources) {
      if (type.startsWith('kubernetes:')) assert.deepEqual(providers, ['cluster-kubernetes'], name);
    }
    const { inputs, parent } = resourceNamed(platform, 'cluster-kubernetes');
    assert.deepEqual([inputs['context'], parent], ['kind-orrery', 'cluster']);
    const text = JSON.stringify(platform.resources);
    assert.doesNotMatch(text, /amazonaws|eks\.|orrery\.dev\/pool/);
  });

  it('has every component complete, and protects its volumes, namespaces and passwords', () => {
    const components = platform.resources.filter(({ custom }) => !custom).map(({ name }) => name);
    assert.deepEqual([...platform.completed].sort(), components.sort());
    const guarded = platform.resources.filter(({ protect, retainOnDelete }) => protect || retainOnDelete);
    assert.deepEqual(
      guarded.map(({ name }) => name),
      [
        'clickhouse-volume',
        'metrics-grafana-password',
        'nodes-namespace',
        'observability-namespace',
        'platform-namespace',
        'redis-state-volume',
        'registry-volume',
        'store-volume',
        'system-namespace',
        'tenant-demo-space-namespace',
        'token-password',
      ],
    );
  });

  it('leaves the class of volumes to the cluster, unless its file names one', async () => {
    const classesOf = (one: Recording<unknown>) =>
      resourcesOfType(one, 'kubernetes:core/v1:PersistentVolumeClaim').map(
        ({ inputs }) => (inputs['spec'] as { storageClassName?: string }).storageClassName,
      );
    assert.deepEqual(classesOf(platform), [undefined, undefined, undefined, undefined]);
    const settings = settingsOfFile('kubernetes');
    const cluster = { ...(settings['cluster'] as object), storageClass: 'fast' };
    const named = await recordPlatform('kubernetes', { ...settings, cluster });
    assert.deepEqual(classesOf(named), ['fast', 'fast', 'fast', 'fast']);
  });

  it('has no GPU for anybody', () => {
    const quotas = resourcesOfType(platform, 'kubernetes:core/v1:ResourceQuota').flatMap(({ inputs }) => {
      const { hard } = inputs['spec'] as { hard: Record<string, string> };
      return hard['requests.nvidia.com/gpu'] ?? [];
    });
    assert.deepEqual(quotas, ['0', '0', '0', '0', '0']);
  });

  it('has no secret in the clear', () => {
    const clear = JSON.stringify(platform.resources, (key, value: unknown) => (key === '$secret' ? 'hidden' : value));
    const made = resourcesOfType(platform, 'random:index/randomPassword:RandomPassword');
    assert.deepEqual(
      made.filter(({ name }) => clear.includes(`\${${name}.`)),
      [],
    );
    assert.deepEqual(
      made.map(({ name }) => name),
      ['metrics-grafana-password', 'token-password'],
    );
  });

  it('makes each thing after what it stands on', () => {
    const order = [
      ['gateway-gateway', 'gateway-class'],
      ['scoring-deployment', 'clickhouse-deployment'],
      ['orchestrator-route', 'gateway-gateway'],
    ] as const;
    const early = order.filter(([later, first]) => !resourceNamed(platform, later).dependencies.includes(first));
    assert.deepEqual(early, []);
  });

  it('breaks none of its policies', () => {
    assert.deepEqual(judge(platform, packOf('kubernetes')), []);
  });

  it('is the same when it is composed again', async () => {
    const again = await recordPlatform('kubernetes');
    assert.equal(JSON.stringify(again.resources), JSON.stringify(platform.resources));
  });

  it('runs ClickHouse as servers, Kafka and Metabase where its file says so', async () => {
    const settings = {
      ...settingsOfFile('kubernetes'),
      clickhouse: { kind: 'servers', shards: 1, replicas: 1, keepers: 1, cpu: 1, memoryMiB: 2048, volumeGiB: 20 },
      kafka: { kind: 'strimzi', brokers: 1, cpu: 0.5, memoryMiB: 1024, volumeGiB: 10 },
      bus: 'kafka',
      observability: {
        ...(settingsOfFile('kubernetes')['observability'] as object),
        metabase: { kind: 'volume', volumeGiB: 5 },
      },
    };
    const grown = await recordPlatform('kubernetes', settings);
    const names = (one: Recording<unknown>) =>
      new Set(one.resources.filter(({ custom }) => !custom).map(({ name }) => name));
    assert.deepEqual([...names(grown).difference(names(platform))].sort(), [
      'clickhouse-keeper',
      'clickhouse-operator',
      'database-accounts',
      'kafka',
      'kafka-operator',
      'log-agent',
      'metabase',
      'trace-gateway',
    ]);
    assert.equal(resourceNamed(grown, 'clickhouse').type, 'orrery:data:ClickHouse');
    assert.ok(!grown.resources.some(({ type }) => type.startsWith('aws:')));
  });
});
