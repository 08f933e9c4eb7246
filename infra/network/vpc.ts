import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import { planEndpoints, type InterfaceService } from '../planning/network/endpoints.ts';
import { planNat, type NatInstance, type NatMode } from '../planning/network/nat.ts';
import { planSubnets, type SubnetPlan } from '../planning/network/subnets.ts';
import type { Transform } from '../planning/transform.ts';
import { createEndpoints } from './endpoints.ts';
import { createFlowLogs } from './flow-logs.ts';
import { createNat, type WayOut } from './nat.ts';
import { createSubnet } from './subnet.ts';

export interface VpcArgs {
  /** Region of the zones, for example `eu-west-1`. */
  readonly region: string;
  /** The account of the network: twelve digits. */
  readonly accountId: string;
  /** Address range, /16 to /20, for example `10.20.0.0/16`. It must not overlap a network that is ever peered with this one. */
  readonly cidr: string;
  /** 1 to 3 zones by name, never looked up; only ever appended to. */
  readonly zones: readonly string[];
  /**
   * How private subnets reach out. `none`: not at all, AWS by endpoints alone. `instance`: a machine of our own in the first zone, a tenth
   * of a gateway's price. `single`: one gateway, and what it leads out falls with its zone. `regional`: one gateway in every zone that
   * has traffic, kept by AWS. `perAz`: one in each zone, kept by us.
   */
  readonly nat: NatMode;
  /** Given exactly when `nat` is `instance`. */
  readonly natInstance?: NatInstance | undefined;
  /** AWS services that are reached without leaving the network, each once. Empty: by NAT. S3 and DynamoDB always are. */
  readonly interfaceEndpoints: readonly InterfaceService[];
  /** Who spoke to whom: all traffic or what was refused, kept for one of CloudWatch's steps in days. */
  readonly flowLogs: { readonly traffic: 'ALL' | 'REJECT'; readonly retentionDays: number };
  /** The key of the flow logs; it admits CloudWatch Logs. */
  readonly keyArn: Input<string>;
  /** Put on a NAT machine and its disk, which the provider's default tags don't reach. */
  readonly tags: Readonly<Record<string, string>>;
  /** For what a network needs and no argument says: an address pool, IPv6. Default: nothing is bent. */
  readonly transform?: { readonly vpc?: Transform<aws.ec2.VpcArgs> };
}

/**
 * A network of public and private subnets, one of each in every zone, with gateways to S3 and DynamoDB, and a record of who spoke to
 * whom. Nothing but load balancers and NAT belongs in the public ones.
 * Cost driver: NAT by the hour and by the byte, interface endpoints by the hour and zone, flow logs by the byte.
 * Refuses: ranges outside /16 to /20, doubled zones, a zone of another region, a NAT machine half described, nodes that reach nobody.
 */
export class Vpc extends ComponentResource {
  readonly vpcId: Output<string>;
  readonly publicSubnetIds: Output<string>[];
  readonly privateSubnetIds: Output<string>[];
  /** Empty where nobody leads out, or a machine of ours. */
  readonly natGatewayIds: readonly Output<string>[];

  constructor(name: string, args: VpcArgs, options?: ComponentResourceOptions) {
    super('orrery:network:Vpc', name, {}, options);
    const plan = planNetwork(args);
    const vpc = this.#createVpc(name, args);
    const layer = { name, vpc, plan: plan.subnets };
    const { subnets: publicSubnets, routeTable, internet } = this.#createPublic(layer);
    const place = { vpcId: vpc.id, cidr: args.cidr, tags: args.tags, publicSubnets, internet };
    const { wayOut, gatewayIds } = createNat(this, name, { ...place, plan: plan.nat });
    const { subnets: privateSubnets, routeTables } = this.#createPrivate(layer, wayOut);
    this.vpcId = vpc.id;
    this.publicSubnetIds = [...publicSubnets.values()].map((subnet) => subnet.id);
    this.privateSubnetIds = privateSubnets.map((subnet) => subnet.id);
    this.natGatewayIds = gatewayIds;
    createEndpoints(this, name, {
      vpcId: vpc.id,
      cidr: args.cidr,
      plan: plan.endpoints,
      routeTableIds: [routeTable, ...routeTables].map((table) => table.id),
      privateSubnetIds: this.privateSubnetIds,
    });
    createFlowLogs(this, name, {
      vpcId: vpc.id,
      accountId: args.accountId,
      keyArn: args.keyArn,
      ...args.flowLogs,
    });
    this.registerOutputs({
      vpcId: this.vpcId,
      publicSubnetIds: this.publicSubnetIds,
      privateSubnetIds: this.privateSubnetIds,
    });
  }

