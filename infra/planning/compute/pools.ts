import { PlanError } from '#infra/errors.ts';
import { largestShape } from './instance-types.ts';

export type PoolKind = 'system' | 'general' | 'spot' | 'gpu';

/** Everything about a pool of nodes that a plan decides, whoever carries it out: a managed node group or Karpenter. */
export interface PoolPlan {
  /** Told apart by people and alerts: the kind, or `spot-fallback` for what stands in where spot capacity is lacking. */
  readonly name: PoolKind | 'spot-fallback';
  /** What pods choose the pool by: the value of `poolLabel`. */
  readonly kind: PoolKind;
  readonly amiType: 'BOTTLEROCKET_x86_64' | 'BOTTLEROCKET_x86_64_NVIDIA';
  readonly capacityType: 'ON_DEMAND' | 'SPOT';
  readonly instanceTypes: readonly string[];
  readonly nodesMin: number;
  readonly nodesMax: number;
  readonly diskGiB: number;
  readonly taints: readonly PoolTaint[];
  /** Absent where the nodes have none. */
  readonly gpus?: PoolGpus;
}

export interface PoolGpus {
  /** Whole GPUs of one node. */
  readonly perNode: number;
  /** Pods that one GPU serves in turn; 1: a GPU is its pod's own. */
  readonly sharesPerGpu: number;
  /** What all pods together may ask for, in shares: GpuCaps.quotaGpus. */
  readonly quotaGpus: number;
}

export interface PoolTaint {
  readonly key: string;
  readonly value: string;
  readonly effect: 'NO_SCHEDULE';
}

export interface PoolSize {
  /** At least one. */
  readonly instanceTypes: readonly string[];
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** Size of each node's data volume. */
  readonly diskGiB: number;
}

export interface GpuRequest {
  /** The one cap: whole GPUs that the environment may ever use at a time. At least one node's worth. */
  readonly gpuMax: number;
  /** Types that all carry the same number of GPUs. */
  readonly instanceTypes: readonly string[];
  readonly diskGiB: number;
  readonly capacityType: 'spot' | 'on-demand';
  /** Pods that one GPU serves in turn, without walls between their memories: 1 (none shares) to 16. */
  readonly sharesPerGpu: number;
}

/** What the one number `gpuMax` means for each of those who must obey it. */
export interface GpuCaps {
  /** Nodes that the pool may grow to: soft, the pool may be a node short of the quota. */
  readonly nodesMax: number;
  /** The namespace's quota of `requests.nvidia.com/gpu`, in shares: hard, refused at admission. */
  readonly quotaGpus: number;
  /** Replicas that an autoscaler of workers may ask for, one share each. */
  readonly workersMax: number;
}

/** The label by which pods choose a pool. */
export const poolLabel = 'orrery.dev/pool';
export const gpuTaintKey = 'nvidia.com/gpu';
export const systemTaintKey = 'CriticalAddonsOnly';
/** The label that says how many pods a GPU of the node serves: a judge can't count shares otherwise. */
export const gpuSharesLabel = 'orrery.dev/gpu-shares';
export const gpuSharesMax = 16;

const spotTypesMin = 10;
const spotFamiliesMin = 3;

