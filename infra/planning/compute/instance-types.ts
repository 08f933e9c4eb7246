import { PlanError } from '#infra/errors.ts';

/** What a limit of a pool is counted in. */
export interface InstanceShape {
  readonly cpu: number;
  readonly memoryGiB: number;
}

/**
 * GiB of memory for each core, by family. (AWS's instance type pages.) Only x86-64: the images of the services are built for it, so a
 * type of another architecture would run nodes on which no pod can start.
 */
const memoryPerCoreGiB: Readonly<Record<string, number>> = {
  ...families(2, ['c5', 'c5a', 'c6i', 'c6a', 'c7i', 'c7a', 'c7i-flex']),
  ...families(4, ['m5', 'm5a', 'm6i', 'm6a', 'm7i', 'm7a', 'm7i-flex', 'g4dn', 'g5', 'g6']),
  ...families(8, ['r5', 'r5a', 'r6i', 'r6a', 'r7i', 'r7a']),
};

/** Burstable types have two cores up to large, and memory of their own. */
const burstable: Readonly<Record<string, InstanceShape>> = {
  small: { cpu: 2, memoryGiB: 2 },
  medium: { cpu: 2, memoryGiB: 4 },
  large: { cpu: 2, memoryGiB: 8 },
  xlarge: { cpu: 4, memoryGiB: 16 },
  '2xlarge': { cpu: 8, memoryGiB: 32 },
};
const burstableFamilies = ['t3', 't3a'];

/** Cores and memory of an instance type, for example `m7i.2xlarge`: 8 and 32. Refuses one that it can't count. */
export function shapeOf(type: string): InstanceShape {
  const [family = '', size = ''] = type.split('.');
  const shape = burstableFamilies.includes(family) ? burstable[size] : regularShape(family, size);
  if (shape !== undefined) return shape;
  const known = [...Object.keys(memoryPerCoreGiB), ...burstableFamilies].join(', ');
  throw new PlanError({
    code: 'INSTANCE_TYPE_UNKNOWN',
    message: `"${type}" is no known x86-64 instance type`,
    hint: `choose a size from large on of ${known}, or add its family to infra/planning/instance-types`,
  });
}

/** The most that one node of a pool may bring, resource by resource. */
export function largestShape(types: readonly string[]): InstanceShape {
  const shapes = types.map(shapeOf);
  return {
    cpu: Math.max(...shapes.map(({ cpu }) => cpu)),
    memoryGiB: Math.max(...shapes.map(({ memoryGiB }) => memoryGiB)),
  };
}

function regularShape(family: string, size: string): InstanceShape | undefined {
  const perCore = memoryPerCoreGiB[family];
  const cpu = coresOf(size);
  return perCore === undefined || cpu === undefined ? undefined : { cpu, memoryGiB: cpu * perCore };
}

/** `large` has two cores, `xlarge` four, `12xlarge` twelve times four. */
function coresOf(size: string): number | undefined {
  if (size === 'large') return 2;
  const [, times] = /^([1-9]\d?|)xlarge$/.exec(size) ?? [];
  return times === undefined ? undefined : 4 * Number(times || 1);
}

function families(memoryGiB: number, names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, memoryGiB]));
}
