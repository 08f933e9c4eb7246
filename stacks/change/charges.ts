import { valueAt, valuesAt } from '#policies/graph.ts';
import type { GraphResource } from '../render/graph.ts';
import { referencesIn } from './references.ts';

/** So much of something that has a price. */
export interface Charge {
  /** Keys of the price list; the mean of their prices counts where AWS chooses between several types. */
  readonly keys: readonly string[];
  /** Units, all hours of a month, at the least size and at the most that it may grow to. */
  readonly least: number;
  readonly most: number;
}

/** `by use`: billed for what passes or lies in it, which no graph tells. `no price`: nobody here knows what it costs. */
export type Charging = readonly Charge[] | 'free' | 'by use' | 'no price';

interface Surroundings {
  readonly region: string;
  readonly graph: ReadonlyMap<string, GraphResource>;
}

type Rule = (resource: GraphResource, around: Surroundings) => Charging;

const gigabytesOfUnit: Readonly<Record<string, number>> = { Mi: 1 / 1024, Gi: 1, Ti: 1024 };

/** What is billed, by type. What a type's bill rests on stands in infra/planning/prices.json with its source. */
const rules: Readonly<Record<string, Rule>> = {
  'aws:eks/cluster:Cluster': () => [fixed('aws:eks/cluster')],
  'aws:eks/nodeGroup:NodeGroup': chargeNodes,
  'aws:elasticache/replicationGroup:ReplicationGroup': ({ inputs }, { region }) => {
    const nodes = numberAt(inputs, 'numCacheClusters') ?? 1;
    return [{ keys: [`elasticache:${region}:${textAt(inputs, 'nodeType')}`], least: nodes, most: nodes }];
  },
  'aws:ec2/natGateway:NatGateway': (_, { region }) => [fixed(`ec2:${region}:nat-gateway`)],
  'aws:ec2/eip:Eip': (_, { region }) => [fixed(`ec2:${region}:public-ipv4`)],
  'aws:kms/key:Key': (_, { region }) => [fixed(`kms:${region}:key`)],
  'aws:s3/bucket:Bucket': () => 'by use',
  'aws:cloudwatch/logGroup:LogGroup': () => 'by use',
  'aws:ec2/vpcEndpoint:VpcEndpoint': ({ inputs }) => (inputs['vpcEndpointType'] === 'Gateway' ? 'free' : 'no price'),
  'kubernetes:apps/v1:StatefulSet': chargeVolumes,
  'kubernetes:core/v1:PersistentVolumeClaim': ({ inputs }, { region }) => {
    const size = gigabytesOf(valueAt(inputs, 'spec.resources.requests.storage'));
    return size === undefined ? 'no price' : [{ ...fixed(`ebs:${region}:gp3`), least: size, most: size }];
  },
  'kubernetes:core/v1:Service': ({ inputs }) => (valueAt(inputs, 'spec.type') === 'LoadBalancer' ? 'no price' : 'free'),
};

/** What costs nothing by itself: rules, names, permissions, and what runs on nodes that are counted. */
const free =
  /^(aws:(iam|vpc)\/|aws:ec2\/(defaultSecurityGroup|internetGateway|launchTemplate|route|routeTable|routeTableAssociation|securityGroup|securityGroupRule|subnet|vpc):|aws:eks\/(accessEntry|accessPolicyAssociation|addon|podIdentityAssociation):|aws:elasticache\/(parameterGroup|subnetGroup):|aws:s3\/bucket[A-Z]|kubernetes:|random:|pulumi:|orrery:)/;

export function chargingOf(resource: GraphResource, around: Surroundings): Charging {
  const rule = rules[resource.type];
  if (rule !== undefined) return rule(resource, around);
  return free.test(resource.type) ? 'free' : 'no price';
}

function chargeNodes({ inputs }: GraphResource, { region, graph }: Surroundings): Charging {
  const types = valuesAt(inputs, 'instanceTypes[]').map(({ value }) => String(value));
  const least = numberAt(inputs, 'scalingConfig.minSize');
  const most = numberAt(inputs, 'scalingConfig.maxSize');
  if (types.length === 0 || least === undefined || most === undefined) return 'no price';
  const spot = inputs['capacityType'] === 'SPOT';
  // On demand EKS takes the first type that it gets; of spot it takes what is cheap and deep at the hour.
  const chosen = spot ? types : types.slice(0, 1);
  const nodes = { keys: chosen.map((type) => `ec2:${region}:${type}:${spot ? 'spot' : 'on-demand'}`), least, most };
  const disk = diskOfNode(inputs, graph);
  const volumes = { keys: [`ebs:${region}:gp3`], least: least * disk, most: most * disk };
  return disk === 0 ? [nodes] : [nodes, volumes];
}

/** The volumes of the launch template that a node group refers to, in GiB. */
function diskOfNode(inputs: GraphResource['inputs'], graph: Surroundings['graph']): number {
  const [reference] = referencesIn(String(valueAt(inputs, 'launchTemplate.id')));
  const template = reference === undefined ? undefined : graph.get(reference.owner);
  const sizes = valuesAt(template?.inputs, 'blockDeviceMappings[].ebs.volumeSize');
  return sizes.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : 0), 0);
}

/** A set without volumes runs on nodes that are counted. */
function chargeVolumes({ inputs }: GraphResource, { region }: Surroundings): Charging {
  const sizes = valuesAt(inputs, 'spec.volumeClaimTemplates[].spec.resources.requests.storage');
  if (sizes.length === 0) return 'free';
  const replicas = numberAt(inputs, 'spec.replicas') ?? 1;
  const gigabytes = sizes.map(({ value }) => gigabytesOf(value));
  if (gigabytes.includes(undefined)) return 'no price';
  const size = replicas * gigabytes.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  return [{ keys: [`ebs:${region}:gp3`], least: size, most: size }];
}

function gigabytesOf(quantity: unknown): number | undefined {
  const [, amount, unit = ''] = /^(\d+)(Mi|Gi|Ti)$/.exec(String(quantity)) ?? [];
  const factor = gigabytesOfUnit[unit];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

function fixed(key: string): Charge {
  return { keys: [key], least: 1, most: 1 };
}

function numberAt(inputs: unknown, path: string): number | undefined {
  const value = valueAt(inputs, path);
  return typeof value === 'number' ? value : undefined;
}

function textAt(inputs: unknown, path: string): string {
  return String(valueAt(inputs, path));
}
