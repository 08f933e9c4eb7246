import { interpolate, type Input } from '@pulumi/pulumi';
import type { Permission } from '../iam.ts';

export interface ControllerAccount {
  readonly region: string;
  readonly accountId: string;
  readonly clusterName: Input<string>;
  /** Group of the nodes, into which the load balancer is let. */
  readonly nodeSecurityGroupId: Input<string>;
  /** ARN of the web ACL that it may put in front. Default: none, and no right to. */
  readonly webAclArn?: Input<string>;
}

/** The tag by which the controller knows what it made for which cluster. */
const owner = 'elbv2.k8s.aws/cluster';

/**
 * What the AWS Load Balancer Controller may do: its publisher's policy, narrowed to one account and region, to application load
 * balancers, to the tag of this cluster where AWS can judge tags, and to the nodes' own security group.
 */
export function planControllerPermissions(account: ControllerAccount): Permission[] {
  const { region, accountId, nodeSecurityGroupId } = account;
  const compute = `arn:aws:ec2:${region}:${accountId}`;
  return [
    ...looking(account),
    { actions: ['ec2:CreateSecurityGroup'], resources: [`${compute}:vpc/*`] },
    { actions: ['ec2:CreateSecurityGroup'], resources: [`${compute}:security-group/*`], condition: asks(account) },
    {
      actions: ['ec2:CreateTags'],
      resources: [`${compute}:security-group/*`],
      condition: { StringEquals: { ...asked(account), 'ec2:CreateAction': 'CreateSecurityGroup' } },
    },
    {
      actions: ['ec2:AuthorizeSecurityGroupIngress', 'ec2:RevokeSecurityGroupIngress', 'ec2:DeleteSecurityGroup'],
      resources: [`${compute}:security-group/*`],
      condition: owns(account),
    },
    {
      actions: ['ec2:AuthorizeSecurityGroupIngress', 'ec2:RevokeSecurityGroupIngress'],
      resources: [interpolate`${compute}:security-group/${nodeSecurityGroupId}`],
    },
    ...balancing(account),
    ...(account.webAclArn === undefined ? [] : guarding(account, account.webAclArn)),
  ];
}

/** AWS knows no narrower resource for what describes and lists, but for two. */
function looking({ region, accountId }: ControllerAccount): Permission[] {
  const compute = [
    'DescribeAccountAttributes',
    'DescribeAvailabilityZones',
    'DescribeInstances',
    'DescribeInternetGateways',
    'DescribeNetworkInterfaces',
    'DescribeRouteTables',
    'DescribeSecurityGroups',
    'DescribeSubnets',
    'DescribeTags',
    'DescribeVpcs',
  ];
  const balancers = [
    'DescribeCapacityReservation',
    'DescribeListenerAttributes',
    'DescribeListenerCertificates',
    'DescribeListeners',
    'DescribeLoadBalancerAttributes',
    'DescribeLoadBalancers',
    'DescribeRules',
    'DescribeSSLPolicies',
    'DescribeTags',
    'DescribeTargetGroupAttributes',
    'DescribeTargetGroups',
    'DescribeTargetHealth',
    'DescribeTrustStores',
  ];
  return [
    {
      actions: [
        ...compute.map((action) => `ec2:${action}`),
        ...balancers.map((action) => `elasticloadbalancing:${action}`),
        'acm:ListCertificates',
      ],
      resources: ['*'],
    },
    { actions: ['ec2:GetSecurityGroupsForVpc'], resources: [`arn:aws:ec2:${region}:${accountId}:vpc/*`] },
    { actions: ['acm:DescribeCertificate'], resources: [`arn:aws:acm:${region}:${accountId}:certificate/*`] },
    {
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [`arn:aws:iam::${accountId}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*`],
      condition: { StringEquals: { 'iam:AWSServiceName': 'elasticloadbalancing.amazonaws.com' } },
    },
  ];
}

function balancing(account: ControllerAccount): Permission[] {
  const at = arnsOf(account);
  return [
    {
      actions: actions('CreateLoadBalancer', 'CreateTargetGroup'),
      resources: [at.balancers, at.targets],
      condition: asks(account),
    },
    {
      actions: actions('AddTags'),
      resources: [at.balancers, at.targets],
      condition: {
        StringEquals: {
          ...asked(account),
          'elasticloadbalancing:CreateAction': ['CreateTargetGroup', 'CreateLoadBalancer'],
        },
      },
    },
    {
      actions: actions(
        'AddTags',
        'RemoveTags',
        'DeleteTargetGroup',
        'ModifyTargetGroup',
        'ModifyTargetGroupAttributes',
      ),
      resources: [at.targets],
      condition: owns(account),
    },
    {
      actions: actions(
        'AddTags',
        'RemoveTags',
        'DeleteLoadBalancer',
        'ModifyLoadBalancerAttributes',
        'SetIpAddressType',
        'SetSecurityGroups',
        'SetSubnets',
      ),
      resources: [at.balancers],
      condition: owns(account),
    },
    { actions: actions('RegisterTargets', 'DeregisterTargets'), resources: [at.targets] },
    // Rules and listeners don't always carry the tag, so these can't ask for it.
    {
      actions: actions(
        'AddListenerCertificates',
        'AddTags',
        'CreateListener',
        'CreateRule',
        'DeleteListener',
        'DeleteRule',
        'ModifyListener',
        'ModifyListenerAttributes',
        'ModifyRule',
        'RemoveListenerCertificates',
        'RemoveTags',
        'SetRulePriorities',
      ),
      resources: [at.listeners, at.rules],
    },
    { actions: actions('CreateListener'), resources: [at.balancers], condition: owns(account) },
  ];
}

function guarding(account: ControllerAccount, webAclArn: Input<string>): Permission[] {
  return [
    {
      actions: ['wafv2:GetWebACL', 'wafv2:AssociateWebACL', 'wafv2:DisassociateWebACL', 'wafv2:GetWebACLForResource'],
      resources: [webAclArn, arnsOf(account).balancers],
    },
    { actions: actions('SetWebAcl'), resources: [arnsOf(account).balancers] },
  ];
}

function arnsOf({ region, accountId }: ControllerAccount) {
  const balancing = `arn:aws:elasticloadbalancing:${region}:${accountId}`;
  return {
    balancers: `${balancing}:loadbalancer/app/*/*`,
    targets: `${balancing}:targetgroup/*/*`,
    listeners: `${balancing}:listener/app/*/*/*`,
    rules: `${balancing}:listener-rule/app/*/*/*/*`,
  };
}

function actions(...names: readonly string[]): string[] {
  return names.map((name) => `elasticloadbalancing:${name}`);
}

function asked({ clusterName }: ControllerAccount): Record<string, Input<string>> {
  return { [`aws:RequestTag/${owner}`]: clusterName };
}

function asks(account: ControllerAccount) {
  return { StringEquals: asked(account) };
}

function owns({ clusterName }: ControllerAccount) {
  return { StringEquals: { [`aws:ResourceTag/${owner}`]: clusterName } };
}
