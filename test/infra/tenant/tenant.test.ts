import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { allowPeers } from '#infra/planning/platform/network-policy.ts';
import { Tenant, type TenantArgs } from '#infra/tenant/tenant.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: TenantArgs = {
  tenant: 'demo',
  tier: 'standard',
  quota: { cpu: 4, memoryGiB: 8, gpus: 0, pods: 20, storageGiB: 50 },
  administrators: ['demo-developers'],
};

function recordTenant(over: Partial<TenantArgs> = {}) {
  return record(() => new Tenant('tenant-demo', { ...args, ...over }));
}

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

describe('a tenant', () => {
  it('is a namespace of its own with limits, rights and an account, and nothing outside it', async () => {
    const recording = await recordTenant();
    assert.deepEqual(outline(recording), [
      'orrery:tenant:Tenant tenant-demo',
      'kubernetes:core/v1:ServiceAccount tenant-demo-account < tenant-demo',
      'kubernetes:rbac.authorization.k8s.io/v1:RoleBinding tenant-demo-administrators < tenant-demo',
      'kubernetes:core/v1:LimitRange tenant-demo-limits < tenant-demo',
      'kubernetes:core/v1:ResourceQuota tenant-demo-quota < tenant-demo',
      'kubernetes:rbac.authorization.k8s.io/v1:Role tenant-demo-role < tenant-demo',
      'orrery:platform:Namespace tenant-demo-space < tenant-demo',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy tenant-demo-space-deny < tenant-demo-space',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy tenant-demo-space-dns < tenant-demo-space',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy tenant-demo-space-inside < tenant-demo-space',
      'kubernetes:core/v1:Namespace tenant-demo-space-namespace < tenant-demo-space',
    ]);
    assert.deepEqual([...recording.completed].sort(), ['tenant-demo', 'tenant-demo-space']);
    assert.deepEqual(resourceNamed(recording, 'tenant-demo-space-namespace').inputs['metadata'], {
      name: 'tenant-demo',
      labels: {
        'orrery.dev/tenant': 'demo',
        'app.kubernetes.io/component': 'tenant',
        'orrery.dev/tier': 'standard',
        'app.kubernetes.io/part-of': 'orrery',
        'orrery.dev/admission': 'enforce',
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/warn': 'restricted',
        'pod-security.kubernetes.io/audit': 'restricted',
      },
    });
  });

  it('is administered by its groups within its own namespace', async () => {
    const recording = await recordTenant();
    const { inputs } = resourceNamed(recording, 'tenant-demo-administrators');
    assert.deepEqual(inputs['roleRef'], {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'Role',
      name: '${tenant-demo-role.metadata.name}',
    });
    assert.deepEqual(inputs['subjects'], [
      { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'demo-developers' },
    ]);
    const account = resourceNamed(recording, 'tenant-demo-account').inputs;
    assert.equal(account['automountServiceAccountToken'], false);
    assert.deepEqual(account['metadata'], { namespace: 'tenant-demo', name: 'workload' });
  });

  it('can’t ask for more than its quota, GPUs included', async () => {
    const { inputs } = resourceNamed(await recordTenant(), 'tenant-demo-quota');
    const { hard } = inputs['spec'] as { hard: Record<string, string> };
    assert.deepEqual([hard['requests.cpu'], hard['pods'], hard['requests.nvidia.com/gpu']], ['4', '20', '0']);
  });

  it('talks to whom the platform names', async () => {
    const gateway = { namespace: 'orrery', labels: { 'app.kubernetes.io/name': 'gateway' } };
    const recording = await recordTenant({ network: [allowPeers({ to: [gateway], ports: [8080] })] });
    assert.deepEqual(resourceNamed(recording, 'tenant-demo-space-peers').inputs['spec'], {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery' } },
              podSelector: { matchLabels: { 'app.kubernetes.io/name': 'gateway' } },
            },
          ],
          ports: [{ protocol: 'TCP', port: 8080 }],
        },
      ],
    });
  });

  it('sees its own folder of a bucket and no other', async () => {
    const recording = await recordTenant({
      identity: { clusterName: 'orrery-dev', bucketArn: 'arn:aws:s3:::data', keyArn: 'arn:aws:kms:::key/1' },
    });
    const policy = JSON.parse(String(resourceNamed(recording, 'tenant-demo-workload-policy').inputs['policy'])) as {
      Statement: unknown[];
    };
    assert.deepEqual(policy.Statement, [
      {
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
        Resource: ['arn:aws:s3:::data/tenants/demo/*'],
      },
      {
        Effect: 'Allow',
        Action: ['s3:ListBucket'],
        Resource: ['arn:aws:s3:::data'],
        Condition: { StringLike: { 's3:prefix': 'tenants/demo/*' } },
      },
      { Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: ['arn:aws:kms:::key/1'] },
    ]);
    const identity = resourceNamed(recording, 'tenant-demo-workload-identity').inputs;
    assert.deepEqual(
      [identity['clusterName'], identity['namespace'], identity['serviceAccount']],
      ['orrery-dev', 'tenant-demo', 'workload'],
    );
    assert.ok(outline(recording).some((line) => line.includes('tenant-demo-space-cloud')));
  });

  it('has a user of ElastiCache that is limited to its keys, and whose password nobody sees', async () => {
    const recording = await recordTenant({
      redis: { kind: 'elasticache', userGroupId: 'group-1', userPrefix: 'orrery-dev' },
    });
    const { inputs } = resourceNamed(recording, 'tenant-demo-redis-user');
    assert.deepEqual(
      [inputs['userId'], inputs['userName'], inputs['engine']],
      ['orrery-dev-demo', 'tenant-demo', 'valkey'],
    );
    assert.match(String(inputs['accessString']), /^on ~queue:campaigns:\{demo\} .* -@all /);
    assert.deepEqual(inputs['authenticationMode'], {
      type: 'password',
      passwords: [{ $secret: '${tenant-demo-redis-password.result}' }],
    });
    assert.deepEqual(resourceNamed(recording, 'tenant-demo-redis-member').inputs, {
      userGroupId: 'group-1',
      userId: 'orrery-dev-demo',
    });
    assert.equal(resourceNamed(recording, 'tenant-demo-redis-password').protect, true);
  });

  it('has a line of rules for a Redis in a pod', async () => {
    const recording = await recordTenant({ redis: { kind: 'acl', namespace: 'orrery' } });
    const rules = resourceNamed(recording, 'tenant-demo-redis-rules').inputs;
    assert.deepEqual(rules['metadata'], { namespace: 'orrery', labels: { 'orrery.dev/redis-user': 'tenant' } });
    assert.match(
      JSON.stringify(rules['stringData']),
      /user tenant-demo on ~queue:campaigns:\{demo\} .* >\$\{tenant-demo-redis-password\.result\}/,
    );
    assert.ok(!outline(recording).some((line) => line.startsWith('aws:')));
  });

  it('has a user of Kafka where the Kafka is', async () => {
    const recording = await recordTenant({ kafka: { namespace: 'orrery', clusterName: 'events' } });
    const { inputs } = resourceNamed(recording, 'tenant-demo-kafka-user');
    assert.deepEqual(
      [inputs['apiVersion'], inputs['kind'], inputs['metadata']],
      [
        'kafka.strimzi.io/v1beta2',
        'KafkaUser',
        { namespace: 'orrery', name: 'tenant-demo', labels: { 'strimzi.io/cluster': 'events' } },
      ],
    );
  });

  it('refuses the platform’s own name, administrators that are nobody, and a user that is too long', async () => {
    await assert.rejects(recordTenant({ tenant: 'main' }), refusedAs('TENANT_RESERVED'));
    await assert.rejects(recordTenant({ administrators: [] }), refusedAs('TENANT_ADMINISTRATORS'));
    await assert.rejects(recordTenant({ administrators: ['system:masters'] }), refusedAs('TENANT_ADMINISTRATORS'));
    const userOf = (letters: number) =>
      recordTenant({
        redis: { kind: 'elasticache', userGroupId: 'group-1', userPrefix: 'x'.repeat(letters - '-demo'.length) },
      });
    await userOf(40);
    await assert.rejects(userOf(41), refusedAs('REDIS_USER_LONG'));
  });
});
