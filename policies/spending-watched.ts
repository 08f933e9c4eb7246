import { isRecord, listOf, ofType, partsOf, valuesAt, type Graph, type Resource } from './graph.ts';
import { missingFrom, violationAt, type Rule, type Violation } from './rule.ts';

const budgetType = 'aws:budgets/budget:Budget';
const monitorType = 'aws:costexplorer/anomalyMonitor:AnomalyMonitor';
const subscriptionType = 'aws:costexplorer/anomalySubscription:AnomalySubscription';

export const spendingWatched: Rule = {
  name: 'spending-watched',
  why: 'a loop that makes machines is found on the bill, a month later',
  remedy: 'a budget with notifications, and an anomaly monitor that somebody is subscribed to',
  scope: 'graph',
  check: (graph) => {
    if (ofType(graph, 'aws:ec2/vpc:Vpc').length === 0) return [];
    return [...checkBudgets(graph), ...checkMonitors(graph)];
  },
};

function checkBudgets(graph: Graph): Violation[] {
  const budgets = ofType(graph, budgetType);
  if (budgets.length === 0) return [missingFrom('budget', 'no budget is set')];
  return budgets
    .filter((budget) => !valuesAt(budget.inputs, 'notifications[]').some(({ value }) => hasReader(value)))
    .map((budget) => lacks(budget, 'notifications', 'tells nobody'));
}

function hasReader(notification: unknown): boolean {
  if (!isRecord(notification)) return false;
  const readers = [notification['subscriberEmailAddresses'], notification['subscriberSnsTopicArns']];
  return readers.some((list) => listOf(list).length > 0);
}

function checkMonitors(graph: Graph): Violation[] {
  const monitors = ofType(graph, monitorType);
  if (monitors.length === 0) return [missingFrom('anomalyMonitor', 'nobody looks for what is unlike other days')];
  const subscriptions = ofType(graph, subscriptionType);
  const read = (monitor: Resource) =>
    subscriptions.some(({ inputs }) =>
      valuesAt(inputs, 'monitorArnLists[]').some(
        ({ value }) => typeof value === 'string' && value.includes(monitor.name),
      ),
    ) || partsOf(monitor, { parts: subscriptions, property: 'monitorArn', wholes: monitors }).length > 0;
  return monitors.filter((monitor) => !read(monitor)).map((monitor) => lacks(monitor, 'subscription', 'tells nobody'));
}

function lacks(resource: Resource, property: string, problem: string): Violation {
  return violationAt(resource, { property, value: resource.inputs[property] }, problem);
}
