import * as aws from '@pulumi/aws';
import type { ComponentResource, Input } from '@pulumi/pulumi';
import type { SubnetPlan } from '../planning/network/subnets.ts';

export interface SubnetRequest {
  readonly vpcId: Input<string>;
  readonly subnet: SubnetPlan;
  readonly routeTable: aws.ec2.RouteTable;
}

/** The tag by which a load balancer finds where it may stand. */
const loadBalancerTag = { public: 'kubernetes.io/role/elb', private: 'kubernetes.io/role/internal-elb' } as const;

/** One subnet and its routes, as children of a component: `<name>-<tier>-<zone>`. Nobody in it gets a public address by itself. */
export function createSubnet(parent: ComponentResource, name: string, request: SubnetRequest): aws.ec2.Subnet {
  const { vpcId, subnet, routeTable } = request;
  const role = `${name}-${subnet.tier}-${subnet.zone}`;
  const created = new aws.ec2.Subnet(
    role,
    {
      vpcId,
      availabilityZone: subnet.zone,
      cidrBlock: subnet.cidr,
      mapPublicIpOnLaunch: false,
      tags: { Name: role, [loadBalancerTag[subnet.tier]]: '1' },
    },
    { parent },
  );
  new aws.ec2.RouteTableAssociation(
    `${role}-routes`,
    { subnetId: created.id, routeTableId: routeTable.id },
    { parent },
  );
  return created;
}
