import { valuesAt } from '#policies/graph.ts';
import type { GraphResource } from '../render/graph.ts';
import { charged, fixed, textAt, type ChargingRules } from './charging.ts';

/** What the ways in and out are billed for: by the hour for standing there, by the GiB for what passes. */
export const networkCharges: ChargingRules = {
  'aws:ec2/natGateway:NatGateway': ({ inputs }, { region, resources }) => {
    // A regional gateway is billed as one in every zone that has a private subnet.
    const zones = inputs['availabilityMode'] === 'regional' ? zonesOf(resources) : 1;
    const charges = [fixed(`ec2:${region}:nat-gateway`, zones)];
    // It brings its own addresses, one a zone, where it is given none.
    const ownAddresses = inputs['availabilityMode'] === 'regional' && inputs['availabilityZoneAddresses'] === undefined;
    if (ownAddresses) charges.push(fixed(`ec2:${region}:public-ipv4`, zones));
    return { charges, byUse: [`ec2:${region}:nat-gateway-data`] };
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
  'kubernetes:gateway.networking.k8s.io/v1:Gateway': (_, { region }) => ({
    charges: [fixed(`elb:${region}:alb`)],
    byUse: [`elb:${region}:alb-capacity`],
  }),
  // A balancer that the internet reaches has an address in every subnet that it stands in.
  'kubernetes:gateway.k8s.aws/v1beta1:LoadBalancerConfiguration': ({ inputs }, { region }) =>
    textAt(inputs, 'spec.scheme') === 'internet-facing'
      ? charged(fixed(`ec2:${region}:public-ipv4`, valuesAt(inputs, 'spec.loadBalancerSubnets[]').length))
      : 'free',
};

function zonesOf(resources: readonly GraphResource[]): number {
  const subnets = resources.filter(({ type }) => type === 'aws:ec2/subnet:Subnet');
  return new Set(subnets.map(({ inputs }) => String(inputs['availabilityZone']))).size;
}
