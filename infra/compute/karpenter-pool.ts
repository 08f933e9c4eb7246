import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import {
  planGpuOverlay,
  planNodeClass,
  planNodePool,
  type NodeClassSpec,
  type NodePoolSpec,
} from '../planning/compute/karpenter.ts';
import type { PoolPlan } from '../planning/compute/pools.ts';
import type { Transform } from '../planning/transform.ts';

export interface KarpenterPoolArgs {
  /** From planGeneralPool, planSpotPool, planFallbackPool or planGpuPool; its name is the pool's in the cluster. */
  readonly plan: PoolPlan;
  /** Karpenter.instanceProfileName. */
  readonly instanceProfile: Input<string>;
  /** Private subnets, one a zone: nodes are spread over them. */
  readonly subnetIds: Input<string>[];
  /** The group that every node and the control plane share. */
  readonly securityGroupId: Input<string>;
  /** Put on instances and volumes, which the provider's default tags don't reach. */
  readonly tags: Readonly<Record<string, string>>;
  /** What has to stand first, and goes last: Karpenter, which takes the pool's nodes away before the pool is gone. */
  readonly after: readonly Resource[];
  /** For what a node needs and no argument says: more disks, other requirements. Default: nothing is bent. */
  readonly transform?: {
    readonly nodeClass?: Transform<NodeClassSpec>;
    readonly nodePool?: Transform<NodePoolSpec>;
  };
}

/**
 * One pool of Bottlerocket nodes that come with pods and go without them: encrypted disks, instance metadata out of the reach of pods,
 * an operating system at its pinned version, a budget for every disruption.
 * Cost driver: the instances, up to `nodesMax` of the largest type.
 * Refuses: nodes that are always there, which Karpenter does not know.
 */
export class KarpenterPool extends ComponentResource {
  readonly poolName: Output<string>;

  constructor(name: string, args: KarpenterPoolArgs, options?: ComponentResourceOptions) {
    super('orrery:compute:KarpenterPool', name, {}, options);
    const { plan, transform } = args;
    const named = { metadata: { name: plan.name } };
    const after = { parent: this, dependsOn: [...args.after] };
    const poolSpec = planNodePool(plan);
    const classSpec = planNodeClass(args);
    const nodeClass = new kubernetes.apiextensions.CustomResource(
      `${name}-class`,
      {
        apiVersion: 'karpenter.k8s.aws/v1',
        kind: 'EC2NodeClass',
        ...named,
        spec: transform?.nodeClass?.(classSpec) ?? classSpec,
      },
      after,
    );
    const overlay = planGpuOverlay(plan);
    const shares =
      overlay === undefined
        ? []
        : [
            new kubernetes.apiextensions.CustomResource(
              `${name}-shares`,
              { apiVersion: 'karpenter.sh/v1alpha1', kind: 'NodeOverlay', ...named, spec: overlay },
              after,
            ),
          ];
    const pool = new kubernetes.apiextensions.CustomResource(
      `${name}-nodes`,
      {
        apiVersion: 'karpenter.sh/v1',
        kind: 'NodePool',
        ...named,
        spec: transform?.nodePool?.(poolSpec) ?? poolSpec,
      },
      { ...after, dependsOn: [...args.after, nodeClass, ...shares] },
    );
    this.poolName = pool.metadata.name;
    this.registerOutputs({ poolName: this.poolName });
  }
}
