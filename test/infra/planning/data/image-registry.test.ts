import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { cachedRegistries, planImageLifecycle, planRepositories } from '#infra/planning/data/image-registry.ts';

describe('the plan of an image registry', () => {
  it('is one repository a service, sorted, each once', () => {
    assert.deepEqual(planRepositories('orrery', ['scoring', 'orchestrator', 'scoring']), [
      { repositoryName: 'orrery/orchestrator', service: 'orchestrator' },
      { repositoryName: 'orrery/scoring', service: 'scoring' },
    ]);
  });

  it('refuses no service, and names that no repository can have', () => {
    for (const services of [[], ['Scoring'], ['a b'], ['-a'], ['']]) {
      assert.throws(
        () => planRepositories('orrery', services),
        (error) => error instanceof PlanError && error.code === 'REPOSITORY_INVALID',
      );
    }
  });

  it('deletes what has no tag after two weeks, and nothing that a release names', () => {
    assert.deepEqual(JSON.parse(planImageLifecycle()), {
      rules: [
        {
          rulePriority: 1,
          description: 'of no release',
          selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
          action: { type: 'expire' },
        },
      ],
    });
  });

  it('caches only registries that ask for no password', () => {
    assert.deepEqual(
      cachedRegistries.map(({ host }) => host),
      ['public.ecr.aws', 'registry.k8s.io', 'quay.io'],
    );
  });
});
