import assert from 'node:assert/strict';
import { RandomPassword } from '@pulumi/random';
import { MetabaseDatabase } from '#infra/observability/metabase-database.ts';
import { Metabase } from '#infra/observability/metabase.ts';
import type { MetabaseHome } from '#infra/planning/observability/metabase.ts';
import { imageReference } from '#infra/planning/versions.ts';
import { outline, record, resourceNamed, type RecordedResource } from '#test/support/pulumi.ts';

interface Pod {
  readonly containers: { env: { name: string; value?: string; valueFrom?: unknown }[]; [key: string]: unknown }[];
  readonly volumes: unknown[];
  readonly [key: string]: unknown;
}
const podOf = ({ inputs }: RecordedResource) => (inputs['spec'] as { template: { spec: Pod } }).template.spec;
const postgres = (): MetabaseHome => ({
  kind: 'postgres',
  host: 'db.example',
  database: 'metabase',
  username: 'metabase',
  password: new RandomPassword('database-password', { length: 40 }).result,
});
const recordMetabase = (home: () => MetabaseHome, more: object = {}) =>
  record(() => new Metabase('metabase', { namespace: 'watching', home: home(), ...more }));

describe('Metabase on a volume', () => {
  const home = () => ({ kind: 'volume', volumeGiB: 5 }) as const;

  it('keeps what people build on a volume that outlives it', async () => {
    const recording = await recordMetabase(home);
    assert.deepEqual(outline(recording), [
      'orrery:observability:Metabase metabase',
      'kubernetes:apps/v1:Deployment metabase-deployment < metabase',
      'random:index/randomPassword:RandomPassword metabase-encryption < metabase',
      'kubernetes:core/v1:Secret metabase-secret < metabase',
      'kubernetes:core/v1:Service metabase-service < metabase',
      'kubernetes:core/v1:PersistentVolumeClaim metabase-volume < metabase',
    ]);
    const volume = resourceNamed(recording, 'metabase-volume');
    assert.deepEqual([volume.protect, volume.retainOnDelete], [true, true]);
    assert.deepEqual(volume.inputs['spec'], {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '5Gi' } },
    });
    const pod = podOf(resourceNamed(recording, 'metabase-deployment'));
    assert.deepEqual(pod.volumes, [
      { name: 'secret', secret: { secretName: '${metabase-secret.metadata.name}', defaultMode: 0o440 } },
      { name: 'temporary', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'plugins', emptyDir: { sizeLimit: '512Mi' } },
      { name: 'data', persistentVolumeClaim: { claimName: '${metabase-volume.metadata.name}' } },
    ]);
    assert.deepEqual([...recording.completed], ['metabase']);
  });

  it('takes the class of volumes that is asked for', async () => {
    const recording = await recordMetabase(() => ({ ...home(), storageClass: 'gp3' }));
    const spec = resourceNamed(recording, 'metabase-volume').inputs['spec'] as Record<string, unknown>;
    assert.equal(spec['storageClassName'], 'gp3');
  });

  it('is one process by digest, which tells its makers nothing', async () => {
    const recording = await recordMetabase(home);
    const { inputs } = resourceNamed(recording, 'metabase-deployment');
    const { replicas, strategy } = inputs['spec'] as Record<string, unknown>;
    assert.deepEqual([replicas, strategy], [1, { type: 'Recreate' }]);
    const [container] = podOf(resourceNamed(recording, 'metabase-deployment')).containers;
    assert.equal(container?.['image'], imageReference('metabase'));
    assert.deepEqual(container.env, [
      { name: 'MB_JETTY_PORT', value: '3000' },
      { name: 'JAVA_OPTS', value: '-Xmx1075m' },
      { name: 'MB_ANON_TRACKING_ENABLED', value: 'false' },
      { name: 'MB_CHECK_FOR_UPDATES', value: 'false' },
      { name: 'MB_LOAD_SAMPLE_CONTENT', value: 'false' },
      { name: 'MB_PLUGINS_DIR', value: '/plugins' },
      { name: 'MB_DB_TYPE', value: 'h2' },
      { name: 'MB_DB_FILE', value: '/metabase-data/metabase.db' },
    ]);
    assert.deepEqual(container['resources'], {
      requests: { cpu: '200m', memory: '1536Mi', 'ephemeral-storage': '256Mi' },
      limits: { cpu: '800m', memory: '1536Mi', 'ephemeral-storage': '2Gi' },
    });
    assert.equal(
      await recording.textOf(recording.result.url),
      'http://${metabase-service.metadata.name}.watching.svc:3000',
    );
  });
});

describe('the secrets of Metabase', () => {
  const commandOf = async (home: () => MetabaseHome) =>
    podOf(resourceNamed(await recordMetabase(home), 'metabase-deployment')).containers[0]?.['command'];

  it('get into its environment from files when it starts, and stand in no Deployment', async () => {
    assert.deepEqual(await commandOf(() => ({ kind: 'volume', volumeGiB: 5 })), [
      'sh',
      '-c',
      'MB_ENCRYPTION_SECRET_KEY="$(cat /run/orrery/encryption)" && export MB_ENCRYPTION_SECRET_KEY && exec /app/run_metabase.sh',
    ]);
    assert.deepEqual(await commandOf(postgres), [
      'sh',
      '-c',
      [
        'MB_ENCRYPTION_SECRET_KEY="$(cat /run/orrery/encryption)" && export MB_ENCRYPTION_SECRET_KEY',
        'MB_DB_PASS="$(cat /run/orrery/password)" && export MB_DB_PASS',
        'exec /app/run_metabase.sh',
      ].join(' && '),
    ]);
  });

  it('are asked of a database that is away without Metabase being started again', async () => {
    const { containers } = podOf(resourceNamed(await recordMetabase(postgres), 'metabase-deployment'));
    const { livenessProbe, readinessProbe } = containers[0] as Record<string, unknown>;
    assert.deepEqual((livenessProbe as Record<string, unknown>)['tcpSocket'], { port: 'http' });
    assert.deepEqual((readinessProbe as Record<string, unknown>)['httpGet'], { path: '/api/health', port: 'http' });
  });
});

