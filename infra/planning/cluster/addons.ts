import { systemTaintKey } from '../compute/pools.ts';
import { addonVersions } from '../versions.ts';

export interface AddonPlan {
  /** Name by which EKS knows it, for example `vpc-cni`. */
  readonly name: string;
  /** Exact version, for example `v1.22.4-eksbuild.3`. */
  readonly version: string;
  /** Settings of the addon, by its own schema. Default none. */
  readonly settings?: Record<string, unknown>;
  /** The service account that calls AWS, and the managed policy that it gets. Default: calls nothing. */
  readonly identity?: { readonly serviceAccount: string; readonly policyArn: string };
}

/** What a node needs to become ready; their pods wait for nodes, so they are installed before any. */
export function planNetworkAddons(): AddonPlan[] {
  return [
    { name: 'eks-pod-identity-agent', version: addonVersions['eks-pod-identity-agent'].version },
    { name: 'kube-proxy', version: addonVersions['kube-proxy'].version },
    {
      name: 'vpc-cni',
      version: addonVersions['vpc-cni'].version,
      // Without it a NetworkPolicy is accepted and ignored.
      settings: { enableNetworkPolicy: 'true' },
      identity: { serviceAccount: 'aws-node', policyArn: 'arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy' },
    },
  ];
}

/** What needs nodes to run on: names, volumes, and the measurements that replicas are scaled by. */
export function planNodeAddons(): AddonPlan[] {
  return [
    { name: 'coredns', version: addonVersions.coredns.version },
    {
      name: 'aws-ebs-csi-driver',
      version: addonVersions['aws-ebs-csi-driver'].version,
      identity: {
        serviceAccount: 'ebs-csi-controller-sa',
        policyArn: 'arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy',
      },
    },
    {
      name: 'metrics-server',
      version: addonVersions['metrics-server'].version,
      // The others tolerate the taint by themselves; where the system pool is the only one yet, this one would find no node.
      settings: { tolerations: [{ key: systemTaintKey, operator: 'Exists' }] },
    },
    // Tells what a kubelet does not, a broken disk or GPU among it: node repair acts on what it says.
    { name: 'eks-node-monitoring-agent', version: addonVersions['eks-node-monitoring-agent'].version },
  ];
}
