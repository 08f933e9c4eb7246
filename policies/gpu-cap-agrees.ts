import { gpuLimitOf, gpuResource, gpusOf, instanceTypesOf, isGpuNodeGroup, isGpuNodePool } from './gpu-pools.ts';
import { isRecord, valueAt, valuesAt, type Graph, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const quotaKey = `requests.${gpuResource}`;

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
  remedy: 'set gpuMax alone: planGpuCaps of infra/planning makes the pool, the quota and the workers of it',
  scope: 'graph',
  check: (graph) => {
    const { resources } = graph;
    const pools = [
      ...resources.filter(isGpuNodeGroup).map(capOfNodeGroup),
      ...resources.filter(isGpuNodePool).map(capOfNodePool),
    ];
    const quotas = resources.filter((resource) => quotaOf(resource) !== undefined).map(capOfQuota);
    const workers = resources.flatMap((resource) => capOfWorker(graph, resource));
    const caps: readonly Cap[] = [...pools, ...quotas, ...workers];
    const uncounted = caps.filter(({ gpus }) => gpus === undefined);
    if (uncounted.length > 0) return uncounted.map((cap) => at(cap, 'can not be counted in GPUs'));
    const shares = sharesOf(graph);
    const [grown, allowed, asked] = [total(pools), total(quotas) / shares, total(workers) / shares];
    const sliced = shares > 1 ? `, each cut into ${shares}` : '';
    return [
      ...(agree(grown, allowed, pools)
        ? []
        : [...pools, ...quotas].map((cap) =>
            at(cap, `the pools grow to ${grown} GPUs${sliced}, the quotas allow ${allowed}`),
          )),
      ...(workers.length === 0 || asked === allowed
        ? []
        : workers.map((cap) => at(cap, `workers ask for ${asked} GPUs${sliced}, the quotas allow ${allowed}`))),
    ];
  },
};

/** What is left of the quota may be too little for one more node, and no more than that. */
function agree(grown: number, allowed: number, pools: readonly PoolCap[]): boolean {
  const nodeMin = Math.min(...pools.map(({ gpusPerNode }) => gpusPerNode));
  const rest = allowed - grown;
  return rest === 0 || (rest > 0 && rest < nodeMin && pools.length > 0);
}

function capOfNodeGroup(resource: Resource): PoolCap {
  const { inputs } = resource;
  const gpusPerNode = gpusPerNodeOf(resource);
  if (gpusPerNode === undefined) {
    return { resource, property: 'instanceTypes', value: inputs['instanceTypes'], gpus: undefined, gpusPerNode: 0 };
  }
  const property = 'scalingConfig.maxSize';
  const value = valueAt(inputs, property);
  return { resource, property, value, gpus: isCount(value) ? value * gpusPerNode : undefined, gpusPerNode };
}

/** Karpenter counts in GPUs, so the types need not be known; a pool without a limit has none. */
function capOfNodePool(resource: Resource): PoolCap {
  const value = gpuLimitOf(resource);
  const types = instanceTypesOf(resource) ?? [];
  const counts = types.flatMap((type) => gpusOf(type) ?? []);
  const gpusPerNode = counts.length > 0 ? Math.max(...counts) : 1;
  return { resource, property: `spec.limits.${gpuResource}`, value, gpus: countOf(value), gpusPerNode };
}

function gpusPerNodeOf(resource: Resource): number | undefined {
  const counts = new Set((instanceTypesOf(resource) ?? []).map(gpusOf));
  return counts.size > 1 ? undefined : [...counts][0];
}

function capOfQuota(resource: Resource): Cap {
  const value = quotaOf(resource);
  return { resource, property: `spec.hard.${quotaKey}`, value, gpus: countOf(value) };
}

function quotaOf({ type, inputs }: Resource): unknown {
  if (type !== 'kubernetes:core/v1:ResourceQuota') return undefined;
  const hard = valueAt(inputs, 'spec.hard');
  return isRecord(hard) ? hard[quotaKey] : hard;
}

/** The most pods that KEDA may make of a worker, by the GPUs of each. */
function capOfWorker(graph: Graph, resource: Resource): Cap[] {
  if (resource.type !== 'kubernetes:keda.sh/v1alpha1:ScaledObject') return [];
  const target = String(valueAt(resource.inputs, 'spec.scaleTargetRef.name'));
  const gpusPerPod = Math.max(0, ...graph.resources.filter(isNamed(target)).map(gpusOfPod));
  if (gpusPerPod === 0) return [];
  const property = 'spec.maxReplicaCount';
  const value = valueAt(resource.inputs, property);
  return [{ resource, property, value, gpus: isCount(value) ? value * gpusPerPod : undefined }];
}

function isNamed(target: string): (resource: Resource) => boolean {
  return ({ type, name, inputs }) =>
    /^kubernetes:apps\/v1:(Deployment|StatefulSet)$/.test(type) &&
    (target.includes(`{${name}.`) || valueAt(inputs, 'metadata.name') === target);
}

function gpusOfPod({ inputs }: Resource): number {
  const counts = valuesAt(inputs, 'spec.template.spec.containers[].resources.limits').map(({ value }) =>
    isRecord(value) ? (countOf(value[gpuResource] ?? 0) ?? 0) : 0,
  );
  return total(counts.map((gpus) => ({ gpus })));
}

/** How many pods share a GPU, as the device plugin is told; 1 where it is told nothing. */
function sharesOf({ resources }: Graph): number {
  const told = resources
    .filter(({ type }) => type === 'kubernetes:helm.sh/v3:Release' || type === 'kubernetes:core/v1:ConfigMap')
    .map(({ inputs }) => JSON.stringify(inputs))
    .filter((text) => /timeSlicing/.test(text) && text.includes(gpuResource))
    .flatMap((text) => [...text.matchAll(/replicas\W{1,6}(\d+)/g)].map(([, shares]) => Number(shares)));
  return Math.max(1, ...told);
}

/** An amount is a text in Kubernetes; `4` and `"4"` are the same. */
function countOf(value: unknown): number | undefined {
  const count = typeof value === 'string' && value !== '' ? Number(value) : value;
  return isCount(count) ? count : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function total(caps: readonly Pick<Cap, 'gpus'>[]): number {
  return caps.reduce((sum, { gpus }) => sum + (gpus ?? 0), 0);
}

function at(cap: Cap, problem: string): Violation {
  return violationAt(cap.resource, cap, problem);
}
