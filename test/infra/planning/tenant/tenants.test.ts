import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlanError } from '#infra/errors.ts';
import {
  assertTenant,
  planKafkaUser,
  planRedisAccess,
  planTenantGpus,
  planTenantLimits,
  planTenantQuota,
  planTenantRole,
  tenantLabels,
} from '#infra/planning/tenant/tenants.ts';

const quota = { cpu: 4, memoryGiB: 8, gpus: 1, pods: 20, storageGiB: 50 };

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

describe('a tenant’s plan', () => {
  it('takes names of which namespaces, users and topics can be made, and never the platform’s own', () => {
    for (const tenant of ['demo', 'north-sea', 'a1b', 'x'.repeat(24)]) assertTenant(tenant);
    for (const tenant of ['', 'ab', 'Demo', '1demo', 'demo-', 'north.sea', 'x'.repeat(25)]) {
      assert.throws(() => assertTenant(tenant), refusedAs('TENANT_NAME_INVALID'), tenant);
    }
    assert.throws(() => assertTenant('main'), refusedAs('TENANT_RESERVED'));
  });

  it('limits everything that is paid for, and leads no way out of the cluster', () => {
    assert.deepEqual(planTenantQuota(quota), {
      'requests.cpu': '4',
      'requests.memory': '8Gi',
      'limits.memory': '8Gi',
      pods: '20',
      'requests.storage': '50Gi',
      'requests.nvidia.com/gpu': '1',
      'services.loadbalancers': '0',
      'services.nodeports': '0',
    });
  });

  it('gives a silent container little, and none more than a quarter', () => {
    assert.deepEqual(planTenantLimits(quota), {
      limits: [
        {
          type: 'Container',
          defaultRequest: { cpu: '100m', memory: '128Mi' },
          default: { memory: '256Mi' },
          max: { cpu: '1000m', memory: '2048Mi' },
        },
      ],
    });
  });

  it('refuses a quota of nothing or of parts', () => {
    const least = { cpu: 0.5, memoryGiB: 1, gpus: 0, pods: 1, storageGiB: 0 };
    assert.equal(planTenantQuota(least)['requests.cpu'], '0.5');
    for (const wrong of [{ cpu: 0.25 }, { memoryGiB: 0.5 }, { pods: 0 }, { gpus: 0.5 }, { storageGiB: -1 }]) {
      assert.throws(() => planTenantQuota({ ...quota, ...wrong }), refusedAs('TENANT_QUOTA'), JSON.stringify(wrong));
    }
  });

  it('leaves the platform what tenants may not ask for, and never hands out more GPUs than there are', () => {
    assert.equal(planTenantGpus([], 4), 4);
    assert.equal(planTenantGpus([1, 3], 4), 0);
    assert.throws(() => planTenantGpus([2, 3], 4), refusedAs('TENANT_GPUS'));
    fc.assert(
      fc.property(fc.array(fc.nat(8)), fc.nat(32), (tenants, gpus) => {
        const asked = tenants.reduce((sum, count) => sum + count, 0);
        if (asked > gpus) assert.throws(() => planTenantGpus(tenants, gpus), refusedAs('TENANT_GPUS'));
        else assert.equal(planTenantGpus(tenants, gpus) + asked, gpus);
      }),
    );
  });

  it('lets its people run workloads, and neither read Secrets nor give themselves rights or room', () => {
    const rules = planTenantRole();
    const changes = rules.filter(({ verbs }) => (verbs as string[]).includes('create'));
    const changeable = changes.flatMap(({ resources }) => resources as string[]);
    assert.deepEqual(changeable, [
      'pods',
      'configmaps',
      'services',
      'persistentvolumeclaims',
      'deployments',
      'statefulsets',
      'jobs',
      'cronjobs',
      'horizontalpodautoscalers',
      'poddisruptionbudgets',
    ]);
    const seen = rules.flatMap(({ resources }) => resources as string[]);
    for (const closed of ['secrets', 'roles', 'rolebindings', 'serviceaccounts', 'pods/exec', '*']) {
      assert.ok(!seen.includes(closed), closed);
    }
  });

  it('reads and writes its own keys of Redis alone, and can’t list anybody’s', () => {
    assert.equal(
      planRedisAccess('demo'),
      'on ~queue:campaigns:{demo} ~rl:{demo}:* ~tenant:{demo}:* ' +
        '-@all +@read +@write +@connection +@transaction -@dangerous -@pubsub -scan -randomkey -dbsize',
    );
    assert.throws(() => planRedisAccess('demo} ~*'), refusedAs('TENANT_NAME_INVALID'));
  });

  it('reads and writes its own topics alone, whose prefix ends with a dot, within its tier’s share', () => {
    const own = (type: string) => ({ type, name: 'tenant.demo.', patternType: 'prefix' });
    assert.deepEqual(planKafkaUser('demo', 'standard'), {
      authentication: { type: 'scram-sha-512' },
      authorization: {
        type: 'simple',
        acls: [
          { resource: own('topic'), operations: ['Read', 'Write', 'Describe', 'DescribeConfigs'], host: '*' },
          { resource: own('group'), operations: ['Read', 'Describe'], host: '*' },
          { resource: own('transactionalId'), operations: ['Write', 'Describe'], host: '*' },
        ],
      },
      quotas: { producerByteRate: 1_048_576, consumerByteRate: 1_048_576, requestPercentage: 10 },
    });
    assert.deepEqual(planKafkaUser('demo', 'premium').quotas, {
      producerByteRate: 10_485_760,
      consumerByteRate: 10_485_760,
      requestPercentage: 40,
    });
  });

  it('never reaches what another tenant has, however alike their names are', () => {
    const name = fc
      .tuple(fc.constantFrom('a', 'b'), fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 6 }))
      .map(([first, rest]) => `${first}${rest}a1`);
    const reaches = (pattern: string, key: string) =>
      pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern;
    fc.assert(
      fc.property(name, name, (mine, theirs) => {
        fc.pre(mine !== theirs);
        const patterns = [...planRedisAccess(mine).matchAll(/~(\S+)/g)].map(([, pattern]) => pattern ?? '');
        for (const key of [`queue:campaigns:{${theirs}}`, `rl:{${theirs}}:60`, `tenant:{${theirs}}:note`]) {
          assert.ok(!patterns.some((pattern) => reaches(pattern, key)), `${mine} reaches ${key}`);
        }
        for (const { resource } of planKafkaUser(mine, 'standard').authorization.acls) {
          assert.ok(!`tenant.${theirs}.orders`.startsWith(resource.name), `${mine} reaches topics of ${theirs}`);
        }
      }),
    );
  });

  it('bears its name and its tier', () => {
    assert.deepEqual(tenantLabels('demo', 'premium'), {
      'orrery.dev/tenant': 'demo',
      'app.kubernetes.io/component': 'tenant',
      'orrery.dev/tier': 'premium',
    });
  });
});
