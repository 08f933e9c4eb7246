import * as aws from '@pulumi/aws';
import type { ComponentResource, Input } from '@pulumi/pulumi';
import type { EndpointPlan } from '../planning/network/endpoints.ts';

export interface EndpointsRequest {
  readonly vpcId: Input<string>;
  /** Range of the network: who may use the endpoints. */
  readonly cidr: string;
  readonly plan: readonly EndpointPlan[];
  /** Where gateways are entered. */
  readonly routeTableIds: Input<string>[];
  /** One a zone: where interfaces stand. */
  readonly privateSubnetIds: Input<string>[];
}

/** Ways to AWS that leave neither the network nor a bill of NAT, as children of a component: `<name>-<service>`. */
export function createEndpoints(parent: ComponentResource, name: string, request: EndpointsRequest): void {
  const { vpcId, plan, routeTableIds, privateSubnetIds } = request;
  const gateways = plan.filter(({ type }) => type === 'Gateway');
  const interfaces = plan.filter(({ type }) => type === 'Interface');
  for (const { service, serviceName } of gateways) {
    new aws.ec2.VpcEndpoint(
      `${name}-${service}`,
      {
        vpcId,
        serviceName,
        vpcEndpointType: 'Gateway',
        routeTableIds,
        tags: { Name: `${name}-${service}` },
      },
      { parent },
    );
  }
  if (interfaces.length === 0) return;
  const access = createAccess(parent, name, request);
  for (const { service, serviceName } of interfaces) {
    new aws.ec2.VpcEndpoint(
      `${name}-${service}`,
      {
        vpcId,
        serviceName,
        vpcEndpointType: 'Interface',
        subnetIds: privateSubnetIds,
        securityGroupIds: [access.id],
        // The service's ordinary name leads here, so that no client has to know.
        privateDnsEnabled: true,
        tags: { Name: `${name}-${service}` },
      },
      { parent },
    );
  }
}

function createAccess(parent: ComponentResource, name: string, request: EndpointsRequest): aws.ec2.SecurityGroup {
  const { vpcId, cidr } = request;
  const group = new aws.ec2.SecurityGroup(
    `${name}-endpoints`,
    { vpcId, description: `${name}: interface endpoints, from inside`, tags: { Name: `${name}-endpoints` } },
    { parent },
  );
  new aws.vpc.SecurityGroupIngressRule(
    `${name}-endpoints-from-network`,
    {
      securityGroupId: group.id,
      cidrIpv4: cidr,
      ipProtocol: 'tcp',
      fromPort: 443,
      toPort: 443,
      description: 'AWS over TLS',
    },
    { parent },
  );
  return group;
}
