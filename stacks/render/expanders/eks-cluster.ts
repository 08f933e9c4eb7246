import { createHash } from 'node:crypto';
import { referenceTo } from '../values.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import type { Child, Expander, Expansion, RemoteComponent } from './expander.ts';

/** The SDKs that are built into the eks provider 4.3.0: its children ask for these versions. */
const versions = { aws: '7.25.0', kubernetes: '4.19.0' } as const;

/** What this expander knows how to read of each argument; any other argument or value is not guessed at. */
const known: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: given,
  version: given,
  vpcId: given,
  privateSubnetIds: Array.isArray,
  publicSubnetIds: Array.isArray,
  endpointPrivateAccess: given,
  endpointPublicAccess: given,
  publicAccessCidrs: given,
  enabledClusterLogTypes: given,
  encryptionConfigKeyArn: given,
  upgradePolicy: given,
  deletionProtection: given,
  bootstrapSelfManagedAddons: given,
  clusterTags: given,
  skipDefaultNodeGroup: is(true),
  skipDefaultSecurityGroups: is(true),
  createInstanceRole: is(false),
  createOidcProvider: is(false),
  useDefaultVpcCni: is(true),
  corednsAddonOptions: isDisabled,
  kubeProxyAddonOptions: isDisabled,
  authenticationMode: is('API'),
};

/** Without these the provider would make more than a control plane. */
const required = [
  'vpcId',
  'skipDefaultNodeGroup',
  'skipDefaultSecurityGroups',
  'createInstanceRole',
  'useDefaultVpcCni',
  'corednsAddonOptions',
  'kubeProxyAddonOptions',
  'authenticationMode',
];

const managedPolicy = 'AmazonEKSClusterPolicy';

/**
 * `eks.Cluster` as a control plane alone, after createCluster and createCore of nodejs/eks/cluster/cluster.ts and ServiceRole of
 * nodejs/eks/servicerole.ts at v4.3.0 of pulumi/pulumi-eks: a service role with one attachment, the cluster, and the Kubernetes
 * provider that the component makes for itself.
 */
export const eksCluster: Expander = {
  type: 'eks:index:Cluster',
  follows: { package: '@pulumi/eks', version: '4.3.0' },
  expand(component) {
    const region = component.inputsOf(component.providers['aws'] ?? '')['region'];
    const doubts = findDoubts(component.inputs);
    if (typeof region !== 'string') doubts.push('providers.aws without a region');
    if (doubts.length === 0) return expandCluster(component, String(region));
    return {
      unsure: {
        code: 'EXPANDER_UNSURE',
        message: `${component.urn}: what the eks provider makes of this is not known here: ${doubts.join(', ')}`,
        hint: 'take the argument away, or teach stacks/render/expanders/eks-cluster.ts what 4.3.0 does with it',
      },
    };
  },
};

function findDoubts(inputs: Readonly<Record<string, unknown>>): string[] {
  const unknown = Object.entries(inputs)
    .filter(([key, value]) => known[key]?.(value) !== true)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  const missing = required.filter((key) => inputs[key] === undefined).map((key) => `${key} missing`);
  return [...unknown, ...missing];
}

function expandCluster(component: RemoteComponent, region: string): Expansion {
  const { urn, name, inputs, markOf } = component;
  const roles = serviceRole(component, partitionOf(region));
  const cluster = controlPlane(component, roles);
  const of = (path: string) => markOf(cluster.urn, path);
  const kubeconfig = kubeconfigOf(of, inputs['name'] ?? of('name'), region);
  const provider: Child = {
    urn: childUrn(urn, 'pulumi:providers:kubernetes', `${name}-eks-k8s`),
    type: 'pulumi:providers:kubernetes',
    name: `${name}-eks-k8s`,
    parent: urn,
    custom: true,
    inputs: { kubeconfig: JSON.stringify(kubeconfig) },
    dependencies: [cluster.urn],
    propertyDependencies: { kubeconfig: [cluster.urn] },
    options: { version: versions.kubernetes },
  };
  const issuer = of('identities[0].oidcs[0].issuer');
  const ofCluster = [
    'kubeconfig',
    'kubeconfigJson',
    'eksCluster',
    'core',
    'clusterSecurityGroupId',
    'nodeSecurityGroupId',
  ];
  return {
    outputDependencies: Object.fromEntries(
      [...ofCluster, 'oidcProviderUrl', 'oidcIssuer'].map((key) => [key, [cluster.urn]]),
    ),
    children: [...roles, cluster, provider],
    outputs: {
      kubeconfig,
      kubeconfigJson: JSON.stringify(kubeconfig),
      eksCluster: referenceTo(cluster.urn, of('id')),
      instanceRoles: [],
      core: markOf(urn, 'core'),
      // With skipDefaultSecurityGroups both are the group that EKS makes itself.
      clusterSecurityGroupId: of('vpcConfig.clusterSecurityGroupId'),
      nodeSecurityGroupId: of('vpcConfig.clusterSecurityGroupId'),
      clusterIngressRuleId: '',
      defaultNodeGroupAsgName: '',
      fargateProfileId: '',
      fargateProfileStatus: '',
      oidcProviderArn: '',
      oidcProviderUrl: issuer,
      oidcIssuer: markOf(urn, 'oidcIssuer'),
      autoModeNodeRoleName: '',
    },
  };
}

