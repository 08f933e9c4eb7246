import assert from 'node:assert/strict';
import { judge, packOf } from '#policies/pack.ts';
import { CommandError } from '#stacks/errors.ts';
import { composePlatform } from '#stacks/platform.ts';
import {
  outline,
  record,
  resourceNamed,
  resourcesOfType,
  type RecordedResource,
  type Recording,
} from '#test/support/pulumi.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import { cloudRelease, digestOfRelease, settingsOfFile } from '#test/support/cloud-release.ts';

type Platform = Recording<unknown>;

const release = cloudRelease();
const releaseDigest = digestOfRelease(release);

/** By layer; the ones of a layer are not in the order in which they are made. */
const components = {
  foundation: ['security:Key key'],
  network: ['network:Vpc network'],
  cluster: [
    'cluster:Addons network-addons',
    'cluster:Addons node-addons',
    'cluster:ControlPlane cluster',
    'compute:NodePool system-pool',
  ],
  namespaces: [
    'platform:Namespace nodes',
    'platform:Namespace observability',
    'platform:Namespace platform',
    'platform:Namespace system',
    'security:Token token',
  ],
  compute: [
    'compute:Karpenter karpenter',
    'compute:KarpenterPool general-pool',
    'compute:KarpenterPool gpu-pool',
    'compute:KarpenterPool spot-fallback-pool',
    'compute:KarpenterPool spot-pool',
  ],
  platform: [
    'data:Bucket request-log',
    'platform:Admission admission',
    'platform:ApplicationGateway gateway',
    'platform:Certificate certificate',
    'platform:ClickHouseOperator clickhouse-operator',
    'platform:ExternalDns dns',
    'platform:ExternalSecrets secrets',
    'platform:GatewayApi gateway-api',
    'platform:KafkaOperator kafka-operator',
    'platform:Keda keda',
    'platform:LoadBalancerController load-balancers',
  ],
  data: [
    'data:Bucket access-logs',
    'data:Bucket clickhouse-backups',
    'data:ClickHouse clickhouse',
    'data:ClickHouseKeeper clickhouse-keeper',
    'data:ImageRegistry images',
    'data:ObjectStore store',
    'data:RegistryTable registry-table',
    'data:StorageClass storage',
    'data:Strimzi kafka',
    'data:Valkey redis-cache',
    'data:Valkey redis-state',
  ],
  observability: [
    'observability:Access observability-access',
    'observability:Alarms alarms',
    'observability:Alerts alerts',
    'observability:Budgets budgets',
    'observability:ClusterCost cluster-cost',
    'observability:Dashboards dashboards',
    'observability:DatabaseAccounts database-accounts',
    'observability:GpuMetrics gpu-metrics',
    'observability:LogAgent log-agent',
    'observability:Metabase metabase',
    'observability:Metrics metrics',
    'observability:Notifications notifications',
    'observability:RedisExporter redis-exporter-cache',
    'observability:RedisExporter redis-exporter-state',
    'observability:TraceGateway trace-gateway',
    'security:Key notifications-key < notifications',
  ],
  services: [
    'service:ReleaseMap release',
    'service:Service features',
    'service:Service ingest',
    'service:Service orchestrator',
    'service:Service registry',
    'service:Service scoring',
  ],
  tenants: ['platform:Namespace tenant-demo-space < tenant-demo', 'tenant:Tenant tenant-demo'],
};

/** Rows that go cold, a server for Metabase and Spark cost more than dev is worth. */
const componentsOfProd = [
  'data:Bucket clickhouse-cold',
  'data:Bucket spark-results',
  'data:Spark spark',
  'observability:MetabaseDatabase metabase-database',
];

/** What holds data, or keys to data. One that is not listed here has to be thought about. */
const holdsData = [
  'aws:dynamodb/table:Table registry-table-table',
  'aws:ecr/repository:Repository images-clickhouse',
  'aws:ecr/repository:Repository images-features',
  'aws:ecr/repository:Repository images-ingest',
  'aws:ecr/repository:Repository images-orchestrator',
  'aws:ecr/repository:Repository images-registry',
  'aws:ecr/repository:Repository images-scoring',
  'aws:elasticache/replicationGroup:ReplicationGroup redis-state-group',
  'aws:kms/key:Key key-key',
  'aws:kms/key:Key notifications-key-key',
  'aws:s3/bucket:Bucket access-logs-bucket',
  'aws:s3/bucket:Bucket clickhouse-backups-bucket',
  'aws:s3/bucket:Bucket request-log-bucket',
  'aws:s3/bucket:Bucket store-bucket',
  'kubernetes:clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation clickhouse-keeper-installation',
  'kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation clickhouse-installation',
  'kubernetes:core/v1:Namespace nodes-namespace',
  'kubernetes:core/v1:Namespace observability-namespace',
  'kubernetes:core/v1:Namespace platform-namespace',
  'kubernetes:core/v1:Namespace system-namespace',
  'kubernetes:core/v1:Namespace tenant-demo-space-namespace',
  'kubernetes:core/v1:PersistentVolumeClaim registry-volume',
  'kubernetes:kafka.strimzi.io/v1beta2:Kafka kafka-cluster',
  'kubernetes:kafka.strimzi.io/v1beta2:KafkaNodePool kafka-pool',
  'random:index/randomPassword:RandomPassword clickhouse-operator-password',
  'random:index/randomPassword:RandomPassword database-accounts-bi-password',
  'random:index/randomPassword:RandomPassword database-accounts-telemetry-password',
  'random:index/randomPassword:RandomPassword metabase-encryption',
  'random:index/randomPassword:RandomPassword metrics-grafana-password',
  'random:index/randomPassword:RandomPassword token-password',
];
const holdsDataOf: Readonly<Record<string, readonly string[]>> = {
  dev: ['kubernetes:core/v1:PersistentVolumeClaim metabase-volume'],
  prod: [
    'aws:rds/instance:Instance metabase-database-instance',
    'aws:s3/bucket:Bucket clickhouse-cold-bucket',
    'aws:s3/bucket:Bucket spark-results-bucket',
    'kubernetes:core/v1:Namespace spark-namespace',
    'random:index/randomPassword:RandomPassword metabase-database-password',
  ],
};

