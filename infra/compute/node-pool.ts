import * as aws from '@pulumi/aws';
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { poolLabel, type PoolPlan } from '../planning/pools.ts';

export interface NodePoolArgs {
  readonly clusterName: Input<string>;
  /** The control plane's version, from its output: nodes follow the cluster. */
  readonly version: Input<string>;
  readonly subnetIds: Input<string>[];
  /** From planSystemPool, planSpotPool or planGpuPool. */
  readonly plan: PoolPlan;
  /** What has to stand first: the network's addons, without which no node becomes ready. */
  readonly after: readonly Resource[];
  /** Put on instances and volumes, which the provider's default tags don't reach. */
  readonly tags: Record<string, string>;
}

const nodePolicies = ['AmazonEKSWorkerNodePolicy', 'AmazonEC2ContainerRegistryPullOnly'];

/**
 * One pool of Bottlerocket nodes in private subnets: encrypted disks, instance metadata out of the reach of pods, a role that
 * may only join the cluster and pull images.
 * Cost driver: the instances between `nodesMin` and `nodesMax`.
 * Refuses nothing itself: the plan did.
 */
export class NodePool extends ComponentResource {
  readonly nodeGroupName: Output<string>;

  constructor(name: string, args: NodePoolArgs, options?: ComponentResourceOptions) {
    super('orrery:compute:NodePool', name, {}, options);
    const { plan } = args;
    const { role, policies } = this.#createRole(name);
    const template = new aws.ec2.LaunchTemplate(`${name}-template`, launchTemplate(name, args), { parent: this });
    const group = new aws.eks.NodeGroup(
      `${name}-nodes`,
      {
        clusterName: args.clusterName,
        version: args.version,
        nodeRoleArn: role.arn,
        subnetIds: args.subnetIds,
        amiType: plan.amiType,
        capacityType: plan.capacityType,
        instanceTypes: [...plan.instanceTypes],
        scalingConfig: { minSize: plan.nodesMin, desiredSize: plan.nodesMin, maxSize: plan.nodesMax },
        labels: { [poolLabel]: plan.kind },
        taints: plan.taints.map((taint) => ({ ...taint })),
        launchTemplate: { id: template.id, version: template.latestVersion.apply(String) },
        updateConfig: { maxUnavailable: 1 },
        nodeRepairConfig: { enabled: true },
      },
      { parent: this, dependsOn: [...policies, ...args.after] },
    );
    this.nodeGroupName = group.nodeGroupName;
    this.registerOutputs({ nodeGroupName: this.nodeGroupName });
  }

  #createRole(name: string) {
    const role = new aws.iam.Role(
      `${name}-role`,
      {
        assumeRolePolicy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
        }),
      },
      { parent: this },
    );
    const policies = nodePolicies.map(
      (policy) =>
        new aws.iam.RolePolicyAttachment(
          `${name}-${policy}`,
          { role: role.name, policyArn: `arn:aws:iam::aws:policy/${policy}` },
          { parent: this },
        ),
    );
    return { role, policies };
  }
}

function launchTemplate(name: string, { plan, tags }: NodePoolArgs): aws.ec2.LaunchTemplateArgs {
  const named = { ...tags, Name: name };
  return {
    updateDefaultVersion: true,
    metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
    // Bottlerocket keeps its system on the first volume and everything that pods write on the second.
    blockDeviceMappings: [
      {
        deviceName: '/dev/xvda',
        ebs: { volumeSize: 4, volumeType: 'gp3', encrypted: 'true', deleteOnTermination: 'true' },
      },
      {
        deviceName: '/dev/xvdb',
        ebs: { volumeSize: plan.diskGiB, volumeType: 'gp3', encrypted: 'true', deleteOnTermination: 'true' },
      },
    ],
    tagSpecifications: ['instance', 'volume'].map((resourceType) => ({ resourceType, tags: named })),
  };
}
