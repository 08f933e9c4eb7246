import { valueAt, valuesAt } from '#policies/graph.ts';
import { referencesIn } from '../change/references.ts';
import type { GraphResource } from '../render/graph.ts';
import {
  charged,
  fixed,
  gigabytesOf,
  numberAt,
  textAt,
  type Charge,
  type Charging,
  type ChargingRules,
  type Surroundings,
} from './charging.ts';
import { nodePoolType, requirementOf } from './node-demand.ts';

export const computeCharges: ChargingRules = {
  'aws:ec2/instance:Instance': ({ inputs }, { region }) =>
    charged(fixed(`ec2:${region}:${textAt(inputs, 'instanceType')}:on-demand`)),
  'aws:autoscaling/group:Group': chargeGroup,
  'aws:eks/nodeGroup:NodeGroup': chargeNodes,
  [nodePoolType]: chargePool,
};

interface Nodes {
  readonly instanceTypes: readonly string[];
  readonly market: 'spot' | 'on-demand';
  readonly least: number;
  readonly most: number;
  readonly diskGiB: number;
}

/** Machines, and the volumes that each of them has. */
function chargesOf({ instanceTypes, market, least, most, diskGiB }: Nodes, region: string): Charging {
  const nodes: Charge = { keys: instanceTypes.map((type) => `ec2:${region}:${type}:${market}`), least, most };
  const disks: Charge = { keys: [`ebs:${region}:gp3`], least: least * diskGiB, most: most * diskGiB };
  return diskGiB === 0 ? charged(nodes) : charged(nodes, disks);
}

function chargeNodes({ inputs }: GraphResource, { region, resources }: Surroundings): Charging {
  const types = valuesAt(inputs, 'instanceTypes[]').map(({ value }) => String(value));
  const least = numberAt(inputs, 'scalingConfig.minSize');
  const most = numberAt(inputs, 'scalingConfig.maxSize');
  if (types.length === 0 || least === undefined || most === undefined) return 'no price';
  const market = inputs['capacityType'] === 'SPOT' ? 'spot' : 'on-demand';
  // On demand EKS takes the first type that it gets; of spot it takes what is cheap and deep at the hour.
  const instanceTypes = market === 'spot' ? types : types.slice(0, 1);
  const diskGiB = diskOf(templateOf(inputs, resources));
  return chargesOf({ instanceTypes, market, least, most, diskGiB }, region);
}

/** Machines of a launch template, for example those of a NAT instance. */
function chargeGroup({ inputs }: GraphResource, { region, resources }: Surroundings): Charging {
  const template = templateOf(inputs, resources);
  const type = valueAt(template?.inputs, 'instanceType');
  const least = numberAt(inputs, 'minSize');
  const most = numberAt(inputs, 'maxSize');
  if (typeof type !== 'string' || least === undefined || most === undefined) return 'no price';
  return chargesOf({ instanceTypes: [type], market: 'on-demand', least, most, diskGiB: diskOf(template) }, region);
}

/** A pool of Karpenter: what its nodes are reckoned by stands in node-demand. */
function chargePool({ urn, inputs }: GraphResource, { region, nodes, resources }: Surroundings): Charging {
  const demand = nodes.get(urn);
  if (demand === undefined) return 'no price';
  const capacity = requirementOf(valueAt(inputs, 'spec'), 'karpenter.sh/capacity-type');
  // Where it may take either, the dearer counts.
  const market = capacity.length > 0 && capacity.every((one) => one === 'spot') ? 'spot' : 'on-demand';
  const { instanceTypes, least, most } = demand;
  return chargesOf({ instanceTypes, market, least, most, diskGiB: diskOfClass(inputs, resources) }, region);
}

function templateOf(inputs: GraphResource['inputs'], resources: readonly GraphResource[]): GraphResource | undefined {
  const [reference] = referencesIn(String(valueAt(inputs, 'launchTemplate.id')));
  return resources.find(({ type, name }) => type.startsWith('aws:ec2/launchTemplate:') && name === reference?.owner);
}

/** The volumes of a launch template, in GiB. */
function diskOf(template: GraphResource | undefined): number {
  const sizes = valuesAt(template?.inputs, 'blockDeviceMappings[].ebs.volumeSize');
  return sizes.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : 0), 0);
}

/** The volumes of the class of nodes that a pool refers to by its name in the cluster, in GiB. */
function diskOfClass(inputs: GraphResource['inputs'], resources: readonly GraphResource[]): number {
  const wanted = textAt(inputs, 'spec.template.spec.nodeClassRef.name');
  const owners = referencesIn(wanted).map(({ owner }) => owner);
  const found = resources.find(
    (one) =>
      one.type.startsWith('kubernetes:karpenter.k8s.aws/') &&
      (valueAt(one.inputs, 'metadata.name') === wanted || owners.includes(one.name)),
  );
  const sizes = valuesAt(found?.inputs, 'spec.blockDeviceMappings[].ebs.volumeSize');
  return sizes.reduce((sum, { value }) => sum + (gigabytesOf(value) ?? 0), 0);
}
