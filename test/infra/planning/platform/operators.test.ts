import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planOperator, planResources } from '#infra/planning/platform/operators.ts';

describe('how operators run', () => {
  it('is on the nodes that are kept for them, where there are any', () => {
    assert.deepEqual(planOperator({ replicas: 2, systemPool: true }), {
      replicas: 2,
      scheduling: {
        nodeSelector: { 'orrery.dev/pool': 'system' },
        tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }],
      },
      budget: true,
    });
    assert.deepEqual(planOperator({ replicas: 1, systemPool: false }), {
      replicas: 1,
      scheduling: { nodeSelector: {}, tolerations: [] },
      budget: false,
    });
  });

  it('is refused for a number of copies that nobody runs', () => {
    assert.equal(planOperator({ replicas: 5, systemPool: true }).replicas, 5);
    for (const replicas of [0, 6, 1.5]) {
      assert.throws(
        () => planOperator({ replicas, systemPool: true }),
        (error) => error instanceof PlanError && error.code === 'OPERATOR_REPLICAS_INVALID',
      );
    }
  });

  it('limits memory and never cores', () => {
    assert.deepEqual(planResources(100, 256), {
      requests: { cpu: '100m', memory: '256Mi' },
      limits: { memory: '256Mi' },
    });
  });
});
