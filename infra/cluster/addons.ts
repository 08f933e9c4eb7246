import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import type { AddonPlan } from '../planning/cluster/addons.ts';
import { podIdentityTrust } from '../planning/pod-identity.ts';

export interface AddonsArgs {
  /** Name of the cluster, from its output. */
  readonly clusterName: Input<string>;
  /** Each with its exact version: from `planNetworkAddons` or `planNodeAddons`. */
  readonly addons: readonly AddonPlan[];
  /** What has to stand first: an addon whose pods find no node is reported as failed after 20 minutes. */
  readonly after: readonly Resource[];
}

/**
 * Addons of EKS at pinned versions, each with a role of its own where it calls AWS.
 * Cost driver: none but the pods.
 * Refuses nothing; EKS itself refuses a version that does not fit the cluster's.
 */
export class Addons extends ComponentResource {
  constructor(name: string, args: AddonsArgs, options?: ComponentResourceOptions) {
    super('orrery:cluster:Addons', name, {}, options);
    args.addons.forEach((addon) => this.#install(name, addon, args));
    this.registerOutputs({});
  }

  #install(name: string, addon: AddonPlan, { clusterName, after }: AddonsArgs): void {
    const { identity, settings } = addon;
    const associations = identity === undefined ? [] : [this.#associate(`${name}-${addon.name}`, identity)];
    new aws.eks.Addon(
      `${name}-${addon.name}`,
      {
        clusterName,
        addonName: addon.name,
        addonVersion: addon.version,
        resolveConflictsOnCreate: 'OVERWRITE',
        resolveConflictsOnUpdate: 'OVERWRITE',
        ...(settings === undefined ? {} : { configurationValues: JSON.stringify(settings) }),
        ...(associations.length === 0 ? {} : { podIdentityAssociations: associations }),
      },
      { parent: this, dependsOn: [...after] },
    );
  }

  #associate(name: string, { serviceAccount, policyArn }: NonNullable<AddonPlan['identity']>) {
    const role = new aws.iam.Role(`${name}-role`, { assumeRolePolicy: podIdentityTrust }, { parent: this });
    const attached = new aws.iam.RolePolicyAttachment(
      `${name}-policy`,
      { role: role.name, policyArn },
      { parent: this },
    );
    // By way of the attachment, so that the addon never starts with a role that may nothing.
    return { serviceAccount, roleArn: attached.id.apply(() => role.arn) };
  }
}
