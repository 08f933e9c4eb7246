import assert from 'node:assert/strict';
import { planGpuCaps } from '#infra/planning/compute/pools.ts';
import { gpusOfInstanceType } from '#policies/gpu-pools.ts';
import { judge, packOf, type Finding } from '#policies/pack.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import { exemplar } from './exemplar.ts';
import { mutants, variants } from './mutants.ts';
import { plant } from './planting.ts';

const environments = ['dev', 'prod'] as const;

function told({ rule, resource, property }: Finding): string {
  return `${rule}: ${resource.split(' ').at(-1) ?? ''} ${property}`;
}

for (const environment of environments) {
  describe(`the policies of ${environment}`, () => {
    const pack = packOf(environment);

    it('find nothing in the environment as it is composed', async () => {
      const platform = await recordPlatform(environment);
      assert.deepEqual(judge(platform, pack), []);
    });

    it('find nothing in the exemplar', () => {
      assert.deepEqual(judge(exemplar, pack), []);
    });

    for (const { rule, fault, plant: planting, found } of mutants.filter(isOf(environment))) {
      it(`catch, by ${rule} alone, that ${fault}`, () => {
        const findings = judge(plant(exemplar, planting), pack);
        assert.deepEqual(
          findings.map(told),
          found.map((one) => `${rule}: ${one}`),
        );
      });
    }

    for (const { change, plant: planting } of variants.filter(isOf(environment))) {
      it(`admit ${change}`, () => {
        assert.deepEqual(judge(plant(exemplar, planting), pack), []);
      });
    }

    it('give the same findings again, and leave the graph as it is', () => {
      const before = JSON.stringify(exemplar);
      const wrong = mutants.filter(isOf(environment)).map(({ plant: planting }) => plant(exemplar, planting));
      const judged = () => JSON.stringify(wrong.map((graph) => judge(graph, pack)));
      assert.equal(judged(), judged());
      assert.equal(JSON.stringify(exemplar), before);
    });
  });
}

describe('a pack', () => {
  const { rules } = packOf('prod');

  it('has each rule once, with a reason and a remedy', () => {
    const names = rules.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
    for (const { name, why, remedy } of rules) {
      assert.match(name, /^[a-z-]+$/);
      assert.ok(why.length > 20 && remedy.length > 20, name);
    }
  });

  it('has at least two planted faults for each of its rules', () => {
    // What prod refuses by the list of versions is planted beside its own test.
    const counted = rules.map(({ name }) => name).filter((name) => name !== 'versions-verified');
    for (const rule of counted) assert.ok(mutants.filter((mutant) => mutant.rule === rule).length >= 2, rule);
  });

  it('judges an environment that is not listed as strictly as prod', () => {
    const { name, ...limits } = packOf('preview-12').environment;
    const { name: _, ...strictest } = packOf('prod').environment;
    assert.equal(name, 'preview-12');
    assert.deepEqual(limits, strictest);
    assert.deepEqual(packOf('preview-12').rules, rules);
  });

  it('counts the GPUs of a type as infra plans with them', () => {
    for (const [type, gpus] of Object.entries(gpusOfInstanceType)) {
      assert.equal(planGpuCaps({ gpuMax: 2 * gpus, instanceTypes: [type], sharesPerGpu: 1 }).nodesMax, 2, type);
    }
  });
});

function isOf(environment: string) {
  return (one: { readonly environment: string }) => one.environment === environment;
}
