import type { PriceList } from '#infra/planning/prices.ts';
import type { Side } from '../change/side.ts';
import { askedOf, type Asked } from './asked.ts';
import { costByComponent, type ComponentCost } from './by-component.ts';
import { estimate, regionOf, type Estimate } from './estimate.ts';
import { planNodeDemand, type NodeDemand } from './node-demand.ts';
import { unitPrice } from './wording.ts';

export interface CostReport {
  readonly environment: string;
  readonly side: Side;
  readonly prices: PriceList;
  /** Undefined outside AWS: then no bill is known. */
  readonly region: string | undefined;
  readonly estimate: Estimate;
  readonly components: readonly ComponentCost[];
  /** Of each pool of Karpenter, by name. */
  readonly nodes: readonly NodeDemand[];
  readonly asked: Asked;
}

/** What an environment costs by a list of prices. Pure. */
export function reportCost({
  environment,
  side,
  prices,
}: Pick<CostReport, 'environment' | 'side' | 'prices'>): CostReport {
  const graph = side.graph ?? [];
  const estimated = estimate(graph, prices);
  const nodes = [...planNodeDemand(graph).values()].toSorted((left, right) =>
    left.pool.name < right.pool.name ? -1 : 1,
  );
  return {
    ...{ environment, side, prices, nodes },
    region: regionOf(graph),
    estimate: estimated,
    components: costByComponent(graph, estimated),
    asked: askedOf(graph),
  };
}

/** The report for programs: amounts in USD a month, quantities in nodes, cores and GiB. */
export function describeCost(report: CostReport): unknown {
  const { environment, side, region, estimate, components, prices, nodes, asked } = report;
  return {
    schema: 1,
    environment,
    release: side.digest,
    binding: side.binding?.digest ?? null,
    region: region ?? null,
    prices: { list: side.release.prices.list, asOf: prices.asOf, currency: prices.currency },
    monthly: estimate.monthly,
    components: components.map(({ component, type, usd, mostUsd, estimatedUsd, drivers, metered, unpriced }) => ({
      component,
      type,
      usd,
      mostUsd,
      estimatedUsd,
      drivers: drivers.map(({ resource, lines }) => ({ type: resource.type, name: resource.name, lines })),
      byUse: metered.map(({ resource, keys }) => ({ type: resource.type, name: resource.name, keys })),
      unpriced: unpriced.map(({ resource }) => ({ type: resource.type, name: resource.name })),
    })),
    nodes: nodes.map(({ pool, label, asked, least, most, pods, request }) => ({
      ...{ name: pool.name, label, asked: Number.isFinite(asked) ? asked : null, least, most, pods },
      ...{ cores: request.cores, memoryGiB: request.memoryGiB, gpus: request.gpus },
    })),
    asked,
    unitPrices: unitPricesOf(report),
  };
}

/** What a unit of everything that is billed by use costs, in words; keys that the list lacks are left out. */
export function unitPricesOf({ prices, estimate }: Pick<CostReport, 'prices' | 'estimate'>): Record<string, string> {
  const wanted = new Set(estimate.metered.flatMap(({ keys }) => keys));
  const found = prices.entries.filter(({ key }) => wanted.has(key));
  return Object.fromEntries(found.map((price) => [price.key, unitPrice(price)]));
}
