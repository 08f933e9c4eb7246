import assert from 'node:assert/strict';
import { findProblems } from '#stacks/settings/check.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';

/** Path and reason of each problem of the file of an environment, with its cluster changed. */
function problemsOf(environment: string, change: object): string[] {
  const settings = structuredClone(settingsOfFile(environment)) as { cluster: object };
  Object.assign(settings.cluster, change);
  return findProblems(environment, settings)
    .filter(({ path }) => path.startsWith('cluster'))
    .map(({ path, reason }) => `${path} ${reason}`);
}

describe('the settings of a cluster', () => {
  it('give a role one right', () => {
    const administrators = ['orrery-deployer', 'oncall'];
    assert.deepEqual(problemsOf('dev', { administrators, viewers: ['auditor'] }), []);
    assert.deepEqual(problemsOf('dev', { administrators, viewers: ['auditor', 'oncall'] }), [
      'cluster.viewers administers the cluster too',
    ]);
  });

  it('name at least one administrator', () => {
    assert.match(problemsOf('dev', { administrators: [] })[0] ?? '', /^cluster\.administrators must NOT have fewer/);
  });

  it('open the API of dev to ranges that are named, that of prod to nobody', () => {
    const publicAccessCidrs = ['203.0.113.0/24'];
    assert.deepEqual(problemsOf('dev', { publicAccessCidrs }), []);
    assert.deepEqual(problemsOf('prod', { publicAccessCidrs }), ['cluster.publicAccessCidrs opens the API of prod']);
  });

  it('keep logs for one of CloudWatch’s steps', () => {
    assert.match(problemsOf('dev', { logRetentionDays: 31 })[0] ?? '', /^cluster\.logRetentionDays/);
  });
});
