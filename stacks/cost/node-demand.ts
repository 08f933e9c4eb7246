import { valueAt, valuesAt } from '#policies/graph.ts';
import { shapeOf } from '#infra/planning/compute/instance-types.ts';
import { gpuSharesLabel, gpuTaintKey, planGpuCaps, poolLabel } from '#infra/planning/compute/pools.ts';
import type { GraphResource } from '../render/graph.ts';
import { coresOf, entryOf, gigabytesOf, numberAt } from './charging.ts';
import { addRequests, times, type PodRequest } from './pod-requests.ts';
import { workloadsOf, type Workload } from './workloads.ts';

/**
 * The nodes that a pool of Karpenter runs. No graph tells it, so it is reckoned:
 * - a node has the mean cores, memory and price of the pool's types, for Karpenter takes what is cheap and free at the hour;
 * - least: each workload's pods at its least size go to the pool that they select (the first that they prefer; of several with the
 *   same label, or where they select none, to the one of the greatest weight that is not tainted). Their requests, divided by what the
 *   daemons leave of a node, rounded up; at least so many nodes as a workload has pods that may not share one;
 * - most: what the pool's limits allow, whichever of cores, memory and GPUs ends first.
 * What charts run, what jobs ask for and what the kubelet keeps for itself is not in it: the true least is somewhat more.
 */
export interface NodeDemand {
  readonly pool: GraphResource;
  /** The label that pods select it by. */
  readonly label: string;
  readonly instanceTypes: readonly string[];
  /** Nodes that the declared requests need, whatever the limits are. */
  readonly asked: number;
  /** Not more than `most`: what goes beyond waits. */
  readonly least: number;
  readonly most: number;
  readonly pods: number;
  readonly request: PodRequest;
}

interface Pool {
  readonly resource: GraphResource;
  readonly label: string;
  readonly instanceTypes: readonly string[];
  /** Mean of its types. */
  readonly node: PodRequest;
  readonly most: number;
  readonly weight: number;
  readonly tainted: boolean;
}

export const nodePoolType = 'kubernetes:karpenter.sh/v1:NodePool';

/** By URN of the pool. A pool that names no types, has no limits, or types of unknown size is not in it. Pure. */
export function planNodeDemand(graph: readonly GraphResource[]): ReadonlyMap<string, NodeDemand> {
  const pools = graph.filter(({ type }) => type === nodePoolType).flatMap(readPool);
  const workloads = workloadsOf(graph);
  const placed = workloads.filter(({ daemon }) => !daemon).map((one) => ({ one, pool: poolOf(one, pools) }));
  return new Map(
    pools.map((pool) => {
      const own = placed.filter((each) => each.pool === pool).map(({ one }) => one);
      const daemons = workloads.filter((one) => one.daemon && (one.pools?.includes(pool.label) ?? true));
      return [pool.resource.urn, demandOn(pool, own, daemons)] as const;
    }),
  );
}

function demandOn(pool: Pool, workloads: readonly Workload[], daemons: readonly Workload[]): NodeDemand {
  const request = addRequests(workloads.map((one) => times(one.request, one.pods)));
  const taken = addRequests(daemons.map((one) => one.request));
  const { node, most } = pool;
  const asked = Math.max(
    nodesFor(request.cores, node.cores - taken.cores),
    nodesFor(request.memoryGiB, node.memoryGiB - taken.memoryGiB),
    nodesFor(request.gpus, node.gpus),
    ...workloads.filter(({ apart }) => apart).map(({ pods }) => pods),
  );
  return {
    pool: pool.resource,
    label: pool.label,
    instanceTypes: pool.instanceTypes,
    asked,
    least: Math.min(asked, most),
    most,
    pods: workloads.reduce((sum, { pods }) => sum + pods, 0),
    request,
  };
}

/** Rounded up, but for what adding up decimals leaves behind the ninth place. */
function nodesFor(asked: number, each: number): number {
  if (asked === 0) return 0;
  return each <= 0 ? Number.POSITIVE_INFINITY : Math.ceil(asked / each - 1e-9);
}

/** Undefined for one that runs on nodes of another kind, for example the system's. */
function poolOf({ pools: wanted }: Workload, pools: readonly Pool[]): Pool | undefined {
  const rank = ({ label }: Pool) => (wanted === undefined ? 0 : wanted.indexOf(label));
  const [first] = pools
    .filter((pool) => (wanted === undefined ? !pool.tainted : wanted.includes(pool.label)))
    .toSorted((left, right) => rank(left) - rank(right) || right.weight - left.weight);
  return first;
}

function readPool(resource: GraphResource): Pool[] {
  const spec = valueAt(resource.inputs, 'spec');
  const instanceTypes = requirementOf(spec, 'node.kubernetes.io/instance-type');
  const label = labelOf(spec, poolLabel);
  const node = meanOf(instanceTypes, Number(labelOf(spec, gpuSharesLabel) ?? 0));
  const most = node === undefined ? undefined : nodesWithin(valueAt(spec, 'limits'), node);
  if (node === undefined || most === undefined) return [];
  const tainted = valuesAt(spec, 'template.spec.taints[]').length > 0;
  const weight = numberAt(spec, 'weight') ?? 0;
  return [{ resource, label: label ?? resource.name, instanceTypes, node, most, weight, tainted }];
}

/** The values that a pool's nodes must have of a label, for example their instance types. */
export function requirementOf(spec: unknown, key: string): string[] {
  return valuesAt(spec, 'template.spec.requirements[]')
    .filter(({ value }) => valueAt(value, 'key') === key && valueAt(value, 'operator') === 'In')
    .flatMap(({ value }) => valuesAt(value, 'values[]').map((one) => String(one.value)));
}

function labelOf(spec: unknown, key: string): string | undefined {
  const value = entryOf(valueAt(spec, 'template.metadata.labels'), key);
  return typeof value === 'string' ? value : undefined;
}

/** Undefined where a type's size is not known. `shares`: pods that a GPU of it serves, 0 for nodes without any. */
function meanOf(instanceTypes: readonly string[], shares: number): PodRequest | undefined {
  if (instanceTypes.length === 0) return undefined;
  try {
    const shapes = instanceTypes.map(shapeOf);
    const mean = (sum: number) => sum / shapes.length;
    const gpus = shares === 0 ? 0 : gpusOfNode(instanceTypes) * shares;
    return {
      cores: mean(shapes.reduce((sum, { cpu }) => sum + cpu, 0)),
      memoryGiB: mean(shapes.reduce((sum, { memoryGiB }) => sum + memoryGiB, 0)),
      gpus,
    };
  } catch {
    return undefined;
  }
}

const manyGpus = 1000;

/** The planner tells nodes by GPUs; of a great many GPUs that is how many one node has. */
function gpusOfNode(instanceTypes: readonly string[]): number {
  return Math.floor(manyGpus / planGpuCaps({ gpuMax: manyGpus, instanceTypes, sharesPerGpu: 1 }).nodesMax);
}

/** Undefined for a pool without limits: nobody knows how far it grows. */
function nodesWithin(limits: unknown, node: PodRequest): number | undefined {
  const gpus = entryOf(limits, gpuTaintKey);
  const nodes = [
    [gpus === undefined ? undefined : Number(gpus), node.gpus],
    [coresOf(valueAt(limits, 'cpu')), node.cores],
    [gigabytesOf(valueAt(limits, 'memory')), node.memoryGiB],
  ] as const;
  const known = nodes.flatMap(([limit, each]) => (limit === undefined || each === 0 ? [] : [limit / each]));
  return known.length === 0 ? undefined : Math.min(...known);
}
