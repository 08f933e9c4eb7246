import { parsePrices, type PriceList } from '#infra/planning/prices.ts';
import type { Change, CostChange } from './change.ts';
import { estimate, roundUsd, type Estimate, type ResourceCost } from './estimate.ts';
import { withoutStack } from './resource-pairs.ts';
import type { Context, Side } from './side.ts';

export interface CostComparison {
  readonly changes: readonly CostChange[];
  readonly monthly: Change['monthly'];
}

/** What of the bill changes, by resource, each side by its own release's price list. */
export function compareCosts(base: Side | undefined, head: Side, context: Context): CostComparison {
  const [before, after] = [estimateOf(base, context), estimateOf(head, context)];
  if (after === undefined) return { changes: [], monthly: { base: null, head: null } };
  // Against a sum that is not known everything would read as added.
  if (base !== undefined && before === undefined) return { changes: [], monthly: { base: null, head: after.monthly } };
  const [from, to] = [costsByUrn(before), costsByUrn(after)];
  const urns = [...new Set([...from.keys(), ...to.keys()])].sort();
  return {
    changes: urns.flatMap((urn) => diffCost(from.get(urn), to.get(urn))),
    monthly: { base: before?.monthly ?? null, head: after.monthly },
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

function costsByUrn(made: Estimate | undefined): ReadonlyMap<string, ResourceCost> {
  return new Map((made?.costs ?? []).map((cost) => [cost.resource.urn, cost]));
}

function diffCost(from: ResourceCost | undefined, to: ResourceCost | undefined): CostChange[] {
  const resource = to?.resource ?? from?.resource;
  const monthly = { before: usdOf(from?.usd), after: usdOf(to?.usd) };
  const most = { before: usdOf(from?.mostUsd), after: usdOf(to?.mostUsd) };
  const same = monthly.before === monthly.after && most.before === most.after;
  if (resource === undefined || same) return [];
  const { urn, type, name } = resource;
  return [{ urn, type, name, monthly, most, estimate: from?.estimate === true || to?.estimate === true }];
}

function usdOf(usd: number | undefined): number | null {
  return usd === undefined ? null : roundUsd(usd);
}
