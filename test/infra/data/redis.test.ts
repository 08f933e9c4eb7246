import assert from 'node:assert/strict';
import { RandomPassword } from '@pulumi/random';
import { createRedis } from '#infra/data/redis.ts';
import { outline, record } from '#test/support/pulumi.ts';

describe('a Redis, whoever runs it', () => {
  it('is a Valkey of AWS under the resources that it always had', async () => {
    const recording = await record(() =>
      createRedis(
        'redis-state',
        {
          kind: 'elasticache',
          role: 'state',
          vpcId: 'vpc-1',
          subnetIds: ['subnet-1'],
          clientSecurityGroupId: 'sg-1',
          engine: { version: '8.2', family: 'valkey8' },
          nodeType: 'cache.t4g.micro',
          replicas: 0,
          snapshotDays: 1,
          authToken: new RandomPassword('password', { length: 48 }).result,
          keyArn: 'arn:aws:kms:::key/1',
        },
        {},
      ),
    );
    assert.ok(outline(recording).includes('orrery:data:Valkey redis-state'));
    assert.equal(
      await recording.textOf(recording.result.url),
      'rediss://${redis-state-group.primaryEndpointAddress}:6379',
    );
  });

  it('is a pod of this cluster where it is told so, and asks nothing of AWS', async () => {
    const recording = await record(() =>
      createRedis(
        'redis-cache',
        {
          kind: 'statefulset',
          role: 'cache',
          namespace: 'orrery',
          image: `registry.example/valkey:1.2.3@sha256:${'a'.repeat(64)}`,
          password: { secretName: 'token-secret', key: 'token' },
          cpu: 0.5,
          memoryMiB: 256,
          nodePools: false,
          after: [],
        },
        {},
      ),
    );
    assert.ok(outline(recording).includes('orrery:data:RedisSet redis-cache'));
    assert.ok(!outline(recording).some((line) => line.startsWith('aws:')));
  });
});
