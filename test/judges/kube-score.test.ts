import assert from 'node:assert/strict';
import { judge, packOf } from '#policies/pack.ts';
import { execute } from '#stacks/setup/execution.ts';
import { currentHost } from '#stacks/setup/host.ts';
import { exemplar } from '#test/policies/exemplar.ts';
import { add } from '#test/policies/mutant.ts';
import { plant } from '#test/policies/planting.ts';
import { environments, exportEnvironments, exportGraph, skippedRules, skipsOf, type Exported } from './exported.ts';
import { findKubeScore, installKubeScore } from './kube-score.ts';

const warningsMax = 3;
const runTimeoutMs = 60_000;

describe('kube-score', function () {
  this.timeout(20 * 60_000);
  let program = '';
  let exported: Readonly<Record<'dev' | 'prod', Exported>>;

  before(async function () {
    const found = findKubeScore(currentHost()) ?? (await installKubeScore(currentHost()));
    if (found === undefined) {
      process.stdout.write('      skipped: neither kube-score nor Go on the PATH\n');
      return this.skip();
    }
    program = found;
    exported = await exportEnvironments();
  });

  for (const environment of environments) {
    it(`has nothing critical to say of ${environment}, and at most ${warningsMax} warnings`, async () => {
      const lines = await score(exported[environment].objects, environment);
      const [critical, warnings] = [ofGrade(lines, 'CRITICAL'), ofGrade(lines, 'WARNING')];
      assert.deepEqual(critical, []);
      assert.ok(warnings.length <= warningsMax, warnings.join('\n'));
      process.stdout.write(`      ${ofGrade(lines, 'OK').length} ok, ${warnings.length} warnings\n`);
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
    const found = ofGrade(await score(exportGraph(planted).objects, 'prod'), 'CRITICAL');
    assert.ok(
      found.some((line) => /astray.*does not match any pods/.test(line)),
      found.join('\n'),
    );
  });

  it('is told a reason for everything that it skips', () => {
    for (const { rule, reason } of skipsOf('kube-score')) assert.ok(reason.length > 20, `${rule} has no reason`);
  });

  async function score(file: string, environment: string): Promise<string[]> {
    const skipped = skippedRules('kube-score', environment);
    const words = ['score', '--output-format', 'ci', '--kubernetes-version', 'v1.34'];
    const ignored = skipped.filter((rule) => rule !== 'container-cpu-limit');
    if (ignored.length < skipped.length) words.push('--ignore-container-cpu-limit');
    const options = { env: process.env, timeoutMs: runTimeoutMs };
    const { output } = await execute(
      program,
      [...words, ...ignored.flatMap((rule) => ['--ignore-test', rule]), file],
      options,
    );
    const lines = output.split('\n').filter((line) => line.startsWith('['));
    assert.ok(lines.length > 0, `kube-score judged nothing: ${output}`);
    return lines;
  }
});

function ofGrade(lines: readonly string[], grade: string): string[] {
  return lines.filter((line) => line.startsWith(`[${grade}]`));
}
