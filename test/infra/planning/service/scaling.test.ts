import assert from 'node:assert/strict';
import { kafkaGroupId } from '@orrery/kit/bus/kafka';
import fastCheck from 'fast-check';
import { PlanError } from '#infra/errors.ts';
import {
  assertReplicas,
  consumerGroup,
  placeOfRedis,
  planCpuScaling,
  planScaledObject,
  type QueueSignal,
  type ScalingSignal,
} from '#infra/planning/service/scaling.ts';

const lag: QueueSignal = { signal: 'kafka-lag', topic: 'objects', group: 'inference', perReplica: 50 };
const size: QueueSignal = { signal: 'redis-size', key: 'queue:campaigns:{main}', perReplica: 100 };
const query: QueueSignal = { signal: 'prometheus', query: 'sum(in_flight)', perReplica: 8 };

function codeOf(scaling: ScalingSignal, min: number, max: number, partitions?: Record<string, number>): string {
  try {
    assertReplicas('inference', scaling, { min, max }, partitions);
    return 'none';
  } catch (error) {
    assert.ok(error instanceof PlanError);
    return error.code;
  }
}

describe('the replicas of a service', () => {
  it('are at least one, unless nothing runs while nothing waits', () => {
    assert.deepEqual(
      [codeOf('cpu', 0, 2), codeOf('none', 0, 0), codeOf(size, 0, 2), codeOf(size, 0, 0)],
      ['REPLICAS_INVALID', 'REPLICAS_INVALID', 'none', 'REPLICAS_INVALID'],
    );
  });

  it('are one number for a service that does not scale', () => {
    assert.deepEqual([codeOf('none', 1, 2), codeOf('none', 2, 2)], ['REPLICAS_INVALID', 'none']);
  });

  it('are never more than the partitions of the topic that they read, since the others would stand idle', () => {
    const partitions = { objects: 4 };
    assert.equal(codeOf(lag, 1, 4, partitions), 'none');
    assert.equal(codeOf(lag, 1, 5, partitions), 'REPLICAS_ABOVE_PARTITIONS');
    assert.equal(codeOf(lag, 1, 1, { events: 4 }), 'TOPIC_UNKNOWN');
    assert.equal(codeOf(lag, 1, 1), 'TOPIC_UNKNOWN');
  });

  it('are accepted exactly where they are in order, whatever the numbers', () => {
    const number = fastCheck.integer({ min: -2, max: 9 });
    fastCheck.assert(
      fastCheck.property(number, number, number, (min, max, partitions) => {
        const right = min >= 0 && max >= 1 && min <= max && max <= partitions;
        assert.equal(codeOf(lag, min, max, { objects: partitions }) === 'none', right);
      }),
    );
  });
});

describe('what an autoscaler is asked for', () => {
  it('is a replica more above 70 % of the cores, and one less only after a lull', () => {
    assert.deepEqual(planCpuScaling('scoring-deployment', { min: 2, max: 5 }), {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'scoring-deployment' },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
    });
  });

  it('is what waits in Redis, over TLS where Redis speaks it, and the least there may be while nobody can say', () => {
    const place = placeOfRedis('rediss://state.example:6380');
    assert.deepEqual(
      planScaledObject({
        signal: size,
        replicas: { min: 0, max: 6 },
        target: 'worker',
        place,
        authentication: 'login',
      }),
      {
        scaleTargetRef: { name: 'worker' },
        pollingInterval: 15,
        cooldownPeriod: 300,
        minReplicaCount: 0,
        maxReplicaCount: 6,
        fallback: { failureThreshold: 4, replicas: 1 },
        triggers: [
          {
            type: 'redis',
            metadata: {
              address: 'state.example:6380',
              listName: 'queue:campaigns:{main}',
              listLength: '100',
              enableTLS: 'true',
            },
            authenticationRef: { name: 'login' },
          },
        ],
      },
    );
  });

  it('is the lag of a group as the bus names it', () => {
    const place = { address: 'one:9093,two:9093', tls: true };
    const asked = { signal: lag, replicas: { min: 2, max: 4 }, target: 'worker', place };
    const { triggers, fallback } = planScaledObject({ ...asked, authentication: 'login' });
    assert.deepEqual(triggers, [
      {
        type: 'kafka',
        metadata: {
          bootstrapServers: 'one:9093,two:9093',
          topic: 'objects',
          consumerGroup: 'inference.objects',
          lagThreshold: '50',
          offsetResetPolicy: 'earliest',
          allowIdleConsumers: 'false',
          tls: 'enable',
          sasl: 'scram_sha512',
        },
        authenticationRef: { name: 'login' },
      },
    ]);
    assert.equal(fallback.replicas, 2);
    assert.equal(consumerGroup(lag), kafkaGroupId('objects', 'inference'));
    const [open] = planScaledObject({ ...asked, place: { ...place, tls: false } }).triggers;
    assert.deepEqual([open?.metadata['tls'], open?.metadata['sasl']], ['disable', undefined]);
  });

  it('is what a query answers, and no answer is no zero', () => {
    const place = { address: 'http://metrics.example:9090', tls: false };
    const { triggers } = planScaledObject({ signal: query, replicas: { min: 1, max: 3 }, target: 'worker', place });
    assert.deepEqual(triggers, [
      {
        type: 'prometheus',
        metadata: {
          serverAddress: 'http://metrics.example:9090',
          query: 'sum(in_flight)',
          threshold: '8',
          ignoreNullValues: 'false',
        },
      },
    ]);
  });

  it('finds a Redis at its own port where the address names none', () => {
    assert.deepEqual(placeOfRedis('redis://redis-state.orrery.svc'), {
      address: 'redis-state.orrery.svc:6379',
      tls: false,
    });
  });
});
