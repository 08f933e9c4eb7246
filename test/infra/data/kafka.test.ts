import assert from 'node:assert/strict';
import { RandomPassword } from '@pulumi/random';
import type { types } from '@pulumi/kubernetes';
import { createKafka } from '#infra/data/kafka.ts';
import { Msk } from '#infra/data/msk.ts';
import { Strimzi } from '#infra/data/strimzi.ts';
import { PlanError } from '#infra/errors.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const password = { secretName: 'token-secret', key: 'token' };

const operated = {
  namespace: 'orrery',
  version: '4.1.0',
  brokers: 1,
  cpu: 0.5,
  memoryMiB: 1024,
  volumeGiB: 10,
  topics: ['orrery.run-events'],
  password,
  nodePools: true,
  operatorNamespace: 'orrery-system',
  after: [],
};

function managed(brokers = 3) {
  return {
    vpcId: 'vpc-1',
    subnetIds: ['subnet-1', 'subnet-2', 'subnet-3'],
    clientSecurityGroupId: 'sg-nodes',
    version: '4.1',
    brokers,
    instanceType: 'kafka.m7g.large',
    volumeGiB: 500,
    userPassword: new RandomPassword('password', { length: 48 }).result,
    password,
    keyArn: 'arn:aws:kms:::key/1',
    logRetentionDays: 30,
  };
}

describe('a Kafka by its operator', () => {
  it('is brokers, a cluster, the release’s topics and one user; only the user may be deleted', async () => {
    const recording = await record(() => new Strimzi('kafka', operated));
    assert.deepEqual(outline(recording), [
      'orrery:data:Strimzi kafka',
      'kubernetes:kafka.strimzi.io/v1beta2:Kafka kafka-cluster < kafka',
      'kubernetes:kafka.strimzi.io/v1beta2:KafkaNodePool kafka-pool < kafka',
      'kubernetes:kafka.strimzi.io/v1beta2:KafkaTopic kafka-topic-orrery.run-events < kafka',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy kafka-traffic < kafka',
      'kubernetes:kafka.strimzi.io/v1beta2:KafkaUser kafka-user < kafka',
    ]);
    const guarded = recording.resources.filter(({ protect, retainOnDelete }) => protect && retainOnDelete);
    assert.deepEqual(
      guarded.map(({ name }) => name),
      ['kafka-cluster', 'kafka-pool', 'kafka-topic-orrery.run-events'],
    );
    assert.deepEqual([...recording.completed], ['kafka']);
  });

  it('makes each topic under its own name, belonging to the cluster', async () => {
    const { inputs } = resourceNamed(
      await record(() => new Strimzi('kafka', operated)),
      'kafka-topic-orrery.run-events',
    );
    assert.deepEqual(inputs['metadata'], {
      name: 'orrery.run-events',
      namespace: 'orrery',
      labels: { 'strimzi.io/cluster': 'kafka' },
    });
    assert.deepEqual(inputs['spec'], {
      partitions: 4,
      replicas: 1,
      config: { 'cleanup.policy': 'delete', 'retention.ms': 86_400_000, 'min.insync.replicas': 1 },
    });
  });

  it('tells clients where it is, who they are and whom to trust', async () => {
    const { result, textOf } = await record(() => new Strimzi('kafka', operated));
    assert.equal(await textOf(result.brokers), 'kafka-kafka-bootstrap.orrery.svc:9093');
    assert.equal(await textOf(result.certificateSecretName), 'kafka-cluster-ca-cert');
    assert.deepEqual([result.username, result.password, result.clusterName], ['orrery', password, 'kafka']);
  });

  it('lets its operator in, and itself out to itself, to names and to the API', async () => {
    const spec = resourceNamed(await record(() => new Strimzi('kafka', operated)), 'kafka-traffic').inputs[
      'spec'
    ] as types.output.networking.v1.NetworkPolicySpec;
    const member = { 'strimzi.io/cluster': 'kafka' };
    assert.deepEqual(spec.podSelector, { matchLabels: member });
    assert.deepEqual(spec.ingress[0]?.from, [
      { podSelector: { matchLabels: member } },
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery-system' } } },
    ]);
    assert.deepEqual(
      spec.egress.map(({ ports }) => ports.map(({ port }) => port)),
      [
        [9090, 9091, 8443, 9093],
        [53, 53],
        [443, 6443],
      ],
    );
  });
});

