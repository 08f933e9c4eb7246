import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import Type from 'typebox';
import { closed } from '#stacks/settings/fields.ts';
import { tenantRules, tenantSettings, type TenantSettings } from '#stacks/settings/tenants.ts';

const demo: TenantSettings['tenants'][string] = {
  tier: 'standard',
  cpu: 4,
  memoryGiB: 8,
  gpus: 0,
  pods: 20,
  storageGiB: 50,
  administrators: ['demo-developers'],
};

function malformed(tenants: object): string[] {
  const validate = new Ajv2020({ allErrors: true, strict: false }).compile(Type.Object(tenantSettings, closed));
  validate({ tenants });
  return (validate.errors ?? []).map(({ instancePath }) => instancePath);
}

function problemsOf(tenants: TenantSettings['tenants'], gpuMax = 4) {
  return tenantRules
    .flatMap(({ find }) => find({ tenants, gpuMax }, 'dev'))
    .map(({ path, reason, fix }) => ({ path, reason, fix }));
}

describe('the tenants’ settings', () => {
  it('may name nobody, or whoever has limits and administrators', () => {
    assert.deepEqual([malformed({}), problemsOf({})], [[], []]);
    assert.deepEqual([malformed({ demo }), problemsOf({ demo })], [[], []]);
  });

  it('refuse a limit that is none, and administrators that the cluster itself has', () => {
    assert.deepEqual(malformed({ demo: { ...demo, pods: 0, tier: 'gold', administrators: ['system:masters'] } }), [
      '/tenants/demo/tier',
      '/tenants/demo/pods',
      '/tenants/demo/administrators/0',
    ]);
    assert.deepEqual(malformed({ demo: { ...demo, administrators: [] } }), ['/tenants/demo/administrators']);
  });

  it('refuse names of which nothing can be made, and the platform’s own', () => {
    assert.deepEqual(
      problemsOf({ main: demo, 'North.Sea': demo }).map(({ path, reason }) => [path, reason]),
      [
        ['tenants.main', 'can\'t be planned, the tenant "main" is the platform itself'],
        ['tenants.North.Sea', 'can\'t be planned, "North.Sea" names no tenant'],
      ],
    );
  });

  it('never hand out more GPUs than the one cap', () => {
    assert.deepEqual(problemsOf({ demo: { ...demo, gpus: 3 }, other: { ...demo, gpus: 2 } }), [
      {
        path: 'tenants',
        reason: "can't be planned, tenants may ask for 5 GPUs of 4",
        fix: 'lower theirs, or raise gpuMax: above the cap pods wait for ever',
      },
    ]);
    assert.deepEqual(problemsOf({ demo: { ...demo, gpus: 4 } }), []);
  });
});
