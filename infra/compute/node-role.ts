import * as aws from '@pulumi/aws';
import type { ComponentResource, Resource } from '@pulumi/pulumi';
import { trust } from '../planning/iam.ts';

const nodePolicies = ['AmazonEKSWorkerNodePolicy', 'AmazonEC2ContainerRegistryPullOnly'];

export interface NodeRole {
  readonly role: aws.iam.Role;
  /** What has to stand before a node starts with the role. */
  readonly ready: readonly Resource[];
}

/** The role of a node, as children of a component: it may join the cluster and pull images, and nothing else. */
export function createNodeRole(parent: ComponentResource, name: string): NodeRole {
  const role = new aws.iam.Role(`${name}-role`, { assumeRolePolicy: trust('ec2.amazonaws.com') }, { parent });
  const ready = nodePolicies.map(
    (policy) =>
      new aws.iam.RolePolicyAttachment(
        `${name}-${policy}`,
        { role: role.name, policyArn: `arn:aws:iam::aws:policy/${policy}` },
        { parent },
      ),
  );
  return { role, ready };
}
