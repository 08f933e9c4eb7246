import * as aws from '@pulumi/aws';
import * as eks from '@pulumi/eks';
import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import { providerDecisions } from '../planning/cluster/kubernetes-provider.ts';

export interface ControlPlaneArgs {
  /**
   * Physical name, for example `orrery-dev`. One of the few names that are fixed: the log group has to exist under it before the
   * cluster does, and a replacement of the cluster by accident then fails instead of succeeding.
   */
  readonly clusterName: string;
  /** Minor version of Kubernetes, for example `1.34`. */
  readonly version: string;
  /** The network in which it stands. */
  readonly vpcId: Input<string>;
  /** Where the control plane reaches the nodes: one in each zone. */
  readonly privateSubnetIds: Input<string>[];
  /** Range of the network: what lies in it reaches the private endpoint, machines that deploy among them. */
  readonly networkCidr: string;
  /** Who may reach the API from outside the network. Empty: nobody, the endpoint is private only. */
  readonly publicAccessCidrs: readonly string[];
  /**
   * ARNs of the IAM roles that administer the cluster beside the one that creates it: EKS admits that one by itself, and refuses a second
   * entry for it. At least one: the way in when that role is gone.
   */
  readonly administratorRoleArns: readonly string[];
  /** ARNs of the IAM roles that may look at everything but secrets, and change nothing. Default none. */
  readonly viewerRoleArns?: readonly string[];
  /** The key for Kubernetes secrets and for the control plane's logs. */
  readonly keyArn: Input<string>;
  /** Days that the control plane's logs are kept. One of CloudWatch's steps, for example 30 or 365. */
  readonly logRetentionDays: number;
}

const logTypes = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'];
const accessPolicies = {
  administrator: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy',
  viewer: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy',
} as const;

/**
 * The managed Kubernetes control plane alone: nodes, addons and access are resources of their own, because the remote
 * `eks.Cluster` would hide them from every judge that has no cloud.
 * Cost driver: the cluster by the hour, and audit logs by the byte.
 * Refuses: a public endpoint for the whole internet, a cluster that nobody administers, a role that would get two rights.
 */
export class ControlPlane extends ComponentResource {
  readonly clusterName: Output<string>;
  readonly version: Output<string>;
  /** The group that every node and the control plane share. */
  readonly securityGroupId: Output<string>;
  /** What Kubernetes resources of this cluster are made by; it waits until the administrators may enter. */
  readonly provider: kubernetes.Provider;

  constructor(name: string, args: ControlPlaneArgs, options?: ComponentResourceOptions) {
    super('orrery:cluster:ControlPlane', name, {}, options);
    assertAccess(args);
    const logs = new aws.cloudwatch.LogGroup(
      `${name}-logs`,
      {
        name: `/aws/eks/${args.clusterName}/cluster`,
        retentionInDays: args.logRetentionDays,
        kmsKeyId: args.keyArn,
      },
      { parent: this },
    );
    // A remote component is told its providers; it does not inherit them from its parent.
    const cloud = this.getProvider('aws:eks/cluster:Cluster');
    const cluster = new eks.Cluster(`${name}-cluster`, clusterArgs(args), {
      parent: this,
      dependsOn: [logs],
      ...(cloud === undefined ? {} : { providers: { aws: cloud } }),
    });
    this.clusterName = cluster.eksCluster.name;
    this.version = cluster.eksCluster.version;
    this.securityGroupId = cluster.eksCluster.vpcConfig.clusterSecurityGroupId;
    const inside = this.#openInside(name, args.networkCidr);
    const access = args.administratorRoleArns.map((arn) => this.#admit(name, 'administrator', arn));
    for (const arn of args.viewerRoleArns ?? []) this.#admit(name, 'viewer', arn);
    this.provider = new kubernetes.Provider(
      `${name}-kubernetes`,
      {
        kubeconfig: cluster.kubeconfigJson,
        // The address and the certificate of a cluster may change while it stays the same cluster.
        clusterIdentifier: cluster.eksCluster.arn,
        ...providerDecisions,
      },
      { parent: this, dependsOn: [...access, inside] },
    );
    this.registerOutputs({
      clusterName: this.clusterName,
      version: this.version,
      securityGroupId: this.securityGroupId,
    });
  }

  /** EKS's own group admits its members alone: without this a machine of the network waits for an answer for ever. */
  #openInside(name: string, cidrIpv4: string): aws.vpc.SecurityGroupIngressRule {
    return new aws.vpc.SecurityGroupIngressRule(
      `${name}-api-from-network`,
      {
        securityGroupId: this.securityGroupId,
        cidrIpv4,
        ipProtocol: 'tcp',
        fromPort: 443,
        toPort: 443,
        description: 'The API of Kubernetes, from inside the network',
      },
      { parent: this },
    );
  }

  #admit(name: string, right: keyof typeof accessPolicies, principalArn: string): aws.eks.AccessPolicyAssociation {
    const role = `${name}-${right}-${principalArn.slice(principalArn.lastIndexOf('/') + 1)}`;
    const entry = new aws.eks.AccessEntry(role, { clusterName: this.clusterName, principalArn }, { parent: this });
    return new aws.eks.AccessPolicyAssociation(
      `${role}-policy`,
      {
        clusterName: this.clusterName,
        principalArn: entry.principalArn,
        policyArn: accessPolicies[right],
        accessScope: { type: 'cluster' },
      },
      { parent: this },
    );
  }
}

function clusterArgs(args: ControlPlaneArgs): eks.ClusterArgs {
  const isPublic = args.publicAccessCidrs.length > 0;
  return {
    name: args.clusterName,
    version: args.version,
    vpcId: args.vpcId,
    privateSubnetIds: args.privateSubnetIds,
    skipDefaultNodeGroup: true,
    skipDefaultSecurityGroups: true,
    createInstanceRole: false,
    createOidcProvider: false,
    bootstrapSelfManagedAddons: false,
    useDefaultVpcCni: true,
    corednsAddonOptions: { enabled: false },
    kubeProxyAddonOptions: { enabled: false },
    authenticationMode: eks.AuthenticationMode.Api,
    endpointPrivateAccess: true,
    endpointPublicAccess: isPublic,
    ...(isPublic ? { publicAccessCidrs: [...args.publicAccessCidrs] } : {}),
    enabledClusterLogTypes: logTypes,
    encryptionConfigKeyArn: args.keyArn,
    upgradePolicy: { supportType: 'STANDARD' },
    deletionProtection: true,
  };
}

function assertAccess({ publicAccessCidrs, administratorRoleArns, viewerRoleArns = [] }: ControlPlaneArgs): void {
  const open = publicAccessCidrs.filter((cidr) => cidr.endsWith('/0'));
  if (open.length > 0) {
    throw new PlanError({
      code: 'ENDPOINT_OPEN',
      message: `the cluster's endpoint would be open to ${open.join(', ')}`,
      hint: 'name the ranges of your offices and runners, or none for a private endpoint',
    });
  }
  if (administratorRoleArns.length === 0) {
    throw new PlanError({
      code: 'CLUSTER_UNADMINISTERED',
      message: 'no role administers the cluster',
      hint: 'name at least the role that runs `pulumi up`',
    });
  }
  const twice = viewerRoleArns.filter((arn) => administratorRoleArns.includes(arn));
  if (twice.length > 0) {
    throw new PlanError({
      code: 'CLUSTER_ROLE_TWICE',
      message: `${twice.join(', ')} would administer the cluster and only view it`,
      hint: 'name a role among the administrators or among the viewers',
    });
  }
}
