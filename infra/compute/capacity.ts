import type { ComponentResourceOptions, Input, Output, Resource } from '@pulumi/pulumi';
import type { PoolPlan } from '../planning/compute/pools.ts';
import { KarpenterPool } from './karpenter-pool.ts';
import { Karpenter } from './karpenter.ts';
import { NodePool } from './node-pool.ts';

/** Who makes nodes: Karpenter, for the pods that wait, or EKS, in groups that stand at their least size. */
export type CapacityBackend = 'karpenter' | 'managed';

export interface CapacityRequest {
  readonly backend: CapacityBackend;
  /** The pools beside the system pool; each becomes a component `<name of the plan>-pool`. */
  readonly plans: readonly PoolPlan[];
  readonly cluster: {
    readonly clusterName: Input<string>;
    readonly version: Input<string>;
    readonly securityGroupId: Input<string>;
    readonly region: string;
    readonly accountId: string;
  };
  readonly subnetIds: Input<string>[];
  /** Where Karpenter's controller runs. */
  readonly namespace: Input<string>;
  /** True where nodes reach AWS by endpoints of the network alone. */
  readonly isolated: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** What has to stand first: the system pool and the cluster's addons. */
  readonly after: readonly Resource[];
}

export interface Capacity {
  /** What has to stand before a pod that needs the nodes is made. */
  readonly ready: readonly Resource[];
  /** Where AWS says which nodes it is about to take. Absent where EKS itself listens. */
  readonly queueName?: Output<string>;
}

/**
 * The nodes that work is done on, from the same plans by either backend: the only place that chooses.
 */
export function createCapacity(request: CapacityRequest, options: ComponentResourceOptions): Capacity {
  return request.backend === 'karpenter' ? byKarpenter(request, options) : byNodeGroups(request, options);
}

function byKarpenter(request: CapacityRequest, options: ComponentResourceOptions): Capacity {
  const { plans, cluster, subnetIds, tags } = request;
  const karpenter = new Karpenter(
    'karpenter',
    {
      clusterName: cluster.clusterName,
      region: cluster.region,
      accountId: cluster.accountId,
      namespace: request.namespace,
      isolated: request.isolated,
      sharesGpus: plans.some(({ gpus }) => gpus !== undefined && gpus.sharesPerGpu > 1),
      after: request.after,
    },
    options,
  );
  const { instanceProfileName: instanceProfile, queueName } = karpenter;
  const { securityGroupId } = cluster;
  const ready = plans.map(
    (plan) =>
      new KarpenterPool(
        `${plan.name}-pool`,
        { plan, instanceProfile, subnetIds, securityGroupId, tags, after: [karpenter] },
        options,
      ),
  );
  return { ready, queueName };
}

function byNodeGroups(request: CapacityRequest, options: ComponentResourceOptions): Capacity {
  const { plans, subnetIds, tags, after } = request;
  const { clusterName, version } = request.cluster;
  const ready = plans.map(
    (plan) => new NodePool(`${plan.name}-pool`, { clusterName, version, subnetIds, plan, tags, after }, options),
  );
  return { ready };
}
