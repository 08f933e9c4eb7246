import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { eksCluster } from '#stacks/render/expanders/eks-cluster.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { renderSmall } from './small-program.ts';

const load = createRequire(import.meta.url);
const component = 'urn:pulumi:dev::orrery::eks:index:Cluster::main';
const below = 'urn:pulumi:dev::orrery::eks:index:Cluster$';
const provider = 'urn:pulumi:dev::orrery::pulumi:providers:aws::aws';
const key = 'urn:pulumi:dev::orrery::aws:kms/key:Key::key';
const subnet = 'urn:pulumi:dev::orrery::aws:ec2/subnet:Subnet::subnet';
const role = `${below}eks:index:ServiceRole$aws:iam/role:Role::main-eksRole-role`;
const attachment = `${below}eks:index:ServiceRole$aws:iam/rolePolicyAttachment:RolePolicyAttachment::main-eksRole-4b490823`;
const cluster = `${below}aws:eks/cluster:Cluster::main-eksCluster`;

/** The arguments of infra/cluster/control-plane.ts, around a few resources. */
const program = `
  const provider = new aws.Provider('aws', { region: 'eu-west-1' });
  const providers = { aws: provider };
  const key = new aws.kms.Key('key', {}, { provider });
  const subnet = new aws.ec2.Subnet('subnet', { vpcId: 'vpc-1' }, { provider });
  const main = new eks.Cluster('main', {
    name: 'orrery-dev', version: '1.34', vpcId: 'vpc-1', privateSubnetIds: [subnet.id, 'subnet-2'], skipDefaultNodeGroup: true,
    skipDefaultSecurityGroups: true, createInstanceRole: false, createOidcProvider: false, bootstrapSelfManagedAddons: false,
    useDefaultVpcCni: true, corednsAddonOptions: { enabled: false }, kubeProxyAddonOptions: { enabled: false },
    authenticationMode: eks.AuthenticationMode.Api, endpointPrivateAccess: true, endpointPublicAccess: true,
    publicAccessCidrs: ['203.0.113.0/24'], enabledClusterLogTypes: ['api'], encryptionConfigKeyArn: key.arn,
    upgradePolicy: { supportType: 'STANDARD' }, deletionProtection: true,
  }, { providers });
  new random.RandomPet('reader', { keepers: {
    name: main.eksCluster.name, version: main.eksCluster.version, arn: main.eksCluster.arn, nodes: main.nodeSecurityGroupId,
    group: main.eksCluster.vpcConfig.clusterSecurityGroupId, issuer: main.oidcProviderUrl, asg: main.defaultNodeGroupAsgName,
    none: main.clusterSecurityGroup.apply((group) => String(group)), core: main.core.endpoint, json: main.kubeconfigJson,
  } });`;

