import { isRecord, valueAt, valuesAt, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const gpuResource = 'nvidia.com/gpu';
const quotaKey = `requests.${gpuResource}`;

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

/** One of the numbers that must agree, where it stands, and how many GPUs it means: undefined when that can't be counted. */
interface Cap {
  readonly resource: Resource;
  readonly property: string;
  readonly value: unknown;
  readonly gpus: number | undefined;
}

interface PoolCap extends Cap {
  readonly gpusPerNode: number;
}

export const gpuCapAgrees: Rule = {
  name: 'gpu-cap-agrees',
  why: 'where the pool may grow beyond the quota idle GPUs are paid for; where it may not reach it pods wait for ever',
  remedy: 'set gpuMax alone: planGpuCaps of infra/planning makes the pool and the quota of it',
  check: ({ resources }) => {
    const pools = resources.filter(isGpuPool).map(capOfPool);
    const quotas = resources.filter((resource) => quotaOf(resource) !== undefined).map(capOfQuota);
    const caps: readonly Cap[] = [...pools, ...quotas];
    const uncounted = caps.filter(({ gpus }) => gpus === undefined);
    if (uncounted.length > 0) return uncounted.map((cap) => at(cap, 'can not be counted in GPUs'));
    const [grown, allowed] = [total(pools), total(quotas)];
    // What is left of the quota may be too little for one more node, and no more than that.
    const nodeMin = Math.min(...pools.map(({ gpusPerNode }) => gpusPerNode));
    const rest = allowed - grown;
    if (rest === 0 || (rest > 0 && rest < nodeMin && pools.length > 0)) return [];
    return caps.map((cap) => at(cap, `the pools grow to ${grown} GPUs, the quotas allow ${allowed}`));
  },
};

/** By its image, its taint or its types: one of them is enough, so that a pool is not overlooked for lacking another. */
function isGpuPool({ type, inputs }: Resource): boolean {
  return (
    type === 'aws:eks/nodeGroup:NodeGroup' &&
    (/NVIDIA|GPU/.test(String(inputs['amiType'])) ||
      valuesAt(inputs, 'taints[].key').some(({ value }) => value === gpuResource) ||
      valuesAt(inputs, 'instanceTypes[]').some(({ value }) => gpusOf(value) !== undefined))
  );
}

function capOfPool(resource: Resource): PoolCap {
  const { inputs } = resource;
  const counts = new Set(valuesAt(inputs, 'instanceTypes[]').map(({ value }) => gpusOf(value)));
  const [gpusPerNode] = counts;
  if (gpusPerNode === undefined || counts.size > 1) {
    const value = inputs['instanceTypes'];
    return { resource, property: 'instanceTypes', value, gpus: undefined, gpusPerNode: 0 };
  }
  const property = 'scalingConfig.maxSize';
  const value = valueAt(inputs, property);
  const gpus = isCount(value) ? value * gpusPerNode : undefined;
  return { resource, property, value, gpus, gpusPerNode };
}

/** A quota is a text in Kubernetes; `4` and `"4"` are the same. */
function capOfQuota(resource: Resource): Cap {
  const value = quotaOf(resource);
  const gpus = typeof value === 'string' && value !== '' ? Number(value) : value;
  return { resource, property: `spec.hard.${quotaKey}`, value, gpus: isCount(gpus) ? gpus : undefined };
}

function quotaOf({ type, inputs }: Resource): unknown {
  if (type !== 'kubernetes:core/v1:ResourceQuota') return undefined;
  const hard = valueAt(inputs, 'spec.hard');
  return isRecord(hard) ? hard[quotaKey] : hard;
}

function gpusOf(instanceType: unknown): number | undefined {
  return typeof instanceType === 'string' ? gpusOfInstanceType[instanceType] : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function total(caps: readonly Cap[]): number {
  return caps.reduce((sum, { gpus }) => sum + (gpus ?? 0), 0);
}

function at(cap: Cap, problem: string): Violation {
  return violationAt(cap.resource, cap, problem);
}
