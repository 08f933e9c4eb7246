import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import { planSubnets, type SubnetPlan } from '../planning/subnets.ts';

export type NatMode = 'none' | 'single' | 'perZone';

export interface VpcArgs {
  /** Region of the zones, for example `eu-west-1`. */
  readonly region: string;
  /** Address range, /16 to /20, for example `10.20.0.0/16`. It must not overlap a network that is ever peered with this one. */
  readonly cidr: string;
  /** 1 to 3 zones by name, never looked up; only ever appended to. */
  readonly zones: readonly string[];
  /** How private subnets reach out: `single` shares one gateway (and falls with its zone), `perZone` has one in each. */
  readonly nat: NatMode;
}

/**
 * A network of public and private subnets, one of each in every zone, with a gateway endpoint for S3. Nothing but load balancers
 * and NAT gateways belongs in the public ones.
 * Cost driver: NAT gateways, by the hour and by the byte; S3 traffic passes them by.
 * Refuses: ranges outside /16 to /20, doubled zones, a zone of another region.
 */
export class Vpc extends ComponentResource {
  readonly vpcId: Output<string>;
  readonly publicSubnetIds: Output<string>[];
  readonly privateSubnetIds: Output<string>[];

  constructor(name: string, args: VpcArgs, options?: ComponentResourceOptions) {
    super('orrery:network:Vpc', name, {}, options);
    assertZonesInRegion(args);
    const plan = planSubnets(args);
    const vpc = new aws.ec2.Vpc(
      `${name}-vpc`,
      { cidrBlock: args.cidr, enableDnsHostnames: true, enableDnsSupport: true, tags: { Name: name } },
      { parent: this },
    );
    // The group that AWS attaches where none is named: without rules, so that forgetting one closes instead of opens.
    new aws.ec2.DefaultSecurityGroup(
      `${name}-default`,
      { vpcId: vpc.id, ingress: [], egress: [], tags: { Name: `${name}-default` } },
      { parent: this },
    );
    const publicSubnets = createPublicSubnets(this, { name, vpc, plan });
    const privateSubnets = createPrivateSubnets(this, {
      name,
      vpc,
      plan,
      nat: args.nat,
      publicSubnets: publicSubnets.subnets,
    });
    new aws.ec2.VpcEndpoint(
      `${name}-s3`,
      {
        vpcId: vpc.id,
        serviceName: `com.amazonaws.${args.region}.s3`,
        vpcEndpointType: 'Gateway',
        routeTableIds: [publicSubnets.routeTable, ...privateSubnets.routeTables].map((table) => table.id),
        tags: { Name: `${name}-s3` },
      },
      { parent: this },
    );
    this.vpcId = vpc.id;
    this.publicSubnetIds = publicSubnets.subnets.map((subnet) => subnet.id);
    this.privateSubnetIds = privateSubnets.subnets.map((subnet) => subnet.id);
    this.registerOutputs({
      vpcId: this.vpcId,
      publicSubnetIds: this.publicSubnetIds,
      privateSubnetIds: this.privateSubnetIds,
    });
  }
}

interface Layer {
  readonly name: string;
  readonly vpc: aws.ec2.Vpc;
  readonly plan: readonly SubnetPlan[];
}

function createPublicSubnets(parent: Vpc, { name, vpc, plan }: Layer) {
  const gateway = new aws.ec2.InternetGateway(`${name}-internet`, { vpcId: vpc.id, tags: { Name: name } }, { parent });
  const routeTable = new aws.ec2.RouteTable(
    `${name}-public-table`,
    { vpcId: vpc.id, tags: { Name: `${name}-public` } },
    { parent },
  );
  new aws.ec2.Route(
    `${name}-public-internet`,
    { routeTableId: routeTable.id, destinationCidrBlock: '0.0.0.0/0', gatewayId: gateway.id },
    { parent },
  );
  const subnets = plan
    .filter(({ tier }) => tier === 'public')
    .map((subnet) => createSubnet(parent, { name, vpc, subnet, routeTable, tags: { 'kubernetes.io/role/elb': '1' } }));
  return { subnets, routeTable };
}

function createPrivateSubnets(
  parent: Vpc,
  { name, vpc, plan, nat, publicSubnets }: Layer & { nat: NatMode; publicSubnets: aws.ec2.Subnet[] },
) {
  const planned = plan.filter(({ tier }) => tier === 'private');
  const gateways = planned
    .slice(0, nat === 'none' ? 0 : nat === 'single' ? 1 : planned.length)
    .flatMap(({ zone }, index) => {
      const subnet = publicSubnets[index];
      return subnet === undefined ? [] : [createNat(parent, `${name}-nat-${zone}`, subnet)];
    });
  const routeTables: aws.ec2.RouteTable[] = [];
  const subnets = planned.map((subnet, index) => {
    const role = `${name}-private-${subnet.zone}`;
    const routeTable = new aws.ec2.RouteTable(`${role}-table`, { vpcId: vpc.id, tags: { Name: role } }, { parent });
    routeTables.push(routeTable);
    const gateway = gateways[index] ?? gateways[0];
    if (gateway !== undefined) {
      new aws.ec2.Route(
        `${role}-out`,
        { routeTableId: routeTable.id, destinationCidrBlock: '0.0.0.0/0', natGatewayId: gateway.id },
        { parent },
      );
    }
    const tags = { 'kubernetes.io/role/internal-elb': '1' };
    return createSubnet(parent, { name, vpc, subnet, routeTable, tags });
  });
  return { subnets, routeTables };
}

function createNat(parent: Vpc, name: string, subnet: aws.ec2.Subnet): aws.ec2.NatGateway {
  const address = new aws.ec2.Eip(`${name}-address`, { domain: 'vpc', tags: { Name: name } }, { parent });
  return new aws.ec2.NatGateway(
    name,
    { allocationId: address.allocationId, subnetId: subnet.id, tags: { Name: name } },
    { parent },
  );
}

interface SubnetRequest {
  readonly name: string;
  readonly vpc: aws.ec2.Vpc;
  readonly subnet: SubnetPlan;
  readonly routeTable: aws.ec2.RouteTable;
  readonly tags: Record<string, string>;
}

function createSubnet(parent: Vpc, { name, vpc, subnet, routeTable, tags }: SubnetRequest): aws.ec2.Subnet {
  const role = `${name}-${subnet.tier}-${subnet.zone}`;
  const created = new aws.ec2.Subnet(
    role,
    {
      vpcId: vpc.id,
      availabilityZone: subnet.zone,
      cidrBlock: subnet.cidr,
      mapPublicIpOnLaunch: false,
      tags: { Name: role, ...tags },
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

function assertZonesInRegion({ region, zones }: VpcArgs): void {
  const strangers = zones.filter((zone) => !zone.startsWith(region));
  if (strangers.length === 0) return;
  throw new PlanError({
    code: 'NETWORK_INVALID',
    message: `${strangers.join(', ')} lies outside ${region}`,
    hint: `name zones such as ${region}a`,
  });
}
