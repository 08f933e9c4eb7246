import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execute } from '#stacks/setup/execution.ts';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import { exemplar } from '#test/policies/exemplar.ts';
import { set } from '#test/policies/mutant.ts';
import { plant } from '#test/policies/planting.ts';
import { environments, exportEnvironments, exportGraph } from './exported.ts';

const runTimeoutMs = 10 * 60_000;

interface Report {
  readonly queries: readonly { readonly query_name: string; readonly severity: string }[];
}

describe('KICS', function () {
  this.timeout(30 * 60_000);
  const program = findProgram(currentHost(), 'kics');
  const queries = process.env['KICS_QUERIES'];
  if (program === undefined || queries === undefined) {
    it('skipped: no kics on the PATH, or KICS_QUERIES does not name its folder of queries (it builds for ten minutes)');
    return;
  }

  for (const environment of environments) {
    it(`has nothing critical or high to say of ${environment}’s objects of Kubernetes`, async () => {
      const { objects } = (await exportEnvironments())[environment];
      assert.deepEqual(await severe(objects), []);
    });
  }

  it('sees a pod that owns its node', async () => {
    const planted = plant(
      exemplar,
      set('scoring', { 'spec.template.spec.containers[0].securityContext.privileged': true }),
    );
    const found = await severe(exportGraph(planted).objects);
    assert.ok(found.length > 0);
  });

  async function severe(file: string): Promise<string[]> {
    const out = mkdtempSync(path.join(tmpdir(), 'orrery-kics-'));
    const words = [
      'scan',
      '--path',
      file,
      '--queries-path',
      queries ?? '',
      '--output-path',
      out,
      '--report-formats',
      'json',
    ];
    await execute(program ?? '', [...words, '--silent'], { env: process.env, timeoutMs: runTimeoutMs });
    const report = JSON.parse(readFileSync(path.join(out, 'results.json'), 'utf8')) as Report;
    return report.queries
      .filter(({ severity }) => severity === 'HIGH' || severity === 'CRITICAL')
      .map(({ severity, query_name }) => `${severity} ${query_name}`);
  }
});
