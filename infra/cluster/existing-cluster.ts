import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { providerDecisions } from '../planning/cluster/kubernetes-provider.ts';

export interface ExistingClusterArgs {
  /**
   * The context of the kubeconfig of whoever deploys, for example `kind-orrery`. It stands for the cluster: another context is another
   * cluster, in which everything is made anew.
   */
  readonly context: string;
}

/**
 * A Kubernetes that is there already: kind, k3d, a cluster of bare machines, another cloud's. It needs a class of volumes, a network
 * that enforces NetworkPolicy, and rights of an administrator; its address and credentials come from the kubeconfig of whoever deploys.
 * Cost driver: none of ours.
 * Refuses nothing; what the cluster lacks it refuses itself.
 */
export class ExistingCluster extends ComponentResource {
  /** What Kubernetes resources of this cluster are made by. */
  readonly provider: kubernetes.Provider;

  constructor(name: string, args: ExistingClusterArgs, options?: ComponentResourceOptions) {
    super('orrery:cluster:ExistingCluster', name, {}, options);
    const { context } = args;
    this.provider = new kubernetes.Provider(
      `${name}-kubernetes`,
      { context, clusterIdentifier: context, ...providerDecisions },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
