import { Addons } from '#infra/cluster/addons.ts';
import { ControlPlane } from '#infra/cluster/control-plane.ts';
import { NodePool } from '#infra/compute/node-pool.ts';
import { planNetworkAddons, planNodeAddons } from '#infra/planning/cluster/addons.ts';
import { planSystemPool } from '#infra/planning/compute/pools.ts';
import { kubernetesVersion } from '#infra/planning/versions.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { ClusterLayer, Foundation, NetworkLayer } from './layers.ts';

/** The control plane, what nodes need to become ready, the system pool, and what needs nodes. */
export function createCluster(settings: AwsSettings, foundation: Foundation, network: NetworkLayer): ClusterLayer {
  const { environment, accountId, tags, providers, keyArn } = foundation;
  const { administrators, viewers, ...cluster } = settings.cluster;
  const arnOf = (role: string) => `arn:aws:iam::${accountId}:role/${role}`;
  const controlPlane = new ControlPlane(
    'cluster',
    {
      ...cluster,
      clusterName: `orrery-${environment}`,
      version: kubernetesVersion,
      vpcId: network.vpcId,
      networkCidr: network.cidr,
      privateSubnetIds: network.privateSubnetIds,
      administratorRoleArns: administrators.map(arnOf),
      viewerRoleArns: viewers.map(arnOf),
      keyArn,
    },
    { providers },
  );
  const { clusterName, version, securityGroupId } = controlPlane;
  const early = new Addons('network-addons', { clusterName, addons: planNetworkAddons(), after: [] }, { providers });
  // Nodes are ready only once they have the network plugin, so its addon comes first; DNS and storage need nodes to run on.
  const system = new NodePool(
    'system-pool',
    {
      clusterName,
      version,
      subnetIds: network.privateSubnetIds,
      plan: planSystemPool(settings.system),
      tags,
      after: [early],
    },
    { providers },
  );
  const late = new Addons('node-addons', { clusterName, addons: planNodeAddons(), after: [system] }, { providers });
  return {
    providers: { ...providers, kubernetes: controlPlane.provider },
    clusterName,
    version,
    securityGroupId,
    ready: [late],
  };
}
