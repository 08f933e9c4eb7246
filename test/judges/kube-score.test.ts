import assert from 'node:assert/strict';
import { judge, packOf } from '#policies/pack.ts';
import { currentHost } from '#stacks/setup/host.ts';
import { exemplar } from '#test/policies/exemplar.ts';
import { add } from '#test/policies/mutant.ts';
import { plant } from '#test/policies/planting.ts';
import { environments, exportEnvironments, exportGraph, idleSkips, unskipped, type Exported } from './exported.ts';
import { findKubeScore, installKubeScore, runKubeScore, type Remark } from './kube-score.ts';

const warningsMax = 3;

describe('kube-score', function () {
  this.timeout(20 * 60_000);
  let program = '';
  let exported: Readonly<Record<'dev' | 'prod', Exported>>;

  before(async function () {
    const found = findKubeScore(currentHost()) ?? (await installKubeScore(currentHost()));
    if ('lacked' in found) {
      process.stdout.write(`      skipped: ${found.lacked}\n`);
      return this.skip();
    }
    program = found.program;
    exported = await exportEnvironments();
  });

  for (const environment of environments) {
    it(`has nothing critical to say of ${environment}, and at most ${warningsMax} warnings`, async () => {
      const { passed, remarks } = await runKubeScore(program, exported[environment].objects);
      assert.deepEqual(idleSkips('kube-score', environment, remarks), []);
      const left = unskipped('kube-score', environment, remarks);
      assert.deepEqual(ofGrade(left, 'critical'), []);
      const warnings = ofGrade(left, 'warning');
      assert.ok(warnings.length <= warningsMax, JSON.stringify(warnings));
      process.stdout.write(
        `      ${passed} passed, ${warnings.length} warnings, ${remarks.length - left.length} skipped\n`,
      );
    });
  }

  it('alone sees a Service that finds no pod', async () => {
    const planted = plant(
      exemplar,
      add('kubernetes:core/v1:Service', 'astray', {
        metadata: { namespace: 'orrery' },
        spec: { selector: { app: 'nobody' }, ports: [{ port: 80 }] },
      }),
    );
    assert.deepEqual(judge(planted, packOf('prod')), []);
    const { remarks } = await runKubeScore(program, exportGraph(planted).objects);
    assert.deepEqual(
      ofGrade(remarks, 'critical').filter(({ resource }) => resource === 'astray'),
      [{ rule: 'service-targets-pod', resource: 'astray', grade: 'critical' }],
    );
  });
});

function ofGrade(remarks: readonly Remark[], grade: Remark['grade']): Remark[] {
  return remarks.filter((remark) => remark.grade === grade);
}
