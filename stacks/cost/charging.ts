import { isRecord, valueAt } from '#policies/graph.ts';
import type { GraphResource } from '../render/graph.ts';
import type { NodeDemand } from './node-demand.ts';

/** So much of something that has a price. */
export interface Charge {
  /** Keys of the price list; the mean of their prices counts where AWS chooses between several types. */
  readonly keys: readonly string[];
  /** Units, all hours of a month, at the least size and at the most that it may grow to. */
  readonly least: number;
  readonly most: number;
}

/**
 * What a resource is billed for: amounts that the graph tells, and keys of prices for what passes or lies in it, which no graph tells;
 * or nothing; or nobody here knows.
 */
export type Charging = { readonly charges: readonly Charge[]; readonly byUse: readonly string[] } | 'free' | 'no price';

export interface Surroundings {
  readonly region: string;
  readonly resources: readonly GraphResource[];
  /** The nodes of each pool of Karpenter, by the pool's URN. */
  readonly nodes: ReadonlyMap<string, NodeDemand>;
}

export type ChargingRule = (resource: GraphResource, around: Surroundings) => Charging;

/** By type: what is billed. What a type's bill rests on stands in infra/planning/prices.json with its source. */
export type ChargingRules = Readonly<Record<string, ChargingRule>>;

export function charged(...charges: readonly Charge[]): Charging {
  return { charges, byUse: [] };
}

export function metered(...byUse: readonly string[]): Charging {
  return { charges: [], byUse };
}

/** An amount that never changes by itself. */
export function fixed(key: string, amount = 1): Charge {
  return { keys: [key], least: amount, most: amount };
}

const gigabytesOfUnit: Readonly<Record<string, number>> = {
  ...{ Ki: 1 / 1024 ** 2, Mi: 1 / 1024, Gi: 1, Ti: 1024 },
  ...{ M: 1e6 / 1024 ** 3, G: 1e9 / 1024 ** 3, T: 1e12 / 1024 ** 3 },
};

/** A quantity of Kubernetes in GiB, for example `100Gi`; undefined for a form that it can't be read in. */
export function gigabytesOf(quantity: unknown): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]i|[MGT])$/.exec(String(quantity)) ?? [];
  const factor = gigabytesOfUnit[unit];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

/** A quantity of cores in Kubernetes: `500m`, `2`, 0.5; undefined for a form that it can't be read in. */
export function coresOf(quantity: unknown): number | undefined {
  const [, amount, milli] = /^(\d+(?:\.\d+)?)(m?)$/.exec(String(quantity)) ?? [];
  return amount === undefined ? undefined : Number(amount) / (milli === 'm' ? 1000 : 1);
}

export function numberAt(inputs: unknown, path: string): number | undefined {
  const value = valueAt(inputs, path);
  return typeof value === 'number' ? value : undefined;
}

/** An entry of a map whose keys may hold dots, as labels and quantities have them: such a key is no path. */
export function entryOf(map: unknown, key: string): unknown {
  return isRecord(map) ? map[key] : undefined;
}

export function textAt(inputs: unknown, path: string): string {
  return String(valueAt(inputs, path));
}
