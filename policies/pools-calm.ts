import { nodePoolType } from './gpu-pools.ts';
import { isRecord, listOf, ofType, valueAt, valuesAt, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const calmSeconds = 300;
const secondsOf: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };

export const poolsCalm: Rule = {
  name: 'pools-calm',
  why: 'nodes that are replaced at every change of load spend the day starting, and may all go at once',
  remedy: 'spec.disruption: consolidateAfter of 5m or more, budgets that say how many nodes may go at once; limits',
  scope: 'resource',
  check: (graph) =>
    ofType(graph, nodePoolType).flatMap((pool) => [...checkPause(pool), ...checkBudgets(pool), ...checkLimits(pool)]),
};

function checkPause(pool: Resource): Violation[] {
  const property = 'spec.disruption.consolidateAfter';
  const value = valueAt(pool.inputs, property);
  if (value === 'Never' || secondsIn(value) >= calmSeconds) return [];
  return [violationAt(pool, { property, value }, 'must be 5m or more')];
}

/** `1h30m`; 0 for what is no duration. */
function secondsIn(value: unknown): number {
  if (typeof value !== 'string' || !/^(\d+[hms])+$/.test(value)) return 0;
  return [...value.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (secondsOf[unit ?? ''] ?? 0),
    0,
  );
}

/** One budget must hold at all times: one with a schedule is of its hours alone. */
function checkBudgets(pool: Resource): Violation[] {
  const property = 'spec.disruption.budgets';
  const policy = valueAt(pool.inputs, 'spec.disruption.consolidationPolicy');
  // An empty node takes nobody with it.
  const reasons = policy === 'WhenEmpty' ? ['Drifted'] : ['Drifted', 'Underutilized'];
  const budgets = valuesAt(pool.inputs, `${property}[]`).map(({ value }) => value);
  if (reasons.every((reason) => budgets.some((budget) => bounds(budget, reason)))) return [];
  return [violationAt(pool, { property, value: valueAt(pool.inputs, property) }, 'lets all nodes go at once')];
}

function bounds(budget: unknown, reason: string): boolean {
  if (!isRecord(budget) || budget['schedule'] !== undefined) return false;
  const { nodes, reasons } = budget;
  return nodes !== undefined && nodes !== '100%' && (reasons === undefined || listOf(reasons).includes(reason));
}

function checkLimits(pool: Resource): Violation[] {
  const property = 'spec.limits';
  const value = valueAt(pool.inputs, property);
  if (isRecord(value) && Object.keys(value).length > 0) return [];
  return [violationAt(pool, { property, value }, 'grows without an end')];
}
