import assert from 'node:assert/strict';
import { planControllerPermissions } from '#infra/planning/platform/load-balancer-permissions.ts';

const account = {
  region: 'eu-west-1',
  accountId: '000000000000',
  clusterName: 'orrery-dev',
  nodeSecurityGroupId: 'sg-nodes',
};

describe('what the load balancer controller may do', () => {
  const permissions = planControllerPermissions(account);
  const withAction = (action: string) => permissions.filter(({ actions }) => actions.includes(action));

  it('changes nothing of the whole account: where a resource is not named, it only looks', () => {
    const wide = permissions.filter(({ resources }) => resources.includes('*')).flatMap(({ actions }) => actions);
    for (const action of wide) {
      assert.match(action, /:(Describe|List|Get)/, action);
    }
  });

  it('looks at one account alone where AWS can tell accounts apart', () => {
    assert.deepEqual(
      withAction('acm:DescribeCertificate').map(({ resources }) => resources),
      [['arn:aws:acm:eu-west-1:000000000000:certificate/*']],
    );
    assert.deepEqual(
      withAction('ec2:GetSecurityGroupsForVpc').map(({ resources }) => resources),
      [['arn:aws:ec2:eu-west-1:000000000000:vpc/*']],
    );
  });

  it('deletes and changes load balancers that bear this cluster’s tag, and no others', () => {
    const mine = { StringEquals: { 'aws:ResourceTag/elbv2.k8s.aws/cluster': 'orrery-dev' } };
    for (const action of ['DeleteLoadBalancer', 'ModifyLoadBalancerAttributes', 'DeleteTargetGroup', 'SetSubnets']) {
      const found = withAction(`elasticloadbalancing:${action}`);
      assert.deepEqual(
        found.map(({ condition }) => condition),
        [mine],
        action,
      );
    }
    assert.deepEqual(
      withAction('ec2:DeleteSecurityGroup').map(({ condition }) => condition),
      [mine],
    );
  });

  it('makes only what bears this cluster’s tag', () => {
    const tagged = { StringEquals: { 'aws:RequestTag/elbv2.k8s.aws/cluster': 'orrery-dev' } };
    assert.deepEqual(
      withAction('elasticloadbalancing:CreateLoadBalancer').map(({ condition }) => condition),
      [tagged],
    );
    assert.deepEqual(
      withAction('elasticloadbalancing:CreateLoadBalancer').map(({ resources }) => resources),
      [
        [
          'arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/app/*/*',
          'arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/*/*',
        ],
      ],
    );
  });

  it('orders rules without asking for a tag, because rules don’t always bear one', () => {
    const [rules] = withAction('elasticloadbalancing:SetRulePriorities');
    assert.equal(rules?.condition, undefined);
  });

  it('puts a web ACL in front only where there is one', () => {
    assert.deepEqual(withAction('wafv2:AssociateWebACL'), []);
    const guarded = planControllerPermissions({ ...account, webAclArn: 'arn:aws:wafv2:::acl' });
    assert.deepEqual(
      guarded.filter(({ actions }) => actions.includes('wafv2:AssociateWebACL')).map(({ resources }) => resources),
      [['arn:aws:wafv2:::acl', 'arn:aws:elasticloadbalancing:eu-west-1:000000000000:loadbalancer/app/*/*']],
    );
  });
});
