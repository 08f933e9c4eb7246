import assert from 'node:assert/strict';
import { planTags } from '#infra/planning/tags.ts';

describe('the tags of an environment', () => {
  it('are the five that a bill is read by', () => {
    assert.deepEqual(planTags({ environment: 'dev', owner: 'platform', costCenter: 'research' }), {
      project: 'orrery',
      environment: 'dev',
      owner: 'platform',
      'cost-center': 'research',
      'managed-by': 'pulumi',
    });
  });
});
