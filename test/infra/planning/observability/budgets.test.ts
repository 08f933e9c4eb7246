import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planBudget } from '#infra/planning/observability/budgets.ts';

describe('a budget', () => {
  it('is told at half, four fifths and all of it, and when the month is heading beyond it', () => {
    assert.deepEqual(planBudget({ monthlyUsd: 5000 }), {
      limitUsd: '5000',
      notices: [
        { percent: 50, of: 'ACTUAL' },
        { percent: 80, of: 'ACTUAL' },
        { percent: 100, of: 'ACTUAL' },
        { percent: 100, of: 'FORECASTED' },
      ],
      anomalyUsdMin: 100,
    });
  });

  it('tells of no anomaly below ten dollars', () => {
    assert.equal(planBudget({ monthlyUsd: 400 }).anomalyUsdMin, 10);
    assert.equal(planBudget({ monthlyUsd: 501 }).anomalyUsdMin, 10);
    assert.equal(planBudget({ monthlyUsd: 600 }).anomalyUsdMin, 12);
  });

  it('is refused below a dollar', () => {
    for (const monthlyUsd of [0, 0.99, -5, Number.NaN, Infinity]) {
      assert.throws(
        () => planBudget({ monthlyUsd }),
        (error) => error instanceof PlanError && error.code === 'BUDGET_INVALID',
      );
    }
    assert.equal(planBudget({ monthlyUsd: 1 }).limitUsd, '1');
  });
});
