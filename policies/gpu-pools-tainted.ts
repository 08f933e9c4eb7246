import { gpuResource, isGpuNodeGroup, isGpuNodePool } from './gpu-pools.ts';
import { isRecord, valueAt, valuesAt, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

export const gpuPoolsTainted: Rule = {
  name: 'gpu-pools-tainted',
  why: 'any pod may land on a machine with GPUs and keep it, so the dearest machine runs the cheapest work for ever',
  remedy: 'taint the pool with gpuTaintKey, NoSchedule; a pool of Karpenter empties before it goes (WhenEmpty)',
  scope: 'resource',
  check: ({ resources }) => resources.flatMap((resource) => [...checkNodeGroup(resource), ...checkNodePool(resource)]),
};

function checkNodeGroup(resource: Resource): Violation[] {
  if (!isGpuNodeGroup(resource)) return [];
  return checkTaint(resource, 'taints', 'NO_SCHEDULE');
}

function checkNodePool(resource: Resource): Violation[] {
  if (!isGpuNodePool(resource)) return [];
  const property = 'spec.disruption.consolidationPolicy';
  const value = valueAt(resource.inputs, property);
  const interrupting = value === 'WhenEmpty' ? [] : [violationAt(resource, { property, value }, 'ends work on a GPU')];
  return [...checkTaint(resource, 'spec.template.spec.taints', 'NoSchedule'), ...interrupting];
}

function checkTaint(resource: Resource, property: string, effect: string): Violation[] {
  const taints = valuesAt(resource.inputs, `${property}[]`).map(({ value }) => value);
  if (taints.some((taint) => isRecord(taint) && taint['key'] === gpuResource && taint['effect'] === effect)) return [];
  const value = valueAt(resource.inputs, property);
  return [violationAt(resource, { property, value }, `must hold ${gpuResource} with ${effect}`)];
}