describe('a Kafka of AWS', () => {
  it('is one cluster in private subnets, reached from the nodes alone', async () => {
    const recording = await record(() => new Msk('kafka', managed()));
    assert.deepEqual(outline(recording).slice(0, -1), [
      'orrery:data:Msk kafka',
      'aws:ec2/securityGroup:SecurityGroup kafka-access < kafka',
      'aws:msk/cluster:Cluster kafka-cluster < kafka',
      'aws:msk/configuration:Configuration kafka-configuration < kafka',
      'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule kafka-from-nodes < kafka',
      'aws:cloudwatch/logGroup:LogGroup kafka-logs < kafka',
      'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule kafka-measured < kafka',
      'aws:secretsmanager/secret:Secret kafka-secret < kafka',
      'aws:secretsmanager/secretPolicy:SecretPolicy kafka-secret-policy < kafka',
      'aws:secretsmanager/secretVersion:SecretVersion kafka-secret-version < kafka',
      'aws:msk/scramSecretAssociation:ScramSecretAssociation kafka-user < kafka',
    ]);
    assert.deepEqual(resourceNamed(recording, 'kafka-from-nodes').inputs, {
      securityGroupId: '${kafka-access.id}',
      referencedSecurityGroupId: 'sg-nodes',
      ipProtocol: 'tcp',
      fromPort: 9096,
      toPort: 9096,
      description: 'Kafka over TLS',
    });
    const guarded = recording.resources.filter(({ protect, retainOnDelete }) => protect && retainOnDelete);
    assert.deepEqual(
      guarded.map(({ name }) => name),
      ['kafka-cluster', 'kafka-secret'],
    );
    assert.deepEqual([...recording.completed], ['kafka']);
  });

  it('speaks TLS, knows passwords alone, and is encrypted by our key', async () => {
    const { inputs } = resourceNamed(await record(() => new Msk('kafka', managed())), 'kafka-cluster');
    assert.equal(inputs['kafkaVersion'], '4.1.x.kraft');
    assert.equal(inputs['numberOfBrokerNodes'], 3);
    assert.deepEqual(inputs['clientAuthentication'], {
      sasl: { scram: true, iam: false },
      unauthenticated: false,
    });
    assert.deepEqual(inputs['encryptionInfo'], {
      encryptionAtRestKmsKeyArn: 'arn:aws:kms:::key/1',
      encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
    });
    assert.deepEqual(inputs['brokerNodeGroupInfo'], {
      instanceType: 'kafka.m7g.large',
      clientSubnets: ['subnet-1', 'subnet-2', 'subnet-3'],
      storageInfo: { ebsStorageInfo: { volumeSize: 500 } },
      connectivityInfo: { publicAccess: { type: 'DISABLED' } },
      securityGroups: ['${kafka-access.id}'],
    });
    assert.deepEqual(inputs['loggingInfo'], {
      brokerLogs: { cloudwatchLogs: { enabled: true, logGroup: '${kafka-logs.name}' } },
    });
  });

  it('makes no topic that nobody asked for', async () => {
    const { inputs } = resourceNamed(await record(() => new Msk('kafka', managed())), 'kafka-configuration');
    assert.deepEqual(inputs['kafkaVersions'], ['4.1.x.kraft']);
    assert.match(String(inputs['serverProperties']), /^auto\.create\.topics\.enable=false$/m);
  });

  it('knows its user by a secret under our key, which shows nowhere', async () => {
    const recording = await record(() => new Msk('kafka', managed()));
    const { inputs } = resourceNamed(recording, 'kafka-secret');
    assert.deepEqual([inputs['namePrefix'], inputs['kmsKeyId']], ['AmazonMSK_kafka-', 'arn:aws:kms:::key/1']);
    const version = resourceNamed(recording, 'kafka-secret-version').inputs['secretString'] as object;
    assert.deepEqual(Object.keys(version), ['$secret']);
    const user = resourceNamed(recording, 'kafka-user');
    assert.ok(['kafka-secret-version', 'kafka-secret-policy'].every((name) => user.dependencies.includes(name)));
    assert.equal(await recording.textOf(recording.result.brokers), '${kafka-cluster.bootstrapBrokersSaslScram}');
  });

  it('refuses brokers that three subnets can not hold evenly', async () => {
    await assert.rejects(
      record(() => new Msk('kafka', managed(4))),
      (error) => error instanceof PlanError && error.code === 'KAFKA_SIZE_INVALID',
    );
  });
});

describe('a Kafka, whoever runs it', () => {
  it('is the one that is asked for', async () => {
    const inside = await record(() => createKafka('kafka', { kind: 'strimzi', ...operated }, {}));
    assert.ok(outline(inside).includes('orrery:data:Strimzi kafka'));
    assert.ok(!outline(inside).some((line) => line.startsWith('aws:')));
    const outside = await record(() => createKafka('kafka', { kind: 'msk', ...managed() }, {}));
    assert.ok(outline(outside).includes('orrery:data:Msk kafka'));
    assert.equal(outside.result.certificateSecretName, undefined);
  });
});
