import { isRecord, listOf, valueAt, valuesAt, type Resource } from './graph.ts';

export const gpuResource = 'nvidia.com/gpu';
export const nodeGroupType = 'aws:eks/nodeGroup:NodeGroup';
export const nodePoolType = 'kubernetes:karpenter.sh/v1:NodePool';

/**
 * GPUs of an instance type. (AWS's instance type pages.) Kept apart from what infra plans with: a judge that took its count from the
 * defendant would believe a wrong one. A type that is not here is refused.
 */
export const gpusOfInstanceType: Readonly<Record<string, number>> = {
  'g4dn.xlarge': 1,
  'g4dn.2xlarge': 1,
  'g4dn.12xlarge': 4,
  'g5.xlarge': 1,
  'g5.2xlarge': 1,
  'g5.12xlarge': 4,
  'g6.xlarge': 1,
  'g6.2xlarge': 1,
  'g6.12xlarge': 4,
};

const instanceTypeKey = 'node.kubernetes.io/instance-type';
const gpuLabel = /^karpenter\.k8s\.aws\/instance-gpu-/;
const gpuFamily = /^(g\d|p\d)/;

/** By its image, its taint or its types: one of them is enough, so that a pool is not overlooked for lacking another. */
export function isGpuNodeGroup({ type, inputs }: Resource): boolean {
  return (
    type === nodeGroupType &&
    (/NVIDIA|GPU/.test(String(inputs['amiType'])) ||
      valuesAt(inputs, 'taints[].key').some(({ value }) => value === gpuResource) ||
      valuesAt(inputs, 'instanceTypes[]').some(({ value }) => gpusOf(value) !== undefined))
  );
}

/** By what it asks of machines, its taint or its limit. */
export function isGpuNodePool(resource: Resource): boolean {
  if (resource.type !== nodePoolType) return false;
  const { inputs } = resource;
  return (
    valuesAt(inputs, 'spec.template.spec.taints[].key').some(({ value }) => value === gpuResource) ||
    gpuLimitOf(resource) !== undefined ||
    valuesAt(inputs, 'spec.template.spec.requirements[]').some(({ value }) => demandsGpu(value))
  );
}

/** The limit of a pool of Karpenter in GPUs, as it stands there. */
export function gpuLimitOf({ inputs }: Resource): unknown {
  const limits = valueAt(inputs, 'spec.limits');
  return isRecord(limits) ? limits[gpuResource] : limits;
}

/** The values that a pool of Karpenter takes for a label of machines; undefined when it says nothing, or says it otherwise than In. */
export function requirementOf({ inputs }: Resource, key: string): readonly string[] | undefined {
  const found = valuesAt(inputs, 'spec.template.spec.requirements[]').find(
    ({ value }) => isRecord(value) && value['key'] === key && value['operator'] === 'In',
  );
  return found === undefined ? undefined : listOf(valueAt(found.value, 'values')).map(String);
}

/** The machines that a pool takes; undefined where it leaves the types open. */
export function instanceTypesOf(resource: Resource): readonly string[] | undefined {
  if (resource.type !== nodeGroupType) return requirementOf(resource, instanceTypeKey);
  return valuesAt(resource.inputs, 'instanceTypes[]').map(({ value }) => String(value));
}

export function gpusOf(instanceType: unknown): number | undefined {
  return typeof instanceType === 'string' ? gpusOfInstanceType[instanceType] : undefined;
}

function demandsGpu(requirement: unknown): boolean {
  if (!isRecord(requirement)) return false;
  const key = String(requirement['key']);
  if (gpuLabel.test(key)) return requirement['operator'] !== 'DoesNotExist';
  if (requirement['operator'] !== 'In') return false;
  const values = listOf(requirement['values']).map(String);
  if (key === instanceTypeKey) return values.some((type) => gpuFamily.test(type));
  if (key === 'karpenter.k8s.aws/instance-family') return values.some((family) => gpuFamily.test(family));
  return key === 'karpenter.k8s.aws/instance-category' && values.some((category) => /^[gp]$/.test(category));
}
