import { PlanError } from '#infra/errors.ts';

/** When somebody is told: at this share of the month's budget, of what was spent or of what the month is heading for. */
export interface BudgetNotice {
  readonly percent: number;
  readonly of: 'ACTUAL' | 'FORECASTED';
}

export interface BudgetPlan {
  /** As AWS wants it: a decimal number as text. */
  readonly limitUsd: string;
  readonly notices: readonly BudgetNotice[];
  /** An unusual cost below this many dollars is not told. */
  readonly anomalyUsdMin: number;
}

export interface BudgetRequest {
  /** Dollars that the account may cost in a month. At least 1. */
  readonly monthlyUsd: number;
}

const notices: readonly BudgetNotice[] = [
  { percent: 50, of: 'ACTUAL' },
  { percent: 80, of: 'ACTUAL' },
  { percent: 100, of: 'ACTUAL' },
  { percent: 100, of: 'FORECASTED' },
];
/** Of the monthly budget; what is smaller disappears in the noise of a day. */
const anomalyShare = 0.02;
const anomalyUsdFloor = 10;

/** Refuses a budget that AWS would not take: nothing, or less than a dollar. */
export function planBudget({ monthlyUsd }: BudgetRequest): BudgetPlan {
  if (!Number.isFinite(monthlyUsd) || monthlyUsd < 1) {
    const message = `the monthly budget is ${monthlyUsd} dollars`;
    throw new PlanError({ code: 'BUDGET_INVALID', message, hint: 'give at least 1' });
  }
  return {
    limitUsd: String(monthlyUsd),
    notices,
    anomalyUsdMin: Math.max(anomalyUsdFloor, Math.round(monthlyUsd * anomalyShare)),
  };
}
