import { valuesAt } from '#policies/graph.ts';
import { charged, fixed, textAt, type ChargingRules } from './charging.ts';

/** What the ways in and out are billed for: by the hour for standing there, by the GiB for what passes. */
export const networkCharges: ChargingRules = {
  'aws:ec2/natGateway:NatGateway': ({ inputs }, { region, graph }) => {
    // A regional gateway is billed as one in every zone that has a private subnet.
    const zones = inputs['availabilityMode'] === 'regional' ? zonesOf(graph) : 1;
    return { charges: [fixed(`ec2:${region}:nat-gateway`, zones)], byUse: [`ec2:${region}:nat-gateway-data`] };
  },
  'aws:ec2/eip:Eip': (_, { region }) => charged(fixed(`ec2:${region}:public-ipv4`)),
  'aws:ec2/vpcEndpoint:VpcEndpoint': ({ inputs }, { region }) => {
    if (inputs['vpcEndpointType'] === 'Gateway') return 'free';
    const subnets = valuesAt(inputs, 'subnetIds[]').length;
    return {
      charges: [fixed(`vpc:${region}:interface-endpoint`, subnets)],
      byUse: [`vpc:${region}:interface-endpoint-data`],
    };
  },
  'kubernetes:core/v1:Service': ({ inputs }, { region }) =>
    textAt(inputs, 'spec.type') === 'LoadBalancer'
      ? { charges: [fixed(`elb:${region}:nlb`)], byUse: [`elb:${region}:nlb-capacity`] }
      : 'free',
  'kubernetes:gateway.networking.k8s.io/v1:Gateway': (_, { region }) =>
    // Outside AWS the load balancer is whatever the cluster has.
    region === 'undefined' ? 'free' : { charges: [fixed(`elb:${region}:alb`)], byUse: [`elb:${region}:alb-capacity`] },
};

function zonesOf(
  graph: ReadonlyMap<string, { readonly type: string; readonly inputs: Readonly<Record<string, unknown>> }>,
): number {
  const subnets = [...graph.values()].filter(({ type }) => type === 'aws:ec2/subnet:Subnet');
  return new Set(subnets.map(({ inputs }) => String(inputs['availabilityZone']))).size;
}