describe('Metabase on a Postgres', () => {
  it('keeps nothing in its pod, and may reach Postgres', async () => {
    const recording = await recordMetabase(postgres, { nodeSelector: { pool: 'general' }, memoryMiB: 2000 });
    const pod = podOf(resourceNamed(recording, 'metabase-deployment'));
    assert.equal(pod.volumes.length, 3);
    assert.deepEqual(pod['nodeSelector'], { pool: 'general' });
    assert.deepEqual(pod.containers[0]?.env.slice(6), [
      { name: 'MB_DB_TYPE', value: 'postgres' },
      { name: 'MB_DB_HOST', value: 'db.example' },
      { name: 'MB_DB_PORT', value: '5432' },
      { name: 'MB_DB_DBNAME', value: 'metabase' },
      { name: 'MB_DB_USER', value: 'metabase' },
    ]);
    assert.deepEqual(pod.containers[0].env[1], { name: 'JAVA_OPTS', value: '-Xmx1400m' });
    const policy = resourceNamed(recording, 'metabase-network').inputs['spec'] as Record<string, unknown>;
    assert.deepEqual(policy['egress'], [
      {
        to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }],
        ports: [{ protocol: 'TCP', port: 5432 }],
      },
    ]);
    assert.deepEqual(resourceNamed(recording, 'metabase-secret').inputs['stringData'], {
      $secret: { encryption: '${metabase-encryption.result}', password: '${database-password.result}' },
    });
  });
});

describe('the database of Metabase', () => {
  it('is private, encrypted, watched, backed up, in two zones, TLS only and protected', async () => {
    const recording = await record(
      () =>
        new MetabaseDatabase('database', {
          vpcId: 'vpc-1',
          subnetIds: ['subnet-1', 'subnet-2'],
          clientSecurityGroupId: 'sg-nodes',
          engine: { version: '17.6', family: 'postgres17' },
          instanceType: 'db.t4g.micro',
          volumeGiB: 20,
          backupDays: 14,
          keyArn: 'arn:aws:kms:::key/1',
        }),
    );
    assert.deepEqual(outline(recording), [
      'orrery:observability:MetabaseDatabase database',
      'aws:ec2/securityGroup:SecurityGroup database-access < database',
      'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule database-from-nodes < database',
      'aws:rds/instance:Instance database-instance < database',
      'aws:iam/role:Role database-monitoring < database',
      'aws:iam/rolePolicyAttachment:RolePolicyAttachment database-monitoring-policy < database',
      'aws:rds/parameterGroup:ParameterGroup database-parameters < database',
      'random:index/randomPassword:RandomPassword database-password < database',
      'aws:rds/subnetGroup:SubnetGroup database-subnets < database',
    ]);
    const { inputs, protect, retainOnDelete, dependencies } = resourceNamed(recording, 'database-instance');
    assert.ok(dependencies.includes('database-monitoring-policy'));
    assert.deepEqual([protect, retainOnDelete], [true, true]);
    assert.deepEqual(inputs, {
      engine: 'postgres',
      engineVersion: '17.6',
      instanceClass: 'db.t4g.micro',
      allocatedStorage: 20,
      storageType: 'gp3',
      storageEncrypted: true,
      kmsKeyId: 'arn:aws:kms:::key/1',
      port: 5432,
      publiclyAccessible: false,
      backupRetentionPeriod: 14,
      copyTagsToSnapshot: true,
      deletionProtection: true,
      skipFinalSnapshot: false,
      finalSnapshotIdentifier: 'orrery-metabase-final',
      multiAz: true,
      iamDatabaseAuthenticationEnabled: true,
      performanceInsightsEnabled: true,
      performanceInsightsKmsKeyId: 'arn:aws:kms:::key/1',
      performanceInsightsRetentionPeriod: 7,
      monitoringInterval: 60,
      monitoringRoleArn: '${database-monitoring.arn}',
      enabledCloudwatchLogsExports: ['postgresql', 'upgrade'],
      autoMinorVersionUpgrade: false,
      applyImmediately: false,
      dbName: 'metabase',
      username: 'metabase',
      password: { $secret: '${database-password.result}' },
      dbSubnetGroupName: '${database-subnets.name}',
      parameterGroupName: '${database-parameters.name}',
      vpcSecurityGroupIds: ['${database-access.id}'],
    });
    assert.deepEqual(resourceNamed(recording, 'database-parameters').inputs['parameters'], [
      { name: 'rds.force_ssl', value: '1' },
      { name: 'log_min_duration_statement', value: '1000' },
    ]);
    assert.equal(resourceNamed(recording, 'database-from-nodes').inputs['referencedSecurityGroupId'], 'sg-nodes');
    assert.equal(await recording.textOf(recording.result.host), '${database-instance.address}');
  });
});