/** The component `ServiceRole`, its role, and one attachment that is named by a hash of the policy. */
function serviceRole({ urn, name, providers, markOf }: RemoteComponent, partition: string): Child[] {
  const component = `${name}-eksRole`;
  const componentUrn = childUrn(urn, 'eks:index:ServiceRole', component);
  const roleUrn = childUrn(componentUrn, 'aws:iam/role:Role', `${component}-role`);
  const attachment = `${component}-${sha1(`arn:aws:iam::aws:policy/${managedPolicy}`)}`;
  const options = awsOptions(providers);
  return [
    {
      urn: componentUrn,
      type: 'eks:index:ServiceRole',
      name: component,
      parent: urn,
      custom: false,
      inputs: {},
      dependencies: [],
      propertyDependencies: {},
      options: {},
    },
    {
      urn: roleUrn,
      type: 'aws:iam/role:Role',
      name: `${component}-role`,
      parent: componentUrn,
      custom: true,
      inputs: {
        description: 'Allows EKS to manage clusters on your behalf.',
        assumeRolePolicy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Action: ['sts:AssumeRole', 'sts:TagSession'],
              Effect: 'Allow',
              Principal: { Service: ['eks.amazonaws.com'] },
            },
          ],
        }),
      },
      dependencies: [],
      propertyDependencies: {},
      options,
    },
    {
      urn: childUrn(componentUrn, 'aws:iam/rolePolicyAttachment:RolePolicyAttachment', attachment),
      type: 'aws:iam/rolePolicyAttachment:RolePolicyAttachment',
      name: attachment,
      parent: componentUrn,
      custom: true,
      inputs: {
        policyArn: `arn:${partition}:iam::aws:policy/${managedPolicy}`,
        role: referenceTo(roleUrn, markOf(roleUrn, 'id')),
      },
      dependencies: [roleUrn],
      propertyDependencies: { role: [roleUrn] },
      options,
    },
  ];
}

function controlPlane(component: RemoteComponent, [, role, attachment]: readonly Child[]): Child {
  const { urn, name, inputs, providers, markOf } = component;
  const dependenciesOf = (...keys: string[]) =>
    unique(keys.flatMap((key) => component.propertyDependencies[key] ?? []));
  const roleUrn = role?.urn ?? '';
  const subnets = dependenciesOf('publicSubnetIds', 'privateSubnetIds', 'publicAccessCidrs');
  const encryption = dependenciesOf('encryptionConfigKeyArn');
  const propertyDependencies: Record<string, readonly string[]> = {
    roleArn: [roleUrn],
    vpcConfig: subnets,
    encryptionConfig: encryption,
    version: dependenciesOf('version'),
    name: dependenciesOf('name'),
  };
  const filled = Object.entries(propertyDependencies).filter(([, urns]) => urns.length > 0);
  return {
    urn: childUrn(urn, 'aws:eks/cluster:Cluster', `${name}-eksCluster`),
    type: 'aws:eks/cluster:Cluster',
    name: `${name}-eksCluster`,
    parent: urn,
    custom: true,
    inputs: clusterInputs(inputs, name, markOf(roleUrn, 'arn')),
    dependencies: unique([roleUrn, attachment?.urn ?? '', ...filled.flatMap(([, urns]) => urns)]),
    propertyDependencies: Object.fromEntries(filled),
    options: {
      ...awsOptions(providers),
      ignoreChanges: ['accessConfig.bootstrapClusterCreatorAdminPermissions', 'bootstrapSelfManagedAddons'],
    },
  };
}

function clusterInputs(inputs: Readonly<Record<string, unknown>>, name: string, roleArn: string) {
  const { encryptionConfigKeyArn: keyArn } = inputs;
  const passed = ['name', 'version', 'enabledClusterLogTypes', 'upgradePolicy', 'deletionProtection'];
  return {
    ...pick(inputs, passed),
    roleArn,
    bootstrapSelfManagedAddons: inputs['bootstrapSelfManagedAddons'] ?? true,
    vpcConfig: {
      subnetIds: [...list(inputs['publicSubnetIds']), ...list(inputs['privateSubnetIds'])],
      ...pick(inputs, ['endpointPrivateAccess', 'endpointPublicAccess', 'publicAccessCidrs']),
    },
    tags: { Name: `${name}-eksCluster`, ...(inputs['clusterTags'] as object | undefined) },
    ...(keyArn === undefined ? {} : { encryptionConfig: { provider: { keyArn }, resources: ['secrets'] } }),
    accessConfig: {
      authenticationMode: inputs['authenticationMode'],
      // The component deploys to the cluster itself, so it always admits whoever creates it.
      bootstrapClusterCreatorAdminPermissions: true,
    },
  };
}

function awsOptions(providers: Readonly<Record<string, string>>): Record<string, unknown> {
  const { aws } = providers;
  return { ...(aws === undefined ? {} : { provider: aws }), version: versions.aws };
}

/** The provider asks the cloud for its partition; the region tells it as well. */
function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

function childUrn(parent: string, type: string, name: string): string {
  const [head, project, types] = parent.split('::');
  return `${head ?? ''}::${project ?? ''}::${types ?? ''}$${type}::${name}`;
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex').slice(0, 8);
}

function pick(inputs: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => inputs[key] !== undefined).map((key) => [key, inputs[key]]));
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function unique(urns: readonly string[]): string[] {
  return [...new Set(urns)].sort();
}

function given(value: unknown): boolean {
  return value !== undefined;
}

function is(wanted: unknown): (value: unknown) => boolean {
  return (value) => value === wanted;
}

function isDisabled(value: unknown): boolean {
  return (value as { enabled?: unknown } | null)?.enabled === false;
}
