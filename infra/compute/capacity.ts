import type { ComponentResource, ComponentResourceOptions, Input, Resource } from '@pulumi/pulumi';
import type { PoolPlan } from '../planning/pools.ts';
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

/**
 * The nodes that work is done on, from the same plans by either backend: the only place that chooses. What it returns has to stand
 * before a pod that needs them is made.
 */
export function createCapacity(request: CapacityRequest, options: ComponentResourceOptions): ComponentResource[] {
  return request.backend === 'karpenter' ? byKarpenter(request, options) : byNodeGroups(request, options);
}

function byKarpenter(request: CapacityRequest, options: ComponentResourceOptions): ComponentResource[] {
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
  const { instanceProfileName: instanceProfile } = karpenter;
  const { securityGroupId } = cluster;
  return plans.map(
    (plan) =>
      new KarpenterPool(
        `${plan.name}-pool`,
        { plan, instanceProfile, subnetIds, securityGroupId, tags, after: [karpenter] },
        options,
      ),
  );
}

function byNodeGroups(request: CapacityRequest, options: ComponentResourceOptions): ComponentResource[] {
  const { plans, subnetIds, tags, after } = request;
  const { clusterName, version } = request.cluster;
  return plans.map(
    (plan) => new NodePool(`${plan.name}-pool`, { clusterName, version, subnetIds, plan, tags, after }, options),
  );
}
