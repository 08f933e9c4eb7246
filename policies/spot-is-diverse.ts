import {
  instanceTypesOf,
  isGpuNodeGroup,
  isGpuNodePool,
  nodeGroupType,
  nodePoolType,
  requirementOf,
} from './gpu-pools.ts';
import { ofType, valueAt, type Graph, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const typesMin = 10;
const familiesMin = 3;
const gpuTypesMin = 3;
const zonesMin = 3;
const capacityKey = 'karpenter.sh/capacity-type';
const familyKeys = ['karpenter.k8s.aws/instance-family', 'karpenter.k8s.aws/instance-category'] as const;

export const spotIsDiverse: Rule = {
  name: 'spot-is-diverse',
  why: 'a kind of machine that AWS takes back takes all its pods with it, and there is none to replace it',
  remedy: `${typesMin} types of ${familiesMin} families in ${zonesMin} zones, and a pool on demand to fall back to`,
  scope: 'graph',
  check: (graph) => [
    ...ofType(graph, nodeGroupType)
      .filter(isSpotGroup)
      .flatMap((group) => checkTypes(group, 'instanceTypes')),
    ...ofType(graph, nodePoolType)
      .filter(isSpotPool)
      .flatMap((pool) => checkPool(graph, pool)),
  ],
};

function isSpotGroup({ inputs }: Resource): boolean {
  return inputs['capacityType'] === 'SPOT';
}

function isSpotPool(pool: Resource): boolean {
  // Karpenter takes machines on demand unless it is told otherwise.
  return requirementOf(pool, capacityKey)?.includes('spot') === true;
}

function checkPool(graph: Graph, pool: Resource): Violation[] {
  const property = 'spec.template.spec.requirements';
  const zones = requirementOf(pool, 'topology.kubernetes.io/zone');
  return [
    ...(instanceTypesOf(pool) === undefined ? checkFamilies(pool, property) : checkTypes(pool, property)),
    ...(zones === undefined || zones.length >= zonesMin
      ? []
      : [violationAt(pool, { property, value: zones }, `stands in fewer than ${zonesMin} zones`)]),
    ...(isGpuNodePool(pool) || hasFallback(graph, pool)
      ? []
      : [violationAt(pool, { property, value: ['spot'] }, 'has nothing to fall back to')]),
  ];
}

function checkTypes(pool: Resource, property: string): Violation[] {
  const types = instanceTypesOf(pool) ?? [];
  const families = new Set(types.map((type) => type.split('.')[0]));
  const isGpu = isGpuNodeGroup(pool) || isGpuNodePool(pool);
  // Few machines have GPUs: three types are what a region offers of one size.
  const isEnough = isGpu ? types.length >= gpuTypesMin : types.length >= typesMin && families.size >= familiesMin;
  if (isEnough) return [];
  return [violationAt(pool, { property, value: types }, `are ${types.length} types of ${families.size} families`)];
}

/** A family holds eight types or more, a category several families. */
function checkFamilies(pool: Resource, property: string): Violation[] {
  const [families, categories] = familyKeys.map((key) => requirementOf(pool, key));
  if (categories !== undefined && categories.length >= (isGpuNodePool(pool) ? 1 : familiesMin)) return [];
  if (families !== undefined && families.length >= (isGpuNodePool(pool) ? 2 : familiesMin)) return [];
  return [violationAt(pool, { property, value: families ?? categories }, `are fewer than ${familiesMin} families`)];
}

/** The pool itself takes machines on demand, or one of the same kind of less weight does. */
function hasFallback(graph: Graph, pool: Resource): boolean {
  const pools = [
    pool,
    ...ofType(graph, nodePoolType).filter((other) => other !== pool && weightOf(other) < weightOf(pool)),
  ];
  return pools.some(
    (other) =>
      isGpuNodePool(other) === isGpuNodePool(pool) &&
      (requirementOf(other, capacityKey) ?? ['on-demand']).includes('on-demand'),
  );
}

function weightOf({ inputs }: Resource): number {
  const weight = valueAt(inputs, 'spec.weight');
  return typeof weight === 'number' ? weight : 0;
}
