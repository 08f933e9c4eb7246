// A provider plugin of the engine: pulumi-resource-eks, for `eks.Cluster` as a control plane alone. Its children are those that
// createCluster, createCore and ServiceRole of pulumi/pulumi-eks 4.3.0 make of the arguments that the platform gives.
import { createHash } from 'node:crypto';
import { Cluster } from '@pulumi/aws/eks/cluster.js';
import { Role } from '@pulumi/aws/iam/role.js';
import { RolePolicyAttachment } from '@pulumi/aws/iam/rolePolicyAttachment.js';
import type { ClusterArgs } from '@pulumi/eks';
import manifest from '@pulumi/eks/package.json' with { type: 'json' };
import { Provider as KubernetesProvider } from '@pulumi/kubernetes/provider.js';
import {
  ComponentResource,
  output,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Inputs,
} from '@pulumi/pulumi';
import { main, type ConstructResult } from '@pulumi/pulumi/provider/index.js';

const clusterPolicy = 'arn:aws:iam::aws:policy/AmazonEKSClusterPolicy';

class ServiceRole extends ComponentResource {
  readonly role: Role;
  readonly attachment: RolePolicyAttachment;

  constructor(name: string, options: ComponentResourceOptions) {
    super('eks:index:ServiceRole', name, {}, options);
    const statement = {
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Effect: 'Allow',
      Principal: { Service: ['eks.amazonaws.com'] },
    };
    this.role = new Role(
      `${name}-role`,
      {
        description: 'Allows EKS to manage clusters on your behalf.',
        assumeRolePolicy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      },
      { parent: this },
    );
    const digest = createHash('sha1').update(clusterPolicy).digest('hex').slice(0, 8);
    this.attachment = new RolePolicyAttachment(
      `${name}-${digest}`,
      { policyArn: clusterPolicy, role: this.role },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

class ControlPlane extends ComponentResource {
  readonly state: Inputs;

  constructor(name: string, args: ClusterArgs, options: ComponentResourceOptions) {
    super('eks:index:Cluster', name, {}, options);
    const { role, attachment } = new ServiceRole(`${name}-eksRole`, { parent: this });
    const cluster = new Cluster(`${name}-eksCluster`, clusterArgs(name, args, role), {
      parent: this,
      dependsOn: [attachment],
      ignoreChanges: ['accessConfig.bootstrapClusterCreatorAdminPermissions', 'bootstrapSelfManagedAddons'],
    } satisfies CustomResourceOptions);
    const kubeconfig = kubeconfigOf(cluster);
    const kubeconfigJson = kubeconfig.apply((config) => JSON.stringify(config));
    new KubernetesProvider(`${name}-eks-k8s`, { kubeconfig: kubeconfigJson }, { parent: this });
    const group = cluster.vpcConfig.clusterSecurityGroupId;
    this.state = {
      kubeconfig,
      kubeconfigJson,
      eksCluster: cluster,
      core: { cluster, endpoint: cluster.endpoint, kubeconfig },
      instanceRoles: [],
      clusterSecurityGroupId: group,
      nodeSecurityGroupId: group,
    };
    this.registerOutputs(this.state);
  }
}

function clusterArgs(name: string, args: ClusterArgs, role: Role): ConstructorParameters<typeof Cluster>[1] {
  const { endpointPrivateAccess, endpointPublicAccess, publicAccessCidrs, privateSubnetIds, publicSubnetIds } = args;
  const subnetIds = output([publicSubnetIds ?? [], privateSubnetIds ?? []]).apply((lists) => lists.flat());
  const keyArn = args.encryptionConfigKeyArn;
  return given({
    name: args.name,
    version: args.version,
    enabledClusterLogTypes: args.enabledClusterLogTypes,
    upgradePolicy: args.upgradePolicy,
    deletionProtection: args.deletionProtection,
    roleArn: role.arn,
    bootstrapSelfManagedAddons: args.bootstrapSelfManagedAddons ?? true,
    vpcConfig: given({ subnetIds, endpointPrivateAccess, endpointPublicAccess, publicAccessCidrs }),
    tags: output(args.clusterTags).apply((tags) => ({ Name: `${name}-eksCluster`, ...tags })),
    encryptionConfig: keyArn === undefined ? undefined : { provider: { keyArn }, resources: ['secrets'] },
    accessConfig: {
      authenticationMode: output(args.authenticationMode).apply((mode) => mode ?? 'API'),
      bootstrapClusterCreatorAdminPermissions: true,
    },
  });
}

/** Without what is undefined: an argument that is left open is not one that is set to nothing. */
function given<T extends object>(values: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function kubeconfigOf({ name, endpoint, certificateAuthority, arn }: Cluster) {
  return output({ name, endpoint, certificateAuthority, arn }).apply((of) => ({
    apiVersion: 'v1',
    clusters: [
      {
        cluster: { server: of.endpoint, 'certificate-authority-data': of.certificateAuthority.data },
        name: 'kubernetes',
      },
    ],
    contexts: [{ context: { cluster: 'kubernetes', user: 'aws' }, name: 'aws' }],
    'current-context': 'aws',
    kind: 'Config',
    users: [{ name: 'aws', user: { exec: tokenCommand(of.arn.split(':')[3] ?? '', of.name) } }],
  }));
}

function tokenCommand(region: string, clusterName: string) {
  return {
    apiVersion: 'client.authentication.k8s.io/v1beta1',
    command: 'aws',
    args: ['--region', region, 'eks', 'get-token', '--cluster-name', clusterName, '--output', 'json'],
    env: [{ name: 'KUBERNETES_EXEC_INFO', value: '{"apiVersion": "client.authentication.k8s.io/v1beta1"}' }],
  };
}

await main(
  {
    version: manifest.version,
    schema: JSON.stringify({ name: 'eks', version: manifest.version, resources: {} }),
    async construct(name, type, inputs, options): Promise<ConstructResult> {
      if (type !== 'eks:index:Cluster') throw new Error(`the stand-in for eks makes eks.Cluster only, not ${type}`);
      const component = new ControlPlane(name, inputs, options);
      return { urn: component.urn, state: component.state };
    },
  },
  process.argv.slice(2),
);