describe('the expander of eks.Cluster', function () {
  this.timeout(60_000);
  let graph: GraphResource[];

  before(async () => {
    graph = await renderSmall(program);
  });

  it('follows the source of the provider that is installed', () => {
    const { version } = load('@pulumi/eks/package.json') as { version: string };
    assert.deepEqual(eksCluster.follows, { package: '@pulumi/eks', version });
  });

  /**
   * Written from createCluster, createCore and ServiceRole at v4.3.0, and seen to be what a provider built from that source
   * registers with a real engine. The lab's imitation differs: test/engine/render.test.ts lists how.
   */
  it('makes the children that the provider makes of a control plane alone', () => {
    const children = graph.filter(({ expandedBy }) => expandedBy === component);
    assert.deepEqual(
      children.map(({ urn, parent, custom, options, dependencies }) => ({
        urn,
        parent,
        custom,
        options,
        dependencies,
      })),
      [
        {
          urn: cluster,
          parent: component,
          custom: true,
          options: {
            ignoreChanges: ['accessConfig.bootstrapClusterCreatorAdminPermissions', 'bootstrapSelfManagedAddons'],
            provider,
            version: '7.25.0',
          },
          dependencies: [subnet, key, role, attachment].sort(),
        },
        {
          urn: role,
          parent: `${below}eks:index:ServiceRole::main-eksRole`,
          custom: true,
          options: { provider, version: '7.25.0' },
          dependencies: [],
        },
        {
          urn: attachment,
          parent: `${below}eks:index:ServiceRole::main-eksRole`,
          custom: true,
          options: { provider, version: '7.25.0' },
          dependencies: [role],
        },
        {
          urn: `${below}eks:index:ServiceRole::main-eksRole`,
          parent: component,
          custom: false,
          options: {},
          dependencies: [],
        },
        {
          urn: `${below}pulumi:providers:kubernetes::main-eks-k8s`,
          parent: component,
          custom: true,
          options: { version: '4.19.0' },
          dependencies: [cluster],
        },
      ],
    );
  });

  it('gives the cluster the inputs that the provider gives it', () => {
    const made = graph.find(({ urn }) => urn === cluster);
    assert.deepEqual(made?.inputs, {
      name: 'orrery-dev',
      version: '1.34',
      roleArn: '${main-eksRole-role.arn}',
      bootstrapSelfManagedAddons: false,
      vpcConfig: {
        subnetIds: ['${subnet.id}', 'subnet-2'],
        endpointPrivateAccess: true,
        endpointPublicAccess: true,
        publicAccessCidrs: ['203.0.113.0/24'],
      },
      enabledClusterLogTypes: ['api'],
      tags: { Name: 'main-eksCluster' },
      encryptionConfig: { provider: { keyArn: '${key.arn}' }, resources: ['secrets'] },
      accessConfig: { authenticationMode: 'API', bootstrapClusterCreatorAdminPermissions: true },
      upgradePolicy: { supportType: 'STANDARD' },
      deletionProtection: true,
    });
    assert.deepEqual(made.propertyDependencies, { encryptionConfig: [key], roleArn: [role], vpcConfig: [subnet] });
    assert.deepEqual(graph.find(({ urn }) => urn === role)?.inputs, {
      description: 'Allows EKS to manage clusters on your behalf.',
      assumeRolePolicy:
        '{"Version":"2012-10-17","Statement":[{"Action":["sts:AssumeRole","sts:TagSession"],"Effect":"Allow","Principal":{"Service":["eks.amazonaws.com"]}}]}',
    });
    assert.deepEqual(graph.find(({ urn }) => urn === attachment)?.inputs, {
      policyArn: 'arn:aws:iam::aws:policy/AmazonEKSClusterPolicy',
      role: '${main-eksRole-role.id}',
    });
  });

  it('resolves the component’s outputs to its children', () => {
    const reader = graph.find(({ name }) => name === 'reader');
    const { json, ...keepers } = reader?.inputs['keepers'] as Record<string, string>;
    assert.deepEqual(keepers, {
      name: 'orrery-dev',
      version: '1.34',
      arn: '${main-eksCluster.arn}',
      nodes: '${main-eksCluster.vpcConfig.clusterSecurityGroupId}',
      group: '${main-eksCluster.vpcConfig.clusterSecurityGroupId}',
      issuer: '${main-eksCluster.identities[0].oidcs[0].issuer}',
      asg: '',
      none: 'undefined',
      core: '${main.core.endpoint}',
    });
    const kubeconfig = JSON.parse(json ?? '') as {
      clusters: { cluster: object }[];
      users: { user: { exec: { args: string[] } } }[];
    };
    assert.deepEqual(kubeconfig.clusters[0]?.cluster, {
      server: '${main-eksCluster.endpoint}',
      'certificate-authority-data': '${main-eksCluster.certificateAuthority.data}',
    });
    assert.deepEqual(kubeconfig.users[0]?.user.exec.args, [
      ...['--region', 'eu-west-1', 'eks', 'get-token', '--cluster-name', 'orrery-dev', '--output', 'json'],
    ]);
    assert.deepEqual(reader?.dependencies, [cluster, component].sort());
  });
});