/** GPUs of the instance types that the pool knows. (AWS's instance type pages; a type that is not here is refused.) */
const gpusOfType: Readonly<Record<string, number>> = {
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

/** On demand and tainted: what the cluster itself runs on, and what must not be reclaimed. */
export function planSystemPool(size: PoolSize): PoolPlan {
  assertSize('system', size);
  if (size.nodesMin < 2) {
    throw refuse(
      'POOL_SIZE_INVALID',
      `the system pool has nodesMin ${size.nodesMin}`,
      'give it at least 2, in two zones',
    );
  }
  return {
    name: 'system',
    kind: 'system',
    amiType: 'BOTTLEROCKET_x86_64',
    capacityType: 'ON_DEMAND',
    ...size,
    taints: [{ key: systemTaintKey, value: 'true', effect: 'NO_SCHEDULE' }],
  };
}

/** On demand and open to everyone: for what keeps data, which a reclaimed node would take down with it. */
export function planGeneralPool(size: PoolSize): PoolPlan {
  assertSize('general', size);
  return {
    name: 'general',
    kind: 'general',
    amiType: 'BOTTLEROCKET_x86_64',
    capacityType: 'ON_DEMAND',
    ...size,
    taints: [],
  };
}

/** Spot capacity: refuses a list so narrow that one reclaimed market would empty the pool. */
export function planSpotPool(size: PoolSize): PoolPlan {
  assertSize('spot', size);
  const types = new Set(size.instanceTypes);
  const families = new Set(size.instanceTypes.map(familyOf));
  if (types.size < spotTypesMin || families.size < spotFamiliesMin) {
    const message = `the spot pool names ${types.size} types of ${families.size} families`;
    throw refuse('SPOT_NOT_DIVERSE', message, `name at least ${spotTypesMin} types of ${spotFamiliesMin} families`);
  }
  return { name: 'spot', kind: 'spot', amiType: 'BOTTLEROCKET_x86_64', capacityType: 'SPOT', ...size, taints: [] };
}

export interface SpotSize extends PoolSize {
  /** Nodes on demand that may stand in where no spot market has any. Bounded apart: each costs about three times as much. */
  readonly fallbackNodesMax: number;
}

/** The spot pool, and the same nodes on demand, which stay empty until no spot market has any. */
export function planSpotPools({ fallbackNodesMax, ...size }: SpotSize): readonly [PoolPlan, PoolPlan] {
  const fallback = planSpotPool({ ...size, nodesMin: 0, nodesMax: fallbackNodesMax });
  return [planSpotPool(size), { ...fallback, name: 'spot-fallback', capacityType: 'ON_DEMAND' }];
}

/** Tainted, empty until someone asks for a GPU, and never above the cap. */
export function planGpuPool(request: GpuRequest): PoolPlan {
  const { nodesMax, quotaGpus } = planGpuCaps(request);
  return {
    name: 'gpu',
    kind: 'gpu',
    amiType: 'BOTTLEROCKET_x86_64_NVIDIA',
    capacityType: request.capacityType === 'spot' ? 'SPOT' : 'ON_DEMAND',
    instanceTypes: request.instanceTypes,
    nodesMin: 0,
    nodesMax,
    diskGiB: request.diskGiB,
    taints: [{ key: gpuTaintKey, value: 'true', effect: 'NO_SCHEDULE' }],
    gpus: { perNode: gpusPerNodeOf(request.instanceTypes), sharesPerGpu: request.sharesPerGpu, quotaGpus },
  };
}

/** The one place that turns `gpuMax` into the three caps, so that they can't disagree. */
export function planGpuCaps(request: Pick<GpuRequest, 'gpuMax' | 'instanceTypes' | 'sharesPerGpu'>): GpuCaps {
  const { gpuMax, instanceTypes, sharesPerGpu } = request;
  const gpusPerNode = gpusPerNodeOf(instanceTypes);
  if (!Number.isInteger(gpuMax) || gpuMax < gpusPerNode) {
    const message = `gpuMax is ${gpuMax}, a node has ${gpusPerNode}`;
    throw refuse('GPU_CAP_INVALID', message, 'allow at least one whole node');
  }
  if (!Number.isInteger(sharesPerGpu) || sharesPerGpu < 1 || sharesPerGpu > gpuSharesMax) {
    const hint = `share a GPU among 1 (none) to ${gpuSharesMax} pods`;
    throw refuse('GPU_SHARES_INVALID', `sharesPerGpu is ${sharesPerGpu}`, hint);
  }
  const shares = gpuMax * sharesPerGpu;
  return { nodesMax: Math.floor(gpuMax / gpusPerNode), quotaGpus: shares, workersMax: shares };
}

function gpusPerNodeOf(instanceTypes: readonly string[]): number {
  const counts = instanceTypes.map((type) => {
    const gpus = gpusOfType[type];
    if (gpus !== undefined) return gpus;
    throw refuse('GPU_TYPE_UNKNOWN', `"${type}" is no known GPU type`, `known: ${Object.keys(gpusOfType).join(', ')}`);
  });
  const [gpusPerNode] = counts;
  if (gpusPerNode === undefined || new Set(counts).size > 1) {
    const message = `the GPU pool mixes or lacks types: ${instanceTypes.join(', ')}`;
    throw refuse(
      'GPU_TYPES_UNEQUAL',
      message,
      'name types with one and the same number of GPUs, so that nodes can be counted',
    );
  }
  return gpusPerNode;
}

/** `m7i.xlarge` is of family `m`: AWS names a family by the letters before the generation. */
function familyOf(type: string): string {
  return /^[a-z]+/.exec(type)?.[0] ?? type;
}

function assertSize(kind: PoolKind, size: PoolSize): void {
  if (size.instanceTypes.length === 0) {
    throw refuse('POOL_SIZE_INVALID', `the ${kind} pool names no instance type`, 'name at least one');
  }
  if (size.nodesMin > size.nodesMax || size.nodesMax < 1) {
    const message = `the ${kind} pool has nodesMin ${size.nodesMin} and nodesMax ${size.nodesMax}`;
    throw refuse('POOL_SIZE_INVALID', message, 'nodesMin may not exceed nodesMax, which is at least 1');
  }
  // Refuses what can't be counted, or has another architecture than the images of the services.
  largestShape(size.instanceTypes);
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
