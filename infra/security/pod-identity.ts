import * as aws from '@pulumi/aws';
import type { ComponentResource, Input, Output, Resource } from '@pulumi/pulumi';
import { podIdentityTrust } from '../planning/pod-identity.ts';

export interface PodIdentityArgs {
  /** Cluster in which Pod Identity knows the account. */
  readonly clusterName: Input<string>;
  readonly namespace: Input<string>;
  readonly serviceAccount: Input<string>;
  /** What the pods may do in AWS: an IAM policy document, see `allow` of infra/planning/iam. */
  readonly policy: Input<string>;
}

export interface PodIdentity {
  readonly roleArn: Output<string>;
  /** What has to stand before the pods start: without it they run with no rights. */
  readonly ready: readonly Resource[];
}

/** The role behind one service account, as children of a component: `<name>-role`, `<name>-policy`, `<name>-identity`. */
export function createPodIdentity(parent: ComponentResource, name: string, args: PodIdentityArgs): PodIdentity {
  const { policy, ...account } = args;
  const role = new aws.iam.Role(`${name}-role`, { assumeRolePolicy: podIdentityTrust }, { parent });
  const attached = new aws.iam.RolePolicy(`${name}-policy`, { role: role.name, policy }, { parent });
  const association = new aws.eks.PodIdentityAssociation(
    `${name}-identity`,
    { ...account, roleArn: role.arn },
    { parent },
  );
  return { roleArn: role.arn, ready: [attached, association] };
}
