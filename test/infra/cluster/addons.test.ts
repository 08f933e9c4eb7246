import assert from 'node:assert/strict';
import { ComponentResource } from '@pulumi/pulumi';
import { Addons } from '#infra/cluster/addons.ts';
import { planNetworkAddons, planNodeAddons } from '#infra/planning/cluster/addons.ts';
import { Key } from '#infra/security/key.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('addons', () => {
  it('are installed at their exact versions, over what a cluster brings along', async () => {
    const addons = [{ name: 'coredns', version: 'v1.12.4-eksbuild.29' }];
    const recording = await record(() => new Addons('addons', { clusterName: 'orrery-test', addons, after: [] }));
    assert.deepEqual(outline(recording), [
      'orrery:cluster:Addons addons',
      'aws:eks/addon:Addon addons-coredns < addons',
    ]);
    assert.deepEqual(resourceNamed(recording, 'addons-coredns').inputs, {
      clusterName: 'orrery-test',
      addonName: 'coredns',
      addonVersion: 'v1.12.4-eksbuild.29',
      resolveConflictsOnCreate: 'OVERWRITE',
      resolveConflictsOnUpdate: 'OVERWRITE',
    });
    assert.deepEqual([...recording.completed], ['addons']);
  });

  it('get a role of their own by Pod Identity, complete before they start, where they call AWS', async () => {
    const identity = { serviceAccount: 'aws-node', policyArn: 'arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy' };
    const addons = [
      { name: 'vpc-cni', version: 'v1.22.4-eksbuild.3', identity, settings: { enableNetworkPolicy: 'true' } },
    ];
    const recording = await record(() => new Addons('addons', { clusterName: 'orrery-test', addons, after: [] }));
    const { inputs, dependencies } = resourceNamed(recording, 'addons-vpc-cni');
    assert.deepEqual(inputs['podIdentityAssociations'], [
      { serviceAccount: 'aws-node', roleArn: '${addons-vpc-cni-role.arn}' },
    ]);
    assert.equal(inputs['configurationValues'], '{"enableNetworkPolicy":"true"}');
    assert.deepEqual(dependencies, ['addons-vpc-cni-policy', 'addons-vpc-cni-role']);
    const trust = JSON.parse(String(resourceNamed(recording, 'addons-vpc-cni-role').inputs['assumeRolePolicy'])) as {
      Statement: { Principal: unknown }[];
    };
    assert.deepEqual(trust.Statement[0]?.Principal, { Service: 'pods.eks.amazonaws.com' });
  });

  it('wait for what they are told to wait for', async () => {
    const addons = [{ name: 'coredns', version: 'v1.12.4-eksbuild.29' }];
    const recording = await record(() => {
      const first: ComponentResource = new Key('first', { description: 'stands for nodes', accountId: '111122223333' });
      return new Addons('addons', { clusterName: 'orrery-test', addons, after: [first] });
    });
    assert.deepEqual(resourceNamed(recording, 'addons-coredns').dependencies, ['first-key']);
  });

  it('are the network before nodes, names and volumes after them', () => {
    assert.deepEqual(
      planNetworkAddons().map(({ name }) => name),
      ['eks-pod-identity-agent', 'kube-proxy', 'vpc-cni'],
    );
    assert.deepEqual(
      planNodeAddons().map(({ name }) => name),
      ['coredns', 'aws-ebs-csi-driver', 'metrics-server', 'eks-node-monitoring-agent'],
    );
  });

  it('make a NetworkPolicy mean something', () => {
    const network = planNetworkAddons().find(({ name }) => name === 'vpc-cni');
    assert.deepEqual(network?.settings, { enableNetworkPolicy: 'true' });
  });

  it('run where the system pool is the only one yet', () => {
    const metrics = planNodeAddons().find(({ name }) => name === 'metrics-server');
    assert.deepEqual(metrics?.settings, { tolerations: [{ key: 'CriticalAddonsOnly', operator: 'Exists' }] });
  });
});
