import { valueAt } from '#policies/graph.ts';
import { monthlyUsd, type Price, type PriceList } from '#infra/planning/prices.ts';
import type { Monthly } from '../change/change.ts';
import type { GraphResource } from '../render/graph.ts';
import { chargingOf } from './charges.ts';
import type { Charge, Charging } from './charging.ts';
import { planNodeDemand } from './node-demand.ts';

/** One amount of a bill. */
export interface CostLine extends Charge {
  /** USD a month for one unit of it. */
  readonly unitUsd: number;
  readonly estimate: boolean;
}

export interface ResourceCost {
  readonly resource: GraphResource;
  readonly lines: readonly CostLine[];
  /** USD a month at the least size, and at the most that it may grow to. */
  readonly usd: number;
  readonly mostUsd: number;
  /** Part of `usd` that rests on estimated prices. */
  readonly estimatedUsd: number;
  readonly estimate: boolean;
}

/** What is billed, and has no price in the list. */
export interface UnpricedResource {
  readonly resource: GraphResource;
  /** What would be billed, as far as that is known: where it is the same, so is the bill. */
  readonly charging: Charging;
}

/** What is billed for what passes or lies in it. */
export interface MeteredResource {
  readonly resource: GraphResource;
  /** Keys of the price list; those that the list lacks included. */
  readonly keys: readonly string[];
}

export interface Estimate {
  readonly costs: readonly ResourceCost[];
  readonly metered: readonly MeteredResource[];
  readonly unpriced: readonly UnpricedResource[];
  readonly monthly: Monthly;
}

const providerType = 'pulumi:providers:aws';

/** What a graph costs in a month by a list of prices: a sum of what stands, without traffic, taxes and discounts. Pure. */
export function estimate(graph: readonly GraphResource[], prices: PriceList): Estimate {
  const region = regionOf(graph);
  const around = { region: region ?? '', resources: graph, nodes: planNodeDemand(graph) };
  const byKey = new Map(prices.entries.map((price) => [price.key, price]));
  const costs: ResourceCost[] = [];
  const metered: MeteredResource[] = [];
  const unpriced: UnpricedResource[] = [];
  // Without AWS the nodes, volumes and balancers are those of a cluster that is there: whoever runs it has the bill.
  const billed = graph.filter(({ custom, type }) => custom && (region !== undefined || type.startsWith('aws:')));
  for (const resource of billed) {
    const charging = chargingOf(resource, around);
    if (charging === 'free') continue;
    const { charges, byUse } = charging === 'no price' ? { charges: [], byUse: [] } : charging;
    const cost = charging === 'no price' ? undefined : costOf(resource, charges, byKey);
    if (cost === undefined) {
      unpriced.push({ resource, charging });
      continue;
    }
    if (charges.length > 0) costs.push(cost);
    if (byUse.length > 0) metered.push({ resource, keys: byUse });
  }
  const total = (read: (cost: ResourceCost) => number) => roundUsd(costs.reduce((sum, cost) => sum + read(cost), 0));
  return {
    costs,
    metered,
    unpriced,
    monthly: {
      usd: total(({ usd }) => usd),
      mostUsd: total(({ mostUsd }) => mostUsd),
      estimatedUsd: total(({ estimatedUsd }) => estimatedUsd),
      unpriced: countTypes(metered, unpriced),
      asOf: prices.asOf,
    },
  };
}

/** The region of the graph's cloud; undefined where there is none. */
export function regionOf(graph: readonly GraphResource[]): string | undefined {
  const region = valueAt(graph.find(({ type }) => type === providerType)?.inputs, 'region');
  return typeof region === 'string' ? region : undefined;
}

export function roundUsd(usd: number): number {
  return Math.round(usd * 100) / 100;
}

/** Undefined where one of its prices is not in the list: half a sum would read as a whole one. */
function costOf(
  resource: GraphResource,
  charges: readonly Charge[],
  prices: ReadonlyMap<string, Price>,
): ResourceCost | undefined {
  const lines = charges.map((charge) => lineOf(charge, prices));
  const known = lines.filter((line) => line !== undefined);
  if (known.length < lines.length) return undefined;
  const total = (read: (line: CostLine) => number) => known.reduce((sum, line) => sum + read(line), 0);
  return {
    resource,
    lines: known,
    usd: total(({ unitUsd, least }) => unitUsd * least),
    mostUsd: total(({ unitUsd, most }) => unitUsd * most),
    estimatedUsd: total((line) => (line.estimate ? line.unitUsd * line.least : 0)),
    estimate: known.some((line) => line.estimate),
  };
}

function lineOf(charge: Charge, prices: ReadonlyMap<string, Price>): CostLine | undefined {
  const found = charge.keys.map((key) => prices.get(key));
  const monthly = found.map((price) => (price === undefined ? undefined : monthlyUsd(price, 1)));
  if (monthly.length === 0 || monthly.includes(undefined)) return undefined;
  const unitUsd = monthly.reduce<number>((sum, one) => sum + (one ?? 0), 0) / monthly.length;
  const estimated = charge.keys.length > 1 || found.some((price) => price?.estimate === true);
  return { ...charge, unitUsd, estimate: estimated };
}

function countTypes(metered: readonly MeteredResource[], unpriced: readonly UnpricedResource[]): Monthly['unpriced'] {
  const counts = new Map<string, Monthly['unpriced'][number]>();
  const count = (type: string, why: 'no price' | 'by use') => {
    const key = `${type} ${why}`;
    counts.set(key, { type, why, count: (counts.get(key)?.count ?? 0) + 1 });
  };
  for (const { resource } of metered) count(resource.type, 'by use');
  for (const { resource } of unpriced) count(resource.type, 'no price');
  return [...counts.values()].sort((left, right) => (left.type < right.type ? -1 : 1));
}
