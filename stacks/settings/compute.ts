import Type, { type Static } from 'typebox';
import { planNodePool } from '#infra/planning/compute/karpenter.ts';
import {
  gpuSharesMax,
  planGeneralPool,
  planGpuPool,
  planSpotPools,
  planSystemPool,
  type PoolPlan,
} from '#infra/planning/compute/pools.ts';
import { Choice, closed, Count, Text } from './fields.ts';
import { planned, problem, unless, type SettingsRule } from './problem.ts';

const InstanceTypes = Type.Array(Text('^[a-z0-9-]+\\.[a-z0-9-]+$', 'an instance type such as m7i.xlarge'), {
  minItems: 1,
  maxItems: 40,
  uniqueItems: true,
  description: 'instance types such as m7i.xlarge, each once',
});
const poolFields = {
  instanceTypes: InstanceTypes,
  nodesMin: Count(0, 500, 'nodes that are always there; 0 where Karpenter makes them'),
  nodesMax: Count(1, 500, 'nodes that are never exceeded, of the largest type'),
  diskGiB: Count(20, 2000, "each node's data volume, in GiB"),
};
const pool = (description: string) => Type.Object(poolFields, { ...closed, description });

export const computeSettings = {
  capacity: Choice(
    ['karpenter', 'managed'],
    'who makes nodes: karpenter, for pods that wait; managed: node groups of EKS, which stand at nodesMin',
  ),
  system: pool('what the cluster itself runs on, on demand and tainted'),
  general: pool('on demand: what keeps data'),
  spot: Type.Object(
    {
      ...poolFields,
      fallbackNodesMax: Count(1, 500, 'nodes on demand that may stand in where no spot market has any'),
    },
    { ...closed, description: 'the services: at least 10 types of 3 families' },
  ),
  gpuMax: Count(1, 1000, 'the one cap of GPUs: node pool, quota and autoscaler all follow it'),
  gpu: Type.Object(
    {
      instanceTypes: InstanceTypes,
      diskGiB: Count(50, 2000, "each node's data volume, in GiB"),
      capacityType: Choice(['spot', 'on-demand'], 'spot, or on-demand where a reclaimed GPU costs more than it saves'),
      sharesPerGpu: Count(1, gpuSharesMax, 'pods that one GPU serves in turn, without walls between them; 1: none'),
    },
    closed,
  ),
};
export type ComputeSettings = Static<ReturnType<typeof Type.Object<typeof computeSettings>>>;

/** What each pool beside the system pool is made of. */
const pools: readonly {
  readonly path: 'general' | 'spot' | 'gpuMax';
  readonly reads: readonly (keyof ComputeSettings)[];
  readonly plan: (settings: ComputeSettings) => readonly PoolPlan[];
}[] = [
  { path: 'general', reads: ['general'], plan: ({ general }) => [planGeneralPool(general)] },
  { path: 'spot', reads: ['spot'], plan: ({ spot }) => planSpotPools(spot) },
  { path: 'gpuMax', reads: ['gpu', 'gpuMax'], plan: ({ gpu, gpuMax }) => [planGpuPool({ gpuMax, ...gpu })] },
];

/** The pools that work is done on. Throws PlanError where one can't be. */
export function planPools(settings: ComputeSettings): PoolPlan[] {
  return pools.flatMap(({ plan }) => plan(settings));
}

export const computeRules: readonly SettingsRule<ComputeSettings>[] = [
  { reads: ['system'], find: ({ system }) => planned('system', system, () => planSystemPool(system)) },
  {
    reads: ['system'],
    find: ({ system: { nodesMin } }, environment) =>
      unless(
        environment !== 'prod' || nodesMin >= 3,
        problem('system.nodesMin', nodesMin, 'leaves a zone without a node', 'at least 3 in prod, one in each zone'),
      ),
  },
  ...pools.map(({ path, reads, plan }): SettingsRule<ComputeSettings> => ({
    reads: ['capacity', ...reads],
    find: (settings) =>
      planned(path, settings[path], () => {
        const plans = plan(settings);
        return settings.capacity === 'karpenter' ? plans.map(planNodePool) : plans;
      }),
  })),
];
