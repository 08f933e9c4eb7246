import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import { planBudget, type BudgetRequest } from '../planning/observability/budgets.ts';

export interface BudgetsArgs extends BudgetRequest {
  /** Who is told of the budget, by mail. 1 to 10. */
  readonly emails: readonly string[];
  /** Where everything else is told too. */
  readonly topicArn: Input<string>;
}

/**
 * What the account may cost in a month: told at 50, 80 and 100 % of it, and when the month is heading beyond it; beside that, whatever
 * costs unusually much for its service.
 * Cost driver: none; the first two budgets of an account and the detection of anomalies are free.
 * Refuses: a budget below a dollar. It watches the whole account, because a filter by tags that nobody activated would see nothing.
 */
export class Budgets extends ComponentResource {
  constructor(name: string, args: BudgetsArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:Budgets', name, {}, options);
    const { limitUsd, notices, anomalyUsdMin } = planBudget(args);
    new aws.budgets.Budget(
      `${name}-month`,
      {
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        limitAmount: limitUsd,
        limitUnit: 'USD',
        notifications: notices.map(({ percent, of }) => ({
          comparisonOperator: 'GREATER_THAN',
          threshold: percent,
          thresholdType: 'PERCENTAGE',
          notificationType: of,
          subscriberEmailAddresses: [...args.emails],
          subscriberSnsTopicArns: [args.topicArn],
        })),
      },
      { parent: this },
    );
    const monitor = new aws.costexplorer.AnomalyMonitor(
      `${name}-anomalies`,
      { monitorType: 'DIMENSIONAL', monitorDimension: 'SERVICE' },
      { parent: this },
    );
    new aws.costexplorer.AnomalySubscription(
      `${name}-subscription`,
      {
        // A topic can only be told at once; letters come once a day.
        frequency: 'IMMEDIATE',
        monitorArnLists: [monitor.arn],
        subscribers: [{ type: 'SNS', address: args.topicArn }],
        thresholdExpression: {
          dimension: {
            key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE',
            matchOptions: ['GREATER_THAN_OR_EQUAL'],
            values: [String(anomalyUsdMin)],
          },
        },
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