/** What has to stand before something is made, and so is destroyed after it. */
const order = [
  ['system-pool-nodes', 'network-addons-vpc-cni'],
  ['node-addons-coredns', 'system-pool-nodes'],
  ['karpenter-definitions', 'node-addons-coredns'],
  ['karpenter-chart', 'karpenter-definitions'],
  ['karpenter-chart', 'karpenter-controller-policy'],
  ['general-pool-nodes', 'karpenter-chart'],
  ['spot-pool-nodes', 'karpenter-chart'],
  ['gpu-pool-nodes', 'karpenter-chart'],
  ['load-balancers-chart', 'gateway-api-crds'],
  ['gateway-balancer', 'load-balancers-chart'],
  ['gateway-balancer', 'certificate-orchestrator-validation'],
  ['gateway-gateway', 'gateway-balancer'],
  ['clickhouse-keeper-installation', 'clickhouse-operator-chart'],
  ['clickhouse-keeper-installation', 'general-pool-nodes'],
  ['clickhouse-keeper-installation', 'storage-class'],
  ['clickhouse-installation', 'clickhouse-keeper-installation'],
  ['clickhouse-installation', 'clickhouse-operator-chart'],
  ['kafka-pool', 'kafka-operator-chart'],
  ['kafka-pool', 'general-pool-nodes'],
  ['kafka-cluster', 'kafka-pool'],
  ['registry-deployment', 'clickhouse-installation'],
  ['scoring-deployment', 'clickhouse-installation'],
  ['scoring-deployment', 'registry-deployment'],
  ['scoring-deployment', 'spot-pool-nodes'],
  ['scoring-deployment', 'keda-chart'],
  ['orchestrator-route', 'gateway-gateway'],
] as const;

const recorded = new Map<string, Promise<Platform>>();
/** Recorded once, however many look at it. */
function platformOf(environment: string): Promise<Platform> {
  const platform = recorded.get(environment) ?? recordPlatform(environment);
  recorded.set(environment, platform);
  return platform;
}

for (const environment of ['dev', 'prod']) {
  describe(`the platform of ${environment}`, () => {
    let platform: Platform;

    before(async () => {
      platform = await platformOf(environment);
    });

    it('is these components, and no other', () => {
      const made = platform.resources.filter(({ type }) => type.startsWith('orrery:'));
      const asked = [...Object.values(components).flat(), ...(environment === 'prod' ? componentsOfProd : [])];
      assert.deepEqual(
        outline({ resources: made })
          .map((line) => line.slice('orrery:'.length))
          .sort(),
        asked.sort(),
      );
    });

    it('has a component above every resource, named after it, and each component completes', () => {
      const isComponent = ({ type }: RecordedResource) => type.startsWith('orrery:');
      const names = platform.resources.filter(isComponent).map(({ name }) => name);
      const odd = platform.resources
        .filter((one) => !isComponent(one) && one.name !== 'aws')
        .filter(({ name, parent = '' }) => !names.includes(parent) || !name.startsWith(`${parent}-`));
      assert.deepEqual(outline({ resources: odd }), []);
      assert.deepEqual([...platform.completed].sort(), names.sort());
    });

    it('gives every resource of a cloud its provider, so that no ambient credentials, region or context are used', () => {
      for (const { type, name, providers } of platform.resources) {
        if (type.startsWith('aws:') || type.startsWith('eks:')) assert.deepEqual(providers, ['aws'], name);
        if (type.startsWith('kubernetes:')) assert.deepEqual(providers, ['cluster-kubernetes'], name);
      }
      const { inputs } = resourceNamed(platform, 'aws');
      assert.deepEqual(
        [inputs['region'], inputs['allowedAccountIds'], JSON.parse(String(inputs['defaultTags']))],
        [
          'eu-west-1',
          '["000000000000"]',
          {
            tags: {
              project: 'orrery',
              environment,
              owner: 'platform',
              'cost-center': { dev: 'research', prod: 'production' }[environment],
              'managed-by': 'pulumi',
            },
          },
        ],
      );
    });

    it('breaks none of its policies', () => {
      assert.deepEqual(judge(platform, packOf(environment)), []);
    });

    it('protects nothing but what holds data', () => {
      const guarded = platform.resources.filter(({ protect, retainOnDelete }) => protect || retainOnDelete);
      const asked = [...holdsData, ...(holdsDataOf[environment] ?? [])];
      assert.deepEqual(guarded.map(({ type, name }) => `${type} ${name}`).sort(), asked.sort());
    });

    it('makes each thing after what it stands on, so that it is destroyed before', () => {
      const early = order.filter(([later, first]) => !resourceNamed(platform, later).dependencies.includes(first));
      assert.deepEqual(early, []);
    });

    it('is the same when it is composed again', async () => {
      const again = await recordPlatform(environment);
      assert.equal(JSON.stringify(again.resources), JSON.stringify(platform.resources));
    });
  });
}

