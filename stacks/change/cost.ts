import { isDeepStrictEqual } from 'node:util';
import { parsePrices, type PriceList } from '#infra/planning/prices.ts';
import type { Change, CostChange, Monthly, MonthlyDifference } from './change.ts';
import { estimate, roundUsd, type Estimate, type ResourceCost, type UnpricedResource } from '../cost/estimate.ts';
import type { GraphResource } from '../render/graph.ts';
import { withoutStack } from './resource-pairs.ts';
import type { Context, Side } from './side.ts';

export interface CostComparison {
  readonly changes: readonly CostChange[];
  readonly monthly: Change['monthly'];
}

/** What of the bill changes, by resource, each side by its own release's price list. */
export function compareCosts(base: Side | undefined, head: Side, context: Context): CostComparison {
  const [before, after] = [estimateOf(base, context), estimateOf(head, context)];
  if (after === undefined) return { changes: [], monthly: { base: null, head: null, difference: null } };
  // Against a sum that is not known everything would read as added.
  if (base !== undefined && before === undefined) {
    return { changes: [], monthly: { base: null, head: after.monthly, difference: null } };
  }
  const [from, to] = [billsByUrn(before), billsByUrn(after)];
  const urns = [...new Set([...from.keys(), ...to.keys()])].sort();
  const changes = urns.flatMap((urn) => diffBills(from.get(urn), to.get(urn)));
  const sums = { base: before?.monthly ?? null, head: after.monthly };
  return { changes, monthly: { ...sums, difference: differenceOf(sums, changes) } };
}

/** A price on one side alone is taken out of its sum: it would read as so much saved, or spent. */
function differenceOf(
  { base, head }: { readonly base: Monthly | null; readonly head: Monthly },
  changes: readonly CostChange[],
): MonthlyDifference {
  const unknown = changes.filter(({ unpriced }) => unpriced.before || unpriced.after);
  const without = (sum: number, read: (change: CostChange) => number | null) =>
    roundUsd(sum - unknown.reduce((total, change) => total + (read(change) ?? 0), 0));
  return {
    unknown: unknown.length,
    usd: {
      before: without(base?.usd ?? 0, ({ monthly }) => monthly.before),
      after: without(head.usd, ({ monthly }) => monthly.after),
    },
    mostUsd: {
      before: without(base?.mostUsd ?? 0, ({ most }) => most.before),
      after: without(head.mostUsd, ({ most }) => most.after),
    },
  };
}

function estimateOf(side: Side | undefined, { object }: Context): Estimate | undefined {
  const bytes = side === undefined ? undefined : object(side.release.prices.list);
  if (side?.graph === undefined || bytes === undefined) return undefined;
  const prices = readPrices(bytes.toString('utf8'));
  return prices === undefined ? undefined : estimate(withoutStack(side.graph), prices);
}

/** Undefined for a list of another form: what a release of another time costs is not known, and nothing else of it is. */
function readPrices(text: string): PriceList | undefined {
  try {
    return parsePrices(text);
  } catch {
    return undefined;
  }
}

/** What is billed on one side: with its price, or without. */
interface Bill {
  readonly resource: GraphResource;
  readonly cost?: ResourceCost;
  readonly unpriced?: UnpricedResource;
}

function billsByUrn(made: Estimate | undefined): ReadonlyMap<string, Bill> {
  const { costs = [], unpriced = [] } = made ?? {};
  const bills: Bill[] = [
    ...costs.map((cost) => ({ resource: cost.resource, cost })),
    ...unpriced.map((one) => ({ resource: one.resource, unpriced: one })),
  ];
  return new Map(bills.map((bill) => [bill.resource.urn, bill]));
}

function diffBills(from: Bill | undefined, to: Bill | undefined): CostChange[] {
  const resource = to?.resource ?? from?.resource;
  const monthly = { before: usdOf(from?.cost?.usd), after: usdOf(to?.cost?.usd) };
  const most = { before: usdOf(from?.cost?.mostUsd), after: usdOf(to?.cost?.mostUsd) };
  const same =
    monthly.before === monthly.after &&
    most.before === most.after &&
    isDeepStrictEqual(from?.unpriced?.charging, to?.unpriced?.charging);
  if (resource === undefined || same) return [];
  const { urn, type, name } = resource;
  const estimated = from?.cost?.estimate === true || to?.cost?.estimate === true;
  const unpriced = { before: from?.unpriced !== undefined, after: to?.unpriced !== undefined };
  return [{ urn, type, name, monthly, most, estimate: estimated, unpriced }];
}

function usdOf(usd: number | undefined): number | null {
  return usd === undefined ? null : roundUsd(usd);
}