  #createVpc(name: string, { cidr, transform }: VpcArgs): aws.ec2.Vpc {
    const args = { cidrBlock: cidr, enableDnsHostnames: true, enableDnsSupport: true, tags: { Name: name } };
    const vpc = new aws.ec2.Vpc(`${name}-vpc`, transform?.vpc?.(args) ?? args, { parent: this });
    // The group that AWS attaches where none is named: without rules, so that forgetting one closes instead of opens.
    new aws.ec2.DefaultSecurityGroup(
      `${name}-default`,
      { vpcId: vpc.id, ingress: [], egress: [], tags: { Name: `${name}-default` } },
      { parent: this },
    );
    return vpc;
  }

  #createPublic({ name, vpc, plan }: Layer) {
    const internet = new aws.ec2.InternetGateway(
      `${name}-internet`,
      { vpcId: vpc.id, tags: { Name: name } },
      { parent: this },
    );
    const routeTable = new aws.ec2.RouteTable(
      `${name}-public-table`,
      { vpcId: vpc.id, tags: { Name: `${name}-public` } },
      { parent: this },
    );
    new aws.ec2.Route(
      `${name}-public-internet`,
      { routeTableId: routeTable.id, destinationCidrBlock: '0.0.0.0/0', gatewayId: internet.id },
      { parent: this },
    );
    const planned = plan.filter(({ tier }) => tier === 'public');
    const subnets = new Map(
      planned.map((subnet) => [subnet.zone, createSubnet(this, name, { vpcId: vpc.id, subnet, routeTable })]),
    );
    return { subnets, routeTable, internet };
  }

  #createPrivate({ name, vpc, plan }: Layer, way: WayOut) {
    const planned = plan.filter(({ tier }) => tier === 'private');
    const made = planned.map((subnet) => {
      const role = `${name}-private-${subnet.zone}`;
      const routeTable = new aws.ec2.RouteTable(
        `${role}-table`,
        { vpcId: vpc.id, tags: { Name: role } },
        { parent: this },
      );
      const target = way(subnet.zone);
      if (target !== undefined) {
        new aws.ec2.Route(
          `${role}-out`,
          { routeTableId: routeTable.id, destinationCidrBlock: '0.0.0.0/0', ...target },
          { parent: this },
        );
      }
      return { routeTable, subnet: createSubnet(this, name, { vpcId: vpc.id, subnet, routeTable }) };
    });
    return { subnets: made.map(({ subnet }) => subnet), routeTables: made.map(({ routeTable }) => routeTable) };
  }
}

interface Layer {
  readonly name: string;
  readonly vpc: aws.ec2.Vpc;
  readonly plan: readonly SubnetPlan[];
}

/** Everything that can be refused is, before anything is made. */
function planNetwork(args: VpcArgs) {
  assertZonesInRegion(args);
  return { subnets: planSubnets(args), nat: planNat(args), endpoints: planEndpoints(args) };
}

function assertZonesInRegion({ region, zones }: VpcArgs): void {
  const strangers = zones.filter((zone) => zone.slice(0, -1) !== region);
  if (strangers.length === 0) return;
  throw new PlanError({
    code: 'NETWORK_INVALID',
    message: `${strangers.join(', ')} lies outside ${region}`,
    hint: `name zones such as ${region}a`,
  });
}
