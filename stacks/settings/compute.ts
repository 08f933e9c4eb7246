import Type, { type Static } from 'typebox';
import { planGpuPool, planSpotPool, planSystemPool } from '#infra/planning/pools.ts';
import { closed, Count, Text } from './fields.ts';
import { planned, type SettingsRule } from './problem.ts';

const InstanceTypes = Type.Array(Text('^[a-z0-9-]+\\.[a-z0-9-]+$', 'an instance type such as m7i.xlarge'), {
  minItems: 1,
  maxItems: 40,
  uniqueItems: true,
});
const Pool = Type.Object(
  {
    instanceTypes: InstanceTypes,
    nodesMin: Count(0, 500, 'nodes that are always there'),
    nodesMax: Count(1, 500, 'nodes that are never exceeded'),
    diskGiB: Count(20, 2000, "each node's data volume, in GiB"),
  },
  closed,
);

export const computeSettings = {
  system: Pool,
  spot: Pool,
  gpuMax: Count(1, 1000, 'the one cap of GPUs: node pool, quota and autoscaler all follow it'),
  gpu: Type.Object(
    { instanceTypes: InstanceTypes, diskGiB: Count(50, 2000, "each node's data volume, in GiB") },
    closed,
  ),
};
export type ComputeSettings = Static<ReturnType<typeof Type.Object<typeof computeSettings>>>;

export const computeRules: readonly SettingsRule<ComputeSettings>[] = [
  { reads: ['system'], find: ({ system }) => planned('system', system, () => planSystemPool(system)) },
  { reads: ['spot'], find: ({ spot }) => planned('spot', spot, () => planSpotPool(spot)) },
  {
    reads: ['gpu', 'gpuMax'],
    find: ({ gpu, gpuMax }) => planned('gpuMax', gpuMax, () => planGpuPool({ gpuMax, ...gpu })),
  },
];
