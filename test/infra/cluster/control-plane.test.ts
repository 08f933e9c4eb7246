import assert from 'node:assert/strict';
import { Provider } from '@pulumi/aws';
import { ControlPlane, type ControlPlaneArgs } from '#infra/cluster/control-plane.ts';
import { PlanError } from '#infra/errors.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: ControlPlaneArgs = {
  clusterName: 'orrery-test',
  version: '1.34',
  vpcId: 'vpc-1',
  networkCidr: '10.20.0.0/16',
  privateSubnetIds: ['subnet-1', 'subnet-2', 'subnet-3'],
  publicAccessCidrs: [],
  administratorRoleArns: ['arn:aws:iam::111122223333:role/deployer'],
  keyArn: 'arn:aws:kms:::key/1',
  logRetentionDays: 365,
};

function recordCluster(over: Partial<ControlPlaneArgs> = {}) {
  return record(() => {
    const aws = new Provider('aws', { region: 'eu-west-1' });
    return new ControlPlane('cluster', { ...args, ...over }, { providers: { aws } });
  });
}

describe('a control plane', () => {
  it('is a cluster without nodes, with its log group before it and its administrators after it', async () => {
    const recording = await recordCluster();
    assert.deepEqual(outline(recording), [
      'pulumi:providers:aws aws',
      'orrery:cluster:ControlPlane cluster',
      'aws:eks/accessEntry:AccessEntry cluster-administrator-deployer < cluster',
      'aws:eks/accessPolicyAssociation:AccessPolicyAssociation cluster-administrator-deployer-policy < cluster',
      'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule cluster-api-from-network < cluster',
      'eks:index:Cluster cluster-cluster < cluster',
      'pulumi:providers:kubernetes cluster-kubernetes < cluster',
      'aws:cloudwatch/logGroup:LogGroup cluster-logs < cluster',
    ]);
    assert.deepEqual(resourceNamed(recording, 'cluster-cluster').dependencies, ['cluster-logs']);
    assert.deepEqual([...recording.completed], ['cluster']);
  });

  it('leaves out everything of its own that would be hidden: nodes, addons, groups, roles', async () => {
    const { inputs } = resourceNamed(await recordCluster(), 'cluster-cluster');
    assert.equal(inputs['skipDefaultNodeGroup'], true);
    assert.equal(inputs['skipDefaultSecurityGroups'], true);
    assert.equal(inputs['createInstanceRole'], false);
    assert.equal(inputs['createOidcProvider'], false);
    assert.equal(inputs['bootstrapSelfManagedAddons'], false);
    assert.equal(inputs['useDefaultVpcCni'], true);
    assert.equal((inputs['corednsAddonOptions'] as { enabled: boolean }).enabled, false);
    assert.equal((inputs['kubeProxyAddonOptions'] as { enabled: boolean }).enabled, false);
  });

  it('encrypts secrets, keeps all five logs, asks access entries and can not be deleted by accident', async () => {
    const recording = await recordCluster();
    const { inputs } = resourceNamed(recording, 'cluster-cluster');
    assert.equal(inputs['encryptionConfigKeyArn'], 'arn:aws:kms:::key/1');
    assert.deepEqual(inputs['enabledClusterLogTypes'], [
      'api',
      'audit',
      'authenticator',
      'controllerManager',
      'scheduler',
    ]);
    assert.equal(inputs['authenticationMode'], 'API');
    assert.equal(inputs['deletionProtection'], true);
    assert.deepEqual(inputs['upgradePolicy'], { supportType: 'STANDARD' });
    assert.deepEqual(resourceNamed(recording, 'cluster-logs').inputs, {
      name: '/aws/eks/orrery-test/cluster',
      retentionInDays: 365,
      kmsKeyId: 'arn:aws:kms:::key/1',
    });
  });

  it('is reached from inside alone where no range is named, and otherwise from those ranges', async () => {
    const inside = resourceNamed(await recordCluster(), 'cluster-cluster').inputs;
    assert.deepEqual(
      [inside['endpointPrivateAccess'], inside['endpointPublicAccess'], inside['publicAccessCidrs']],
      [true, false, undefined],
    );
    const office = await recordCluster({ publicAccessCidrs: ['203.0.113.0/24'] });
    const outside = resourceNamed(office, 'cluster-cluster').inputs;
    assert.deepEqual(
      [outside['endpointPrivateAccess'], outside['endpointPublicAccess'], outside['publicAccessCidrs']],
      [true, true, ['203.0.113.0/24']],
    );
  });

  it('refuses to open its endpoint to everyone, and to be administered by nobody', async () => {
    const refusedAs = (code: string) => (error: unknown) => error instanceof PlanError && error.code === code;
    await assert.rejects(recordCluster({ publicAccessCidrs: ['0.0.0.0/0'] }), refusedAs('ENDPOINT_OPEN'));
    await assert.rejects(recordCluster({ administratorRoleArns: [] }), refusedAs('CLUSTER_UNADMINISTERED'));
  });

  it('lets viewers look and change nothing', async () => {
    const viewerRoleArns = ['arn:aws:iam::111122223333:role/teams/auditor'];
    const recording = await recordCluster({ viewerRoleArns });
    assert.deepEqual(resourceNamed(recording, 'cluster-viewer-auditor-policy').inputs, {
      clusterName: 'orrery-test',
      principalArn: 'arn:aws:iam::111122223333:role/teams/auditor',
      policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy',
      accessScope: { type: 'cluster' },
    });
    assert.equal(
      resourceNamed(recording, 'cluster-administrator-deployer-policy').inputs['policyArn'],
      'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy',
    );
  });

  it('refuses a role that would administer it and only view it', async () => {
    await assert.rejects(
      recordCluster({ viewerRoleArns: ['arn:aws:iam::111122223333:role/deployer'] }),
      (error) => error instanceof PlanError && error.code === 'CLUSTER_ROLE_TWICE',
    );
  });

  it('lets its Kubernetes provider begin only once the administrators may enter', async () => {
    const provider = resourceNamed(await recordCluster(), 'cluster-kubernetes');
    assert.deepEqual(provider.dependencies, [
      'cluster-administrator-deployer-policy',
      'cluster-api-from-network',
      'cluster-cluster',
      'cluster-cluster-eksCluster',
    ]);
    const { kubeconfig, ...settings } = provider.inputs;
    assert.match(String(kubeconfig), /"server":"\$\{cluster-cluster-eksCluster\.endpoint\}"/);
    assert.deepEqual(settings, {
      clusterIdentifier: '${cluster-cluster-eksCluster.arn}',
      enableServerSideApply: 'true',
      deleteUnreachable: 'false',
      enableConfigMapMutable: 'false',
      enableSecretMutable: 'false',
      enablePatchForce: 'false',
      skipUpdateUnreachable: 'false',
      suppressDeprecationWarnings: 'false',
      suppressHelmHookWarnings: 'false',
      upsertExistingObjects: 'false',
    });
  });
});
