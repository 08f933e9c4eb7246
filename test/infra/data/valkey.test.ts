import assert from 'node:assert/strict';
import { RandomPassword } from '@pulumi/random';
import type { RedisRole } from '#infra/data/redis.ts';
import { Valkey } from '#infra/data/valkey.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

function recordValkey(role: RedisRole, replicas: number) {
  return record(
    () =>
      new Valkey('redis', {
        role,
        vpcId: 'vpc-1',
        subnetIds: ['subnet-1', 'subnet-2'],
        clientSecurityGroupId: 'sg-nodes',
        engine: { version: '8.2', family: 'valkey8' },
        nodeType: 'cache.r7g.large',
        replicas,
        snapshotDays: 7,
        authToken: new RandomPassword('password', { length: 48 }).result,
        keyArn: 'arn:aws:kms:::key/1',
      }),
  );
}

describe('a Valkey', () => {
  it('is one replication group in private subnets, reached from the nodes alone', async () => {
    const recording = await recordValkey('state', 2);
    assert.deepEqual(outline(recording), [
      'random:index/randomPassword:RandomPassword password',
      'orrery:data:Valkey redis',
      'aws:ec2/securityGroup:SecurityGroup redis-access < redis',
      'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule redis-from-nodes < redis',
      'aws:elasticache/replicationGroup:ReplicationGroup redis-group < redis',
      'aws:elasticache/parameterGroup:ParameterGroup redis-parameters < redis',
      'aws:elasticache/subnetGroup:SubnetGroup redis-subnets < redis',
    ]);
    assert.deepEqual(resourceNamed(recording, 'redis-from-nodes').inputs, {
      securityGroupId: '${redis-access.id}',
      referencedSecurityGroupId: 'sg-nodes',
      ipProtocol: 'tcp',
      fromPort: 6379,
      toPort: 6379,
      description: 'Valkey over TLS',
    });
    assert.deepEqual([...recording.completed], ['redis']);
  });

  it('never evicts state, and evicts a cache by least use', async () => {
    const policyOf = async (role: RedisRole) =>
      resourceNamed(await recordValkey(role, 0), 'redis-parameters').inputs['parameters'];
    assert.deepEqual(await policyOf('state'), [{ name: 'maxmemory-policy', value: 'noeviction' }]);
    assert.deepEqual(await policyOf('cache'), [{ name: 'maxmemory-policy', value: 'volatile-lru' }]);
  });

  it('protects state and lets a cache go', async () => {
    const guardsOf = async (role: RedisRole) => {
      const { protect, retainOnDelete } = resourceNamed(await recordValkey(role, 0), 'redis-group');
      return [protect, retainOnDelete];
    };
    assert.deepEqual(await guardsOf('state'), [true, true]);
    assert.deepEqual(await guardsOf('cache'), [false, false]);
  });

  it('is encrypted at rest and in transit, asks a password that nobody sees, and never moves by itself', async () => {
    const recording = await recordValkey('state', 2);
    const { inputs } = resourceNamed(recording, 'redis-group');
    assert.deepEqual(inputs, {
      description: 'Orrery state',
      engine: 'valkey',
      engineVersion: '8.2',
      nodeType: 'cache.r7g.large',
      port: 6379,
      numCacheClusters: 3,
      automaticFailoverEnabled: true,
      multiAzEnabled: true,
      atRestEncryptionEnabled: true,
      kmsKeyId: 'arn:aws:kms:::key/1',
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      authToken: { $secret: '${password.result}' },
      snapshotRetentionLimit: 7,
      autoMinorVersionUpgrade: false,
      applyImmediately: false,
      subnetGroupName: '${redis-subnets.name}',
      parameterGroupName: '${redis-parameters.name}',
      securityGroupIds: ['${redis-access.id}'],
    });
  });

  it('promises no failover where there is nothing to fail over to', async () => {
    const { inputs } = resourceNamed(await recordValkey('cache', 0), 'redis-group');
    assert.deepEqual(
      [inputs['numCacheClusters'], inputs['automaticFailoverEnabled'], inputs['multiAzEnabled']],
      [1, false, false],
    );
  });

  it('is reached over TLS', async () => {
    const recording = await recordValkey('state', 0);
    const url = await recording.textOf(recording.result.url);
    assert.equal(url, 'rediss://${redis-group.primaryEndpointAddress}:6379');
  });
});
