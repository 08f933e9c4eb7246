import { valueAt, valuesAt } from '#policies/graph.ts';
import { referencesIn } from '../change/references.ts';
import type { GraphResource } from '../render/graph.ts';
import { charged, fixed, numberAt, textAt, type Charging, type ChargingRules, type Surroundings } from './charging.ts';

export const computeCharges: ChargingRules = {
  'aws:ec2/instance:Instance': ({ inputs }, { region }) =>
    charged(fixed(`ec2:${region}:${textAt(inputs, 'instanceType')}:on-demand`)),
  'aws:eks/nodeGroup:NodeGroup': chargeNodes,
};

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
  const disks = { keys: [`ebs:${region}:gp3`], least: least * disk, most: most * disk };
  return disk === 0 ? charged(nodes) : charged(nodes, disks);
}

/** The volumes of the launch template that a node group refers to, in GiB. */
function diskOfNode(inputs: GraphResource['inputs'], graph: Surroundings['graph']): number {
  const [reference] = referencesIn(String(valueAt(inputs, 'launchTemplate.id')));
  const template = reference === undefined ? undefined : graph.get(reference.owner);
  const sizes = valuesAt(template?.inputs, 'blockDeviceMappings[].ebs.volumeSize');
  return sizes.reduce((sum, { value }) => sum + (typeof value === 'number' ? value : 0), 0);
}
