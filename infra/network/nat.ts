import * as aws from '@pulumi/aws';
import type { ComponentResource, Input, Output, Resource } from '@pulumi/pulumi';
import type { NatPlan } from '../planning/network/nat.ts';
import { createNatInstance } from './nat-instance.ts';

export interface NatPlace {
  readonly vpcId: Input<string>;
  readonly cidr: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly plan: NatPlan;
  /** By zone, in the network's order. */
  readonly publicSubnets: ReadonlyMap<string, aws.ec2.Subnet>;
  /** Without it a gateway is refused: it would lead nowhere. */
  readonly internet: Resource;
}

/** Where a private subnet's route out leads; undefined where there is none. */
export type WayOut = (zone: string) => Pick<aws.ec2.RouteArgs, 'natGatewayId' | 'networkInterfaceId'> | undefined;

export interface Nat {
  readonly wayOut: WayOut;
  /** Of what AWS runs: CloudWatch watches it. */
  readonly gatewayIds: readonly Output<string>[];
}

/** Who leads the private subnets out, as children of a component: `<name>-nat…`. */
export function createNat(parent: ComponentResource, name: string, place: NatPlace): Nat {
  const { vpcId, cidr, tags, plan, publicSubnets, internet } = place;
  const options = { parent, dependsOn: [internet] };
  if (plan.kind === 'none') return { wayOut: () => undefined, gatewayIds: [] };
  if (plan.kind === 'regional') {
    const gateway = new aws.ec2.NatGateway(
      `${name}-nat`,
      { vpcId, availabilityMode: 'regional', connectivityType: 'public', tags: { Name: `${name}-nat` } },
      options,
    );
    return { wayOut: () => ({ natGatewayId: gateway.id }), gatewayIds: [gateway.id] };
  }
  if (plan.kind === 'instance') {
    const { zone, instance } = plan;
    const subnetId = subnetOf(publicSubnets, zone).id;
    const card = createNatInstance(parent, `${name}-nat`, { vpcId, cidr, tags, zone, subnetId, instance });
    return { wayOut: () => card, gatewayIds: [] };
  }
  const gateways = new Map(
    plan.zones.map((zone) => [zone, createGateway(`${name}-nat-${zone}`, subnetOf(publicSubnets, zone), options)]),
  );
  const [first] = gateways.values();
  const wayOut: WayOut = (zone) => {
    const gateway = gateways.get(zone) ?? first;
    return gateway === undefined ? undefined : { natGatewayId: gateway.id };
  };
  return { wayOut, gatewayIds: [...gateways.values()].map(({ id }) => id) };
}

interface GatewayOptions {
  readonly parent: ComponentResource;
  readonly dependsOn: Resource[];
}

function createGateway(name: string, subnet: aws.ec2.Subnet, options: GatewayOptions): aws.ec2.NatGateway {
  const { parent } = options;
  const address = new aws.ec2.Eip(`${name}-address`, { domain: 'vpc', tags: { Name: name } }, { parent });
  return new aws.ec2.NatGateway(
    name,
    { allocationId: address.allocationId, subnetId: subnet.id, tags: { Name: name } },
    options,
  );
}

function subnetOf(subnets: ReadonlyMap<string, aws.ec2.Subnet>, zone: string): aws.ec2.Subnet {
  const subnet = subnets.get(zone);
  if (subnet === undefined) throw new TypeError(`no public subnet in ${zone}`);
  return subnet;
}
