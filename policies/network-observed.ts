import { ofType, partsOf, valueAt, type Graph, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const vpcType = 'aws:ec2/vpc:Vpc';

export const networkObserved: Rule = {
  name: 'network-observed',
  why: 'nobody can tell where data went; what goes to S3 by NAT is paid by the gigabyte; a machine may stand outside',
  remedy: 'make it with Vpc: flow logs, a gateway endpoint for S3, a default group that admits nothing',
  scope: 'graph',
  check: (graph) => [
    ...ofType(graph, vpcType).flatMap((vpc) => checkVpc(graph, vpc)),
    ...ofType(graph, 'aws:ec2/subnet:Subnet').flatMap(checkSubnet),
  ],
};

function checkVpc(graph: Graph, vpc: Resource): Violation[] {
  const of = (type: string) =>
    partsOf(vpc, { parts: ofType(graph, type), property: 'vpcId', wholes: ofType(graph, vpcType) });
  const gateways = of('aws:ec2/vpcEndpoint:VpcEndpoint').filter(
    ({ inputs }) => /\.s3$/.test(String(inputs['serviceName'])) && inputs['vpcEndpointType'] !== 'Interface',
  );
  const closed = of('aws:ec2/defaultSecurityGroup:DefaultSecurityGroup').filter(({ inputs }) =>
    ['ingress', 'egress'].every((direction) => isEmpty(inputs[direction])),
  );
  const parts = [
    { property: 'flowLog', found: of('aws:ec2/flowLog:FlowLog'), problem: 'has no flow log' },
    { property: 's3Endpoint', found: gateways, problem: 'sends what goes to S3 by NAT' },
    { property: 'defaultSecurityGroup', found: closed, problem: 'has a default group that admits its members' },
  ];
  return parts
    .filter(({ found }) => found.length === 0)
    .map(({ property, problem }) => violationAt(vpc, { property, value: undefined }, problem));
}

function isEmpty(rules: unknown): boolean {
  return rules === undefined || (Array.isArray(rules) && rules.length === 0);
}

function checkSubnet(subnet: Resource): Violation[] {
  const property = 'mapPublicIpOnLaunch';
  const value = valueAt(subnet.inputs, property);
  return value === true ? [violationAt(subnet, { property, value }, 'puts machines on the internet')] : [];
}
