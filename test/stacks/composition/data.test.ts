import assert from 'node:assert/strict';
import * as aws from '@pulumi/aws';
import * as kubernetes from '@pulumi/kubernetes';
import { output } from '@pulumi/pulumi';
import { RandomPassword } from '@pulumi/random';
import { createData } from '#stacks/composition/data.ts';
import { digestOfBytes } from '@orrery/contracts/digest';
import type { AwsSettings } from '#stacks/settings/settings.ts';
import { cloudRelease, settingsOfFile } from '#test/support/cloud-release.ts';
import { outline, record, resourceNamed, type RecordedResource } from '#test/support/pulumi.ts';

type Settings = Record<string, unknown>;

const topic = { schema: digestOfBytes('schema'), producers: [] as string[], consumers: [] as string[] };

function recordData(environment: string, change: Settings = {}) {
  const settings = { ...settingsOfFile(environment), ...change } as AwsSettings;
  const released = cloudRelease();
  const release = { ...released, data: { ...released.data, topics: { 'orrery.run-events': topic } } };
  return record(() => {
    const providers = { aws: new aws.Provider('aws'), kubernetes: new kubernetes.Provider('cluster') };
    const operator = new aws.sns.Topic('operator', {}, { provider: providers.aws });
    const account = { grants: [], settings: {}, password: output('p'), secretName: output('s'), secretKey: 'password' };
    return createData({
      accounts: {
        telemetry: { ...account, username: 'orrery_telemetry' },
        bi: { ...account, username: 'orrery_bi' },
      },
      settings,
      release,
      foundation: {
        environment,
        region: 'eu-west-1',
        accountId: '000000000000',
        tags: {},
        providers: { aws: providers.aws },
        keyArn: output('arn:aws:kms:::key/1'),
        accessLogs: { bucketName: output('access-logs-1') },
      },
      network: {
        vpcId: output('vpc-1'),
        cidr: '10.0.0.0/16',
        publicSubnetIds: [],
        privateSubnetIds: ['subnet-1', 'subnet-2', 'subnet-3'].map((id) => output(id)),
        natGatewayIds: [],
      },
      cluster: {
        providers,
        clusterName: output('orrery'),
        version: output('1.34'),
        securityGroupId: output('sg-1'),
        ready: [],
      },
      namespace: {
        namespaceName: output('orrery'),
        token: {
          value: new RandomPassword('token', { length: 48 }).result,
          secretName: output('token-secret'),
          key: 'token',
        },
      },
      operators: [operator],
    });
  });
}

function componentsOf(resources: readonly RecordedResource[]): string[] {
  return outline({ resources: resources.filter(({ custom }) => !custom) });
}

describe('the data of a cloud', () => {
  it('is in dev all that prod has, but cold parts and Spark', async () => {
    const { resources } = await recordData('dev');
    assert.deepEqual(componentsOf(resources), [
      'orrery:data:ClickHouse clickhouse',
      'orrery:data:Bucket clickhouse-backups',
      'orrery:data:ClickHouseKeeper clickhouse-keeper',
      'orrery:data:ImageRegistry images',
      'orrery:data:Strimzi kafka',
      'orrery:data:Valkey redis-cache',
      'orrery:data:Valkey redis-state',
      'orrery:data:RegistryTable registry-table',
      'orrery:data:StorageClass storage',
      'orrery:data:ObjectStore store',
    ]);
    const prod = componentsOf((await recordData('prod')).resources);
    assert.deepEqual(
      prod.filter((line) => !componentsOf(resources).includes(line)),
      ['orrery:data:Bucket clickhouse-cold', 'orrery:data:Spark spark', 'orrery:data:Bucket spark-results'],
    );
  });

  it('waits for operators before it asks them for anything', async () => {
    const { resources } = await recordData('dev');
    for (const name of ['clickhouse-keeper-installation', 'kafka-pool', 'clickhouse-installation']) {
      assert.ok(resourceNamed({ resources }, name).dependencies.includes('operator'), name);
    }
    assert.ok(
      resourceNamed({ resources }, 'clickhouse-installation').dependencies.includes('clickhouse-keeper-installation'),
    );
  });

  it('has a repository for every service of the release, and each of its topics', async () => {
    const { resources } = await recordData('dev');
    assert.equal(resourceNamed({ resources }, 'images-orchestrator').inputs['name'], 'orrery/orchestrator');
    assert.equal(resourceNamed({ resources }, 'images-scoring').inputs['name'], 'orrery/scoring');
    assert.ok(resources.some(({ name }) => name === 'kafka-topic-orrery.run-events'));
  });

  it('logs who read and wrote what, of every bucket', async () => {
    const { resources } = await recordData('prod');
    const logged = resources.filter(({ type }) => type === 'aws:s3/bucketLogging:BucketLogging');
    assert.deepEqual(
      logged.map(({ name, inputs }) => [name, inputs['targetBucket']]),
      ['clickhouse-backups', 'clickhouse-cold', 'spark-results', 'store'].map((name) => [
        `${name}-logging`,
        'access-logs-1',
      ]),
    );
  });

  it('deletes backups after their days, and moves old parts after theirs', async () => {
    const recording = await recordData('prod');
    const rules = resourceNamed(recording, 'clickhouse-backups-lifecycle').inputs['rules'] as { id: string }[];
    assert.deepEqual(
      rules.find(({ id }) => id === 'expire'),
      { id: 'expire', status: 'Enabled', filter: {}, expiration: { days: 35 } },
    );
    const script = resourceNamed(recording, 'clickhouse-cold-script').inputs['data'] as Record<string, string>;
    assert.match(script['run.sh'] ?? '', /INTERVAL 90 DAY/);
  });

  it('lets the registry add to its log and read it, never change it', async () => {
    const recording = await recordData('dev');
    const policy = JSON.parse(await recording.textOf(recording.result.registryTable.policy)) as {
      Statement: { Action: string[]; Resource: string[] }[];
    };
    assert.deepEqual(policy.Statement[0]?.Action, ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query']);
    assert.deepEqual(policy.Statement[0].Resource, ['${registry-table-table.arn}']);
  });

  it('runs Redis in pods and brokers at AWS where it is told so', async () => {
    const pod = { kind: 'statefulset', cpu: 0.5, memoryMiB: 512 };
    const { resources, result } = await recordData('dev', {
      redis: { state: { ...pod, volumeGiB: 2 }, cache: pod },
      kafka: { kind: 'msk', brokers: 3, instanceType: 'kafka.m7g.large', volumeGiB: 100 },
    });
    const components = componentsOf(resources);
    assert.ok(components.includes('orrery:data:RedisSet redis-state'));
    assert.ok(components.includes('orrery:data:RedisSet redis-cache'));
    assert.ok(components.includes('orrery:data:Msk kafka'));
    assert.equal(result.kafka?.certificateSecretName, undefined);
    assert.ok(resourceNamed({ resources }, 'redis-state-server').dependencies.includes('operator'));
  });

  it('has no brokers where events travel by Redis Streams', async () => {
    const { resources, result } = await recordData('dev', { kafka: { kind: 'none' } });
    assert.equal(result.kafka, undefined);
    assert.ok(!componentsOf(resources).some((line) => line.includes('kafka')));
  });
});