const namesOf = (platform: Platform) => new Set(platform.resources.map(({ name }) => name));
const childrenOf = (parent: string, roles: readonly string[]) => [parent, ...roles.map((role) => `${parent}-${role}`)];
const bucketRoles = ['bucket', 'encryption', 'events', 'lifecycle', 'logging', 'ownership', 'policy', 'public-access'];
const bucketOf = (name: string) => childrenOf(name, [...bucketRoles, 'versioning']);

describe('composing a platform', () => {
  it('differs between environments by what their settings say, not by what is there', async () => {
    const [dev, prod] = [namesOf(await platformOf('dev')), namesOf(await platformOf('prod'))];
    assert.deepEqual(
      [...dev.difference(prod)].sort(),
      // Metabase on a file; one NAT gateway, in one zone.
      ['metabase-volume', 'network-nat-eu-west-1a', 'network-nat-eu-west-1a-address'],
    );
    const members = ['redis-state-1', 'redis-state-2'].flatMap((member) =>
      ['cpu', 'evictions', 'lag', 'memory'].map((what) => `alarms-${member}-${what}`),
    );
    const endpoints = ['ec2', 'ecr.api', 'ecr.dkr', 'eks', 'eks-auth', 'elasticloadbalancing', 'kms', 'logs'];
    const databaseRoles = ['access', 'from-nodes', 'instance', 'parameters', 'password', 'subnets'];
    const sparkRoles = ['binding', 'client-identity', 'cluster', 'deny', 'driver-identity', 'emr', 'entry'];
    assert.deepEqual(
      [...prod.difference(dev)].sort(),
      [
        // Copies of Redis are watched one by one.
        ...members,
        'alarms-redis-cache-1-cpu',
        'alarms-redis-cache-1-lag',
        ...bucketOf('clickhouse-cold'),
        ...['clickhouse-cold-job', 'clickhouse-cold-script', 'clickhouse-cold-traffic'],
        ...childrenOf('metabase-database', [...databaseRoles, 'monitoring', 'monitoring-policy']),
        'metabase-network',
        ...[...endpoints, 'secretsmanager', 'sqs', 'ssm', 'sts'].map((service) => `network-${service}`),
        ...['network-endpoints', 'network-endpoints-from-network', 'network-nat'],
        ...childrenOf('spark', [...sparkRoles, 'executor-identity', 'inside', 'namespace', 'outwards', 'policy']),
        ...['spark-gpu-quota', 'spark-rights', 'spark-role'],
        ...bucketOf('spark-results'),
      ].sort(),
    );
  });

  it('makes node groups in place of Karpenter’s pools where the settings say so', async () => {
    const settings = { ...settingsOfFile('dev'), capacity: 'managed' };
    const platform = await recordPlatform('dev', settings);
    assert.deepEqual(
      resourcesOfType(platform, 'aws:eks/nodeGroup:NodeGroup').map(({ name }) => name),
      ['general-pool-nodes', 'gpu-pool-nodes', 'spot-fallback-pool-nodes', 'spot-pool-nodes', 'system-pool-nodes'],
    );
    assert.ok(!platform.resources.some(({ type }) => type.includes('karpenter')));
  });

  it('refuses settings that are wrong before it makes anything', async () => {
    await assert.rejects(
      recordPlatform('prod', settingsOfFile('dev')),
      (error) => error instanceof CommandError && error.code === 'SETTINGS_INVALID',
    );
  });

  it('refuses a release that lacks a service, and names it', async () => {
    const { orchestrator } = release.services;
    assert.ok(orchestrator !== undefined);
    const partial = { ...release, services: { orchestrator } };
    const settings = settingsOfFile('dev');
    await assert.rejects(
      record(() => composePlatform({ environment: 'dev', release: partial, releaseDigest, settings })),
      (error) =>
        error instanceof CommandError && error.code === 'SERVICE_NOT_RELEASED' && error.message.includes('"scoring"'),
    );
  });
});
