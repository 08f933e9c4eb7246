import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import {
  planBrokerConfig,
  planKafkaPoolSpec,
  planKafkaSpec,
  planMsk,
  planPlatformUserSpec,
  planStrimzi,
  type StrimziSpecRequest,
} from '#infra/planning/data/kafka.ts';
import { planReplication, planTopics } from '#infra/planning/data/topics.ts';

const request: StrimziSpecRequest = {
  version: '4.1.0',
  brokers: 3,
  cpu: 1,
  memoryMiB: 4097,
  volumeGiB: 100,
  storageClassName: 'kept',
  nodePools: true,
  labels: { app: 'kafka' },
};

function refuses(plan: () => unknown, code = 'KAFKA_SIZE_INVALID'): void {
  assert.throws(plan, (error) => error instanceof PlanError && error.code === code);
}

describe('the plan of a Kafka by its operator', () => {
  it('refuses brokers that could not decide by majority', () => {
    for (const brokers of [1, 3, 9]) assert.equal(planStrimzi({ brokers, memoryMiB: 1024 }).brokers, brokers);
    for (const brokers of [0, 2, 4, 10, 11, 1.5]) refuses(() => planStrimzi({ brokers, memoryMiB: 1024 }));
  });

  it('refuses memory in which no heap fits', () => {
    refuses(() => planStrimzi({ brokers: 1, memoryMiB: 1023 }));
    refuses(() => planStrimzi({ brokers: 1, memoryMiB: 1024.5 }));
    refuses(() => planKafkaPoolSpec({ ...request, memoryMiB: 1 }));
    refuses(() => planKafkaSpec({ ...request, brokers: 2 }));
  });

  it('admits clients over TLS with a password alone', () => {
    const { kafka } = planKafkaSpec(request);
    const [{ networkPolicyPeers: _, ...listener }] = kafka.listeners as [(typeof kafka.listeners)[0] & object];
    assert.deepEqual(listener, {
      name: 'clients',
      port: 9093,
      type: 'internal',
      tls: true,
      authentication: { type: 'scram-sha-512' },
    });
    assert.equal(kafka.listeners.length, 1);
    assert.deepEqual(kafka.authorization, { type: 'simple' });
    assert.deepEqual([kafka.version, kafka.metadataVersion], ['4.1.0', '4.1-IV1']);
  });

  it('keeps three copies of which two must agree, from three brokers on', () => {
    assert.deepEqual(planBrokerConfig(3), {
      'auto.create.topics.enable': false,
      'default.replication.factor': 3,
      'min.insync.replicas': 2,
      'offsets.topic.replication.factor': 3,
      'transaction.state.log.min.isr': 2,
      'transaction.state.log.replication.factor': 3,
      'unclean.leader.election.enable': false,
    });
    assert.deepEqual(planReplication(1), { replicas: 1, inSyncMin: 1 });
    assert.deepEqual(planReplication(2), { replicas: 2, inSyncMin: 1 });
    assert.deepEqual(planReplication(9), { replicas: 3, inSyncMin: 2 });
  });

  it('keeps the volumes of brokers that are gone', () => {
    const { storage, replicas, roles, jvmOptions } = planKafkaPoolSpec(request);
    assert.deepEqual(storage.volumes, [
      {
        id: 0,
        type: 'persistent-claim',
        size: '100Gi',
        class: 'kept',
        deleteClaim: false,
        kraftMetadata: 'shared',
      },
    ]);
    assert.deepEqual([replicas, roles], [3, ['controller', 'broker']]);
    assert.deepEqual(jvmOptions, { '-Xms': '2048m', '-Xmx': '2048m' });
    const [volume] = planKafkaPoolSpec({ ...request, storageClassName: undefined }).storage.volumes;
    assert.equal(volume?.class, undefined);
  });

  it('stands on demand, one broker a node, aware of zones where nodes tell theirs', () => {
    const { kafka, entityOperator } = planKafkaSpec(request);
    const onDemand = {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'orrery.dev/pool', operator: 'In', values: ['general'] }] }],
      },
    };
    assert.deepEqual(kafka.rack, { topologyKey: 'topology.kubernetes.io/zone' });
    assert.deepEqual(kafka.template.pod.affinity.nodeAffinity, onDemand);
    assert.deepEqual(entityOperator.template.pod.affinity, { nodeAffinity: onDemand });
    assert.deepEqual(kafka.template.podDisruptionBudget, { maxUnavailable: 1 });
    const bare = planKafkaSpec({ ...request, nodePools: false });
    assert.deepEqual(
      [bare.kafka.rack, bare.kafka.template.pod.affinity.nodeAffinity, bare.entityOperator.template.pod.affinity],
      [undefined, undefined, undefined],
    );
  });

  it('gives the platform its own topics and no tenant’s', () => {
    const { authentication, authorization } = planPlatformUserSpec({ secretName: 'token-secret', key: 'token' });
    assert.deepEqual(authentication, {
      type: 'scram-sha-512',
      password: { valueFrom: { secretKeyRef: { name: 'token-secret', key: 'token' } } },
    });
    assert.deepEqual(authorization.acls, [
      {
        resource: { type: 'topic', name: 'orrery.', patternType: 'prefix' },
        operations: ['Create', 'Describe', 'DescribeConfigs', 'Read', 'Write'],
      },
      { resource: { type: 'group', name: '*', patternType: 'literal' }, operations: ['Describe', 'Read'] },
    ]);
  });
});

describe('the plan of an MSK', () => {
  it('refuses brokers that its zones can not hold evenly', () => {
    for (const brokers of [3, 6, 30]) assert.equal(planMsk({ brokers, zones: 3 }).brokers, brokers);
    assert.equal(planMsk({ brokers: 2, zones: 2 }).brokers, 2);
    for (const brokers of [0, 2, 4, 33, 3.5]) refuses(() => planMsk({ brokers, zones: 3 }));
    refuses(() => planMsk({ brokers: 1, zones: 1 }));
  });
});

describe('the topics of a release', () => {
  it('are each once, by name, as services ask for them', () => {
    const config = { 'cleanup.policy': 'delete', 'retention.ms': 86_400_000, 'min.insync.replicas': 2 };
    assert.deepEqual(planTopics(['orrery.b', 'orrery.a', 'orrery.b'], 3), [
      { topic: 'orrery.a', partitions: 4, replicas: 3, config },
      { topic: 'orrery.b', partitions: 4, replicas: 3, config },
    ]);
  });

  it('are refused by a name that Kafka or Kubernetes does not take', () => {
    assert.equal(planTopics([`a${'b'.repeat(126)}`], 1).length, 1);
    for (const topic of ['', 'Orrery', 'a_b', '.a', 'a.', `a${'b'.repeat(127)}`]) {
      refuses(() => planTopics([topic], 1), 'TOPIC_INVALID');
    }
  });
});
