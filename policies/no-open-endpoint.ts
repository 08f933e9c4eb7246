import { valueAt, valuesAt, type LocatedValue, type Resource } from './graph.ts';
import { violationAt, type Environment, type Rule, type Violation } from './rule.ts';

/** Shortest prefixes that are still a network and not the internet: 0.0.0.0/0 can also be written as two halves, or as 2000::/3. */
const prefixBitsMin = { ipv4: 8, ipv6: 16 };

/** Where a resource lists who may come in. */
const ingressPaths: Readonly<Record<string, readonly string[]>> = {
  'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule': ['cidrIpv4', 'cidrIpv6'],
  'aws:ec2/securityGroup:SecurityGroup': ['ingress[].cidrBlocks[]', 'ingress[].ipv6CidrBlocks[]'],
  'aws:ec2/defaultSecurityGroup:DefaultSecurityGroup': ['ingress[].cidrBlocks[]', 'ingress[].ipv6CidrBlocks[]'],
  'aws:ec2/securityGroupRule:SecurityGroupRule': ['cidrBlocks[]', 'ipv6CidrBlocks[]'],
  'kubernetes:networking.k8s.io/v1:NetworkPolicy': ['spec.ingress[].from[].ipBlock.cidr'],
};

/** Where a cluster says who reaches its API. */
const apiPaths: Readonly<Record<string, string>> = {
  'eks:index:Cluster': '',
  'aws:eks/cluster:Cluster': 'vpcConfig.',
};

/** Types of a Kubernetes service that nothing outside the network reaches; without a type it is a ClusterIP. */
const innerServiceTypes: readonly unknown[] = [undefined, 'ClusterIP', 'NodePort', 'ExternalName'];

export const noOpenEndpoint: Rule = {
  name: 'no-open-endpoint',
  why: 'what the whole internet reaches is found within minutes, and then one mistake in authentication is enough',
  remedy: 'list the ranges that need it, or refer to a security group; in prod reach the API from inside the network',
  scope: 'resource',
  check: ({ resources }, environment) =>
    resources.flatMap((resource) => [
      ...checkIngress(resource),
      ...checkApi(resource, environment),
      ...checkLoadBalancer(resource),
    ]),
};

function checkIngress(resource: Resource): Violation[] {
  const { type, inputs } = resource;
  if (type === 'aws:ec2/securityGroupRule:SecurityGroupRule' && inputs['type'] === 'egress') return [];
  const ranges = (ingressPaths[type] ?? []).flatMap((path) => valuesAt(inputs, path));
  // A list that can't be read is found on the way to each of its fields.
  return openRanges(resource, [...new Map(ranges.map((range) => [range.property, range])).values()]);
}

function checkApi(resource: Resource, { name, apiAccess }: Environment): Violation[] {
  const prefix = apiPaths[resource.type];
  if (prefix === undefined) return [];
  // AWS opens the endpoint unless it is told otherwise, and to everybody unless it is given ranges.
  const property = `${prefix}endpointPublicAccess`;
  const value = valueAt(resource.inputs, property);
  if (value === false) return [];
  if (apiAccess === 'private') {
    return [violationAt(resource, { property, value }, `the API of ${name} is reached from inside the network alone`)];
  }
  return requireAllowList(resource, `${prefix}publicAccessCidrs`);
}

function checkLoadBalancer(resource: Resource): Violation[] {
  if (resource.type !== 'kubernetes:core/v1:Service') return [];
  if (innerServiceTypes.includes(valueAt(resource.inputs, 'spec.type'))) return [];
  return requireAllowList(resource, 'spec.loadBalancerSourceRanges');
}

/** For what is open to everybody when its list is empty. */
function requireAllowList(resource: Resource, property: string): Violation[] {
  const ranges = valuesAt(resource.inputs, `${property}[]`);
  if (ranges.length > 0) return openRanges(resource, ranges);
  const value = valueAt(resource.inputs, property);
  return [violationAt(resource, { property, value }, 'without a list of ranges everybody is admitted')];
}

function openRanges(resource: Resource, ranges: readonly LocatedValue[]): Violation[] {
  return ranges
    .filter(({ value }) => !isBounded(value))
    .map((range) => violationAt(resource, range, 'admits the internet, or is no range'));
}

function isBounded(range: unknown): boolean {
  const [, address, bits] = /^([0-9a-fA-F.:]+)\/(\d+)$/.exec(String(range)) ?? [];
  if (address === undefined) return false;
  return Number(bits) >= (address.includes(':') ? prefixBitsMin.ipv6 : prefixBitsMin.ipv4);
}
