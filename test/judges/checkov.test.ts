import assert from 'node:assert/strict';
import { judge, packOf } from '#policies/pack.ts';
import { exemplar } from '#test/policies/exemplar.ts';
import { set, type Planting } from '#test/policies/mutant.ts';
import { plant } from '#test/policies/planting.ts';
import { installCheckov, runCheckov } from './checkov.ts';
import {
  environments,
  exportEnvironments,
  exportGraph,
  idleSkips,
  unskipped,
  type Exported,
  type Finding,
} from './exported.ts';

const passedMin = 150;

const openKey = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 'kms:*', Resource: '*' }],
});
const hostPort = set('scoring', { 'spec.template.spec.containers[0].ports': [{ containerPort: 8080, hostPort: 80 }] });

describe('checkov', function () {
  this.timeout(20 * 60_000);
  let python = '';
  let exported: Readonly<Record<'dev' | 'prod', Exported>>;

  before(async function () {
    const found = await installCheckov();
    if ('lacked' in found) {
      process.stdout.write(`      skipped: ${found.lacked}\n`);
      return this.skip();
    }
    python = found.python;
    exported = await exportEnvironments();
  });

  for (const environment of environments) {
    it(`finds nothing in ${environment}’s half of AWS but what is skipped with a reason`, async () => {
      const verdict = await runCheckov(python, exported[environment].plan, 'terraform_plan');
      assert.deepEqual(unskipped('checkov', environment, verdict.failed), []);
      assert.deepEqual(idleSkips('checkov', environment, verdict.failed), []);
      assert.ok(verdict.passed >= passedMin, `${verdict.passed} passed`);
      process.stdout.write(`      ${verdict.passed} passed, ${verdict.failed.length} skipped\n`);
    });

    it(`finds nothing in ${environment}’s objects of Kubernetes but what is skipped with a reason`, async () => {
      const verdict = await runCheckov(python, exported[environment].objects, 'kubernetes');
      assert.deepEqual(unskipped('checkov', environment, verdict.failed), []);
      process.stdout.write(`      ${verdict.passed} passed, ${verdict.failed.length} skipped\n`);
    });
  }

  it('alone sees that everybody may use the key', async () => {
    const found = await plantedAlone(set('key', { policy: openKey }), 'terraform_plan');
    assert.deepEqual(
      found.filter(({ rule }) => rule === 'CKV_AWS_33'),
      [{ rule: 'CKV_AWS_33', resource: 'aws_kms_key.key' }],
    );
  });

  it('alone sees that a pod takes a port of its node', async () => {
    const found = await plantedAlone(hostPort, 'kubernetes');
    assert.ok(
      found.some(({ rule }) => rule === 'CKV_K8S_26'),
      JSON.stringify(found),
    );
  });

  /** What is found of a fault to which none of our rules objects, and not without the fault. */
  async function plantedAlone(planting: Planting, framework: 'kubernetes' | 'terraform_plan'): Promise<Finding[]> {
    const planted = plant(exemplar, planting);
    assert.deepEqual(judge(planted, packOf('prod')), []);
    const file = (graph: typeof exemplar) => exportGraph(graph)[framework === 'kubernetes' ? 'objects' : 'plan'];
    const before = await runCheckov(python, file(exemplar), framework);
    const after = await runCheckov(python, file(planted), framework);
    const told = before.failed.map(({ rule, resource }) => `${rule} ${resource}`);
    return after.failed.filter(({ rule, resource }) => !told.includes(`${rule} ${resource}`));
  }
});
