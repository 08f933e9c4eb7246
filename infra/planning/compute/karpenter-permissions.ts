import type { Input } from '@pulumi/pulumi';
import type { Permission } from '../iam.ts';

export interface KarpenterScope {
  readonly region: string;
  /** Twelve digits. */
  readonly accountId: string;
  readonly clusterName: string;
  readonly queueArn: Input<string>;
  /** The role of the nodes that Karpenter starts: the only one that it may hand on. */
  readonly nodeRoleArn: Input<string>;
  readonly instanceProfileArn: Input<string>;
}

/**
 * What the controller may do, as Karpenter's own installation describes it, with one thing less: the instance profile of the nodes is
 * ours, so it makes and deletes none. It starts only what carries the cluster's tags, and ends only what carries them.
 */
export function planKarpenterPermissions(scope: KarpenterScope): Permission[] {
  return [...startsNodes(scope), ...endsNodes(scope), ...looksAround(scope)];
}

function startsNodes({ region, clusterName, nodeRoleArn }: KarpenterScope): Permission[] {
  const starts = ['ec2:RunInstances', 'ec2:CreateFleet'];
  const made = ['fleet', 'instance', 'volume', 'network-interface', 'launch-template', 'spot-instances-request'];
  const madeArns = made.map((kind) => `arn:aws:ec2:${region}:*:${kind}/*`);
  const asked = {
    [`aws:RequestTag/kubernetes.io/cluster/${clusterName}`]: 'owned',
    'aws:RequestTag/eks:eks-cluster-name': clusterName,
  };
  const ofPool = { StringLike: { 'aws:RequestTag/karpenter.sh/nodepool': '*' } };
  const calls = ['RunInstances', 'CreateFleet', 'CreateLaunchTemplate'];
  return [
    {
      actions: starts,
      resources: [
        ...['image', 'snapshot'].map((kind) => `arn:aws:ec2:${region}::${kind}/*`),
        ...['security-group', 'subnet'].map((kind) => `arn:aws:ec2:${region}:*:${kind}/*`),
      ],
    },
    { actions: starts, resources: [`arn:aws:ec2:${region}:*:launch-template/*`], condition: owned(clusterName) },
    {
      actions: [...starts, 'ec2:CreateLaunchTemplate'],
      resources: madeArns,
      condition: { StringEquals: asked, ...ofPool },
    },
    {
      actions: ['ec2:CreateTags'],
      resources: madeArns,
      condition: { StringEquals: { ...asked, 'ec2:CreateAction': calls }, ...ofPool },
    },
    {
      actions: ['iam:PassRole'],
      resources: [nodeRoleArn],
      condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    },
  ];
}

function endsNodes({ region, clusterName }: KarpenterScope): Permission[] {
  return [
    {
      actions: ['ec2:CreateTags'],
      resources: [`arn:aws:ec2:${region}:*:instance/*`],
      condition: {
        ...owned(clusterName),
        StringEqualsIfExists: { 'aws:RequestTag/eks:eks-cluster-name': clusterName },
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['eks:eks-cluster-name', 'karpenter.sh/nodeclaim', 'Name'] },
      },
    },
    {
      actions: ['ec2:TerminateInstances', 'ec2:DeleteLaunchTemplate'],
      resources: ['instance', 'launch-template'].map((kind) => `arn:aws:ec2:${region}:*:${kind}/*`),
      condition: owned(clusterName),
    },
  ];
}

function looksAround({ region, accountId, clusterName, queueArn, instanceProfileArn }: KarpenterScope): Permission[] {
  return [
    {
      actions: [
        'ec2:DescribeCapacityReservations',
        'ec2:DescribeImages',
        'ec2:DescribeInstances',
        'ec2:DescribeInstanceTypeOfferings',
        'ec2:DescribeInstanceTypes',
        'ec2:DescribeLaunchTemplates',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSpotPriceHistory',
        'ec2:DescribeSubnets',
      ],
      resources: ['*'],
      condition: { StringEquals: { 'aws:RequestedRegion': region } },
    },
    { actions: ['ssm:GetParameter'], resources: [`arn:aws:ssm:${region}::parameter/aws/service/*`] },
    // Neither knows a narrower resource: a list of prices, and a list of names.
    { actions: ['pricing:GetProducts', 'iam:ListInstanceProfiles'], resources: ['*'] },
    { actions: ['iam:GetInstanceProfile'], resources: [instanceProfileArn] },
    { actions: ['sqs:DeleteMessage', 'sqs:GetQueueUrl', 'sqs:ReceiveMessage'], resources: [queueArn] },
    { actions: ['eks:DescribeCluster'], resources: [`arn:aws:eks:${region}:${accountId}:cluster/${clusterName}`] },
  ];
}

function owned(clusterName: string): NonNullable<Permission['condition']> {
  return {
    StringEquals: { [`aws:ResourceTag/kubernetes.io/cluster/${clusterName}`]: 'owned' },
    StringLike: { 'aws:ResourceTag/karpenter.sh/nodepool': '*' },
  };
}
