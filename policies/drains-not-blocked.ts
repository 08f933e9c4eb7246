import { ofType, valueAt, type Graph, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';
import { selects } from './workloads.ts';

const budgetType = 'kubernetes:policy/v1:PodDisruptionBudget';
const scaled: readonly string[] = ['kubernetes:apps/v1:Deployment', 'kubernetes:apps/v1:StatefulSet'];

/** What decides how many replicas there are at least where the workload does not say it. */
const scalers: readonly { readonly type: string; readonly least: string }[] = [
  { type: 'kubernetes:autoscaling/v2:HorizontalPodAutoscaler', least: 'spec.minReplicas' },
  { type: 'kubernetes:keda.sh/v1alpha1:ScaledObject', least: 'spec.minReplicaCount' },
];

export const drainsNotBlocked: Rule = {
  name: 'drains-not-blocked',
  why: 'a budget that spares no pod keeps its node for ever: upgrades hang, and repair gives up',
  remedy: 'maxUnavailable 1, or minAvailable below the least number of replicas',
  scope: 'graph',
  check: (graph) => ofType(graph, budgetType).flatMap((budget) => checkBudget(graph, budget)),
};

function checkBudget(graph: Graph, budget: Resource): Violation[] {
  const most = { property: 'spec.maxUnavailable', value: valueAt(budget.inputs, 'spec.maxUnavailable') };
  const least = { property: 'spec.minAvailable', value: valueAt(budget.inputs, 'spec.minAvailable') };
  if (most.value !== undefined) {
    return [0, '0', '0%'].some((none) => none === most.value) ? [violationAt(budget, most, 'spares no pod')] : [];
  }
  if (String(least.value) === '100%') return [violationAt(budget, least, 'spares no pod')];
  if (typeof least.value !== 'number') return [];
  const replicas = guarded(graph, budget).map((workload) => replicasOf(graph, workload));
  const fewest = Math.min(...replicas);
  if (least.value < fewest) return [];
  return [violationAt(budget, least, `spares none of ${fewest === Infinity ? 'no' : fewest} replicas`)];
}

function guarded(graph: Graph, budget: Resource): Resource[] {
  const selector = valueAt(budget.inputs, 'spec.selector.matchLabels');
  const namespace = valueAt(budget.inputs, 'metadata.namespace');
  return ofType(graph, ...scaled).filter(
    ({ inputs }) =>
      valueAt(inputs, 'metadata.namespace') === namespace &&
      selects(selector, valueAt(inputs, 'spec.template.metadata.labels')),
  );
}

function replicasOf(graph: Graph, workload: Resource): number {
  const given = valueAt(workload.inputs, 'spec.replicas');
  if (typeof given === 'number') return given;
  const least = scalers.flatMap(({ type, least: path }) =>
    ofType(graph, type)
      .filter(({ inputs }) => String(valueAt(inputs, 'spec.scaleTargetRef.name')).includes(workload.name))
      .map(({ inputs }) => valueAt(inputs, path)),
  );
  return typeof least[0] === 'number' ? least[0] : 1;
}
