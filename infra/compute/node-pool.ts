import { Buffer } from 'node:buffer';
import * as aws from '@pulumi/aws';
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { planPoolLabels } from '../planning/compute/karpenter.ts';
import { planDisks, planNodeSettings } from '../planning/compute/node-settings.ts';
import type { PoolPlan } from '../planning/compute/pools.ts';
import type { Transform } from '../planning/transform.ts';
import { createNodeRole } from './node-role.ts';

export interface NodePoolArgs {
  /** Name of the cluster, from its output. */
  readonly clusterName: Input<string>;
  /** The control plane's version, from its output: nodes follow the cluster. */
  readonly version: Input<string>;
  /** Where it stands: private subnets, one in each zone. */
  readonly subnetIds: Input<string>[];
  /** From planSystemPool, planGeneralPool, planSpotPool, planFallbackPool or planGpuPool. */
  readonly plan: PoolPlan;
  /** What has to stand first: the network's addons, without which no node becomes ready. */
  readonly after: readonly Resource[];
  /** Put on instances and volumes, which the provider's default tags don't reach. */
  readonly tags: Readonly<Record<string, string>>;
  /** For what an instance needs and no argument says: a placement group, a warm pool. Default: nothing is bent. */
  readonly transform?: {
    readonly nodeGroup?: Transform<aws.eks.NodeGroupArgs>;
    readonly launchTemplate?: Transform<aws.ec2.LaunchTemplateArgs>;
  };
}

/**
 * One pool of Bottlerocket nodes in private subnets, a managed node group of EKS: encrypted disks, instance metadata out of the reach
 * of pods, a role that may only join the cluster and pull images. It stands at `nodesMin`: nobody scales it unless an autoscaler does.
 * Cost driver: the instances between `nodesMin` and `nodesMax`.
 * Refuses nothing itself: the plan did.
 */
export class NodePool extends ComponentResource {
  readonly nodeGroupName: Output<string>;

  constructor(name: string, args: NodePoolArgs, options?: ComponentResourceOptions) {
    super('orrery:compute:NodePool', name, {}, options);
    const { plan, transform } = args;
    const { role, ready } = createNodeRole(this, name);
    const templateArgs = launchTemplate(name, args);
    const template = new aws.ec2.LaunchTemplate(
      `${name}-template`,
      transform?.launchTemplate?.(templateArgs) ?? templateArgs,
      { parent: this },
    );
    const groupArgs = {
      clusterName: args.clusterName,
      version: args.version,
      nodeRoleArn: role.arn,
      subnetIds: args.subnetIds,
      amiType: plan.amiType,
      capacityType: plan.capacityType,
      instanceTypes: [...plan.instanceTypes],
      scalingConfig: { minSize: plan.nodesMin, desiredSize: plan.nodesMin, maxSize: plan.nodesMax },
      labels: planPoolLabels(plan),
      taints: plan.taints.map((taint) => ({ ...taint })),
      launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
      updateConfig: { maxUnavailable: 1 },
      nodeRepairConfig: { enabled: true },
    };
    const group = new aws.eks.NodeGroup(`${name}-nodes`, transform?.nodeGroup?.(groupArgs) ?? groupArgs, {
      parent: this,
      dependsOn: [...ready, ...args.after],
    });
    this.nodeGroupName = group.nodeGroupName;
    this.registerOutputs({ nodeGroupName: this.nodeGroupName });
  }
}

function launchTemplate(name: string, { plan, tags }: NodePoolArgs): aws.ec2.LaunchTemplateArgs {
  const named = { ...tags, Name: name };
  const settings = planNodeSettings(plan);
  return {
    updateDefaultVersion: true,
    metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
    blockDeviceMappings: planDisks(plan).map(({ device, sizeGiB }) => ({
      deviceName: device,
      ebs: { volumeSize: sizeGiB, volumeType: 'gp3', encrypted: 'true', deleteOnTermination: 'true' },
    })),
    tagSpecifications: ['instance', 'volume'].map((resourceType) => ({ resourceType, tags: named })),
    ...(settings === undefined ? {} : { userData: Buffer.from(settings).toString('base64') }),
  };
}
