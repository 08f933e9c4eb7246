import assert from 'node:assert/strict';
import { planKarpenterPermissions } from '#infra/planning/compute/karpenter-permissions.ts';

const permissions = planKarpenterPermissions({
  region: 'eu-west-1',
  accountId: '111122223333',
  clusterName: 'orrery-test',
  queueArn: 'arn:queue',
  nodeRoleArn: 'arn:node-role',
  instanceProfileArn: 'arn:profile',
});

/** Every statement that allows the action. */
function statementsOf(action: string) {
  return permissions.filter(({ actions }) => actions.includes(action));
}

describe('what Karpenter may do', () => {
  it('has every resource as its own only to look: what it starts or ends is named', () => {
    const everything = permissions.filter(({ resources }) => resources.includes('*')).flatMap(({ actions }) => actions);
    assert.ok(everything.length > 0);
    for (const action of everything) assert.match(action, /^(ec2:Describe|pricing:Get|iam:List)/);
  });

  it('ends, and tags later on, only instances of the cluster', () => {
    const owned = { 'aws:ResourceTag/kubernetes.io/cluster/orrery-test': 'owned' };
    for (const action of ['ec2:TerminateInstances', 'ec2:DeleteLaunchTemplate']) {
      const found = statementsOf(action);
      assert.equal(found.length, 1, action);
      assert.deepEqual(found[0]?.condition?.['StringEquals'], owned);
      assert.deepEqual(found[0].condition['StringLike'], { 'aws:ResourceTag/karpenter.sh/nodepool': '*' });
    }
    const later = statementsOf('ec2:CreateTags').find(({ resources }) => resources.length === 1);
    assert.deepEqual(later?.condition?.['StringEquals'], owned);
    assert.deepEqual(later.condition['ForAllValues:StringEquals'], {
      'aws:TagKeys': ['eks:eks-cluster-name', 'karpenter.sh/nodeclaim', 'Name'],
    });
  });

  it('starts instances only with the cluster’s tags, from whatever image, group and subnet its pools name', () => {
    const conditions = statementsOf('ec2:RunInstances').map(({ resources, condition }) => [
      resources.map((arn) => (typeof arn === 'string' ? arn.split(':').at(-1) : '')).join(' '),
      condition?.['StringEquals'],
    ]);
    assert.deepEqual(conditions, [
      ['image/* snapshot/* security-group/* subnet/*', undefined],
      ['launch-template/*', { 'aws:ResourceTag/kubernetes.io/cluster/orrery-test': 'owned' }],
      [
        'fleet/* instance/* volume/* network-interface/* launch-template/* spot-instances-request/*',
        {
          'aws:RequestTag/kubernetes.io/cluster/orrery-test': 'owned',
          'aws:RequestTag/eks:eks-cluster-name': 'orrery-test',
        },
      ],
    ]);
  });

  it('hands on one role, to EC2 alone, and makes no instance profile', () => {
    assert.deepEqual(statementsOf('iam:PassRole'), [
      {
        actions: ['iam:PassRole'],
        resources: ['arn:node-role'],
        condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
      },
    ]);
    const actions = permissions.flatMap((permission) => permission.actions);
    assert.deepEqual(actions.filter((action) => action.startsWith('iam:')).sort(), [
      'iam:GetInstanceProfile',
      'iam:ListInstanceProfiles',
      'iam:PassRole',
    ]);
  });

  it('reads one queue, in one region, of one cluster', () => {
    assert.deepEqual(statementsOf('sqs:ReceiveMessage')[0]?.resources, ['arn:queue']);
    assert.deepEqual(statementsOf('eks:DescribeCluster')[0]?.resources, [
      'arn:aws:eks:eu-west-1:111122223333:cluster/orrery-test',
    ]);
    assert.deepEqual(statementsOf('ec2:DescribeSubnets')[0]?.condition, {
      StringEquals: { 'aws:RequestedRegion': 'eu-west-1' },
    });
  });
});
