import assert from 'node:assert/strict';
import { planGpuCaps } from '#infra/planning/pools.ts';
import { gpusOfInstanceType } from '#policies/gpu-cap-agrees.ts';
import { judge, packOf } from '#policies/pack.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import type { Recording } from '#test/support/pulumi.ts';
import { mutants, variants } from './mutants.ts';
import { plant } from './planting.ts';

for (const environment of ['dev', 'prod'] as const) {
  describe(`the policies of ${environment}`, () => {
    const pack = packOf(environment);
    let platform: Recording<unknown>;

    before(async () => {
      platform = await recordPlatform(environment);
    });

    it('find nothing in the graph as it is composed', () => {
      assert.deepEqual(judge(platform, pack), []);
    });

    for (const { rule, fault, plant: planting, found } of mutants.filter(isIn(environment))) {
      it(`catch, by ${rule} alone, that ${fault}`, () => {
        assert.deepEqual(
          judge(plant(platform, planting), pack).map((one) => [one.rule, one.resource, one.property, one.value]),
          found.map((expected) => [rule, ...expected]),
        );
      });
    }

    for (const { change, plant: planting } of variants.filter(isIn(environment))) {
      it(`admit ${change}`, () => {
        assert.deepEqual(judge(plant(platform, planting), pack), []);
      });
    }

    it('give the same findings again, and leave the graph as it is', () => {
      const before = JSON.stringify(platform.resources);
      const wrong = mutants.filter(isIn(environment)).map(({ plant: planting }) => plant(platform, planting));
      const judged = () => JSON.stringify(wrong.map((graph) => judge(graph, pack)));
      assert.equal(judged(), judged());
      assert.equal(JSON.stringify(platform.resources), before);
    });
  });
}

describe('a pack', () => {
  it('has at least two planted faults for each of its rules', () => {
    const rules = packOf('prod').rules.map(({ name }) => name);
    assert.deepEqual(rules, [
      'no-open-endpoint',
      'stateful-is-protected',
      'images-by-digest',
      'gpu-cap-agrees',
      'redis-policies',
    ]);
    for (const rule of rules) assert.ok(mutants.filter((mutant) => mutant.rule === rule).length >= 2, rule);
  });

  it('judges an environment that is not listed as strictly as prod', () => {
    const { environment, rules } = packOf('preview-12');
    assert.deepEqual(environment, { name: 'preview-12', apiAccess: 'private' });
    assert.deepEqual(rules, packOf('prod').rules);
  });

  it('counts the GPUs of a type as infra plans with them', () => {
    for (const [type, gpus] of Object.entries(gpusOfInstanceType)) {
      assert.equal(planGpuCaps({ gpuMax: 2 * gpus, instanceTypes: [type] }).nodesMax, 2, type);
    }
  });
});

function isIn(environment: 'dev' | 'prod') {
  return ({ environments }: { readonly environments: readonly string[] }) => environments.includes(environment);
}
