import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cloneRepository, type Clone } from '#test/support/clone.ts';

interface Judged {
  readonly environments: readonly {
    readonly environment: string;
    readonly resources: number;
    readonly rules: readonly string[];
    readonly findings: readonly { readonly rule: string; readonly resource: string }[];
  }[];
}

describe('orrery policy', function () {
  this.timeout(300_000);
  let clone: Clone;

  before(() => {
    clone = cloneRepository();
  });
  after(() => clone.remove());

  it('finds nothing in dev, and writes its two halves for other judges', async () => {
    const folder = path.join(clone.state, 'judged');
    const answer = await clone.orrery(['policy', 'dev', '--export', folder, '--json']);
    assert.equal(answer.code, 0, answer.stdout + answer.stderr);
    const [dev] = (answer.json() as Judged).environments;
    assert.equal(dev?.environment, 'dev');
    assert.ok(dev.resources > 100);
    assert.ok(dev.rules.includes('gpu-cap-agrees'));
    assert.deepEqual(dev.findings, []);
    assert.match(readFileSync(path.join(folder, 'dev.plan.json'), 'utf8'), /"type": "aws_eks_cluster"/);
    assert.match(readFileSync(path.join(folder, 'dev.objects.yaml'), 'utf8'), /^kind: Deployment$/m);
    assert.equal(existsSync(path.join(folder, 'prod.plan.json')), false);
  });

  it('refuses prod while versions are not verified, each with what to do', async () => {
    const answer = await clone.orrery(['policy', 'prod']);
    assert.equal(answer.code, 3, answer.stderr);
    assert.match(answer.stdout, /^prod: \d+ violations of 1 rules/);
    assert.match(answer.stdout, /versions-verified[^]*nobody has looked up[^]*to do: look it up at its publisher/);
  });

  it('refuses an environment that has no file', async () => {
    const answer = await clone.orrery(['policy', 'moon']);
    assert.equal(answer.code, 2);
  });
});
