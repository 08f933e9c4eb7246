import { valueAt } from '#policies/graph.ts';
import { monthlyUsd, type Price, type PriceList } from '#infra/planning/prices.ts';
import type { GraphResource } from '../render/graph.ts';
import type { Monthly } from './change.ts';
import { chargingOf, type Charge, type Charging } from './charges.ts';

export interface ResourceCost {
  readonly resource: GraphResource;
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

export interface Estimate {
  readonly costs: readonly ResourceCost[];
  readonly unpriced: readonly UnpricedResource[];
  readonly monthly: Monthly;
}

const providerType = 'pulumi:providers:aws';

/** What a graph costs in a month by a list of prices: a sum of what stands, without traffic, taxes and discounts. Pure. */
export function estimate(graph: readonly GraphResource[], prices: PriceList): Estimate {
  const region = String(valueAt(graph.find(({ type }) => type === providerType)?.inputs, 'region'));
  const around = { region, graph: new Map(graph.map((resource) => [resource.name, resource])) };
  const byKey = new Map(prices.entries.map((price) => [price.key, price]));
  const costs: ResourceCost[] = [];
  const unpriced: UnpricedResource[] = [];
  const counts = new Map<string, Monthly['unpriced'][number]>();
  for (const resource of graph.filter(({ custom }) => custom)) {
    const charging = chargingOf(resource, around);
    if (charging === 'free') continue;
    const cost = typeof charging === 'string' ? undefined : costOf(resource, charging, byKey);
    if (cost !== undefined) costs.push(cost);
    else count(counts, resource.type, charging === 'by use' ? 'by use' : 'no price');
    if (cost === undefined && charging !== 'by use') unpriced.push({ resource, charging });
  }
  const total = (read: (cost: ResourceCost) => number) => roundUsd(costs.reduce((sum, cost) => sum + read(cost), 0));
  return {
    costs,
    unpriced,
    monthly: {
      usd: total(({ usd }) => usd),
      mostUsd: total(({ mostUsd }) => mostUsd),
      estimatedUsd: total(({ estimatedUsd }) => estimatedUsd),
      unpriced: [...counts.values()].sort((left, right) => (left.type < right.type ? -1 : 1)),
      asOf: prices.asOf,
    },
  };
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
  let [usd, mostUsd, estimatedUsd] = [0, 0, 0];
  let estimated = false;
  for (const { keys, least, most } of charges) {
    const found = keys.map((key) => prices.get(key));
    const monthly = found.map((price) => (price === undefined ? undefined : monthlyUsd(price, 1)));
    if (monthly.length === 0 || monthly.includes(undefined)) return undefined;
    const mean = monthly.reduce<number>((sum, one) => sum + (one ?? 0), 0) / monthly.length;
    const isEstimate = keys.length > 1 || found.some((price) => price?.estimate === true);
    usd += mean * least;
    mostUsd += mean * most;
    estimatedUsd += isEstimate ? mean * least : 0;
    estimated ||= isEstimate;
  }
  return { resource, usd, mostUsd, estimatedUsd, estimate: estimated };
}

function count(found: Map<string, Monthly['unpriced'][number]>, type: string, why: 'no price' | 'by use'): void {
  const key = `${type} ${why}`;
  found.set(key, { type, why, count: (found.get(key)?.count ?? 0) + 1 });
}
