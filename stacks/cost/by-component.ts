import type { GraphResource } from '../render/graph.ts';
import { roundUsd, type Estimate, type MeteredResource, type ResourceCost, type UnpricedResource } from './estimate.ts';

/** What one part of an environment costs: a component that hangs off the stack, with everything below it. */
export interface ComponentCost {
  /** Logical name, for example `network`. */
  readonly component: string;
  /** For example `orrery:network:Vpc`. */
  readonly type: string;
  /** USD a month at the least size, and at the most that it may grow to. */
  readonly usd: number;
  readonly mostUsd: number;
  /** Part of `usd` that rests on estimated prices. */
  readonly estimatedUsd: number;
  /** What is billed, the dearest first. */
  readonly drivers: readonly ResourceCost[];
  readonly metered: readonly MeteredResource[];
  readonly unpriced: readonly UnpricedResource[];
}

/** An estimate by component, the dearest first. Components that cost nothing are left out. Pure. */
export function costByComponent(graph: readonly GraphResource[], estimate: Estimate): ComponentCost[] {
  const byUrn = new Map(graph.map((resource) => [resource.urn, resource]));
  const ownerOf = (resource: GraphResource) => topOf(resource, byUrn);
  const owners = new Map<string, GraphResource>();
  for (const { resource } of [...estimate.costs, ...estimate.unpriced, ...estimate.metered]) {
    const owner = ownerOf(resource);
    owners.set(owner.urn, owner);
  }
  return [...owners.values()]
    .map((owner): ComponentCost => {
      const isOwn = ({ resource }: { readonly resource: GraphResource }) => ownerOf(resource).urn === owner.urn;
      const drivers = estimate.costs.filter(isOwn).toSorted((left, right) => right.usd - left.usd);
      const total = (read: (cost: ResourceCost) => number) =>
        roundUsd(drivers.reduce((sum, one) => sum + read(one), 0));
      return {
        component: owner.name,
        type: owner.type,
        usd: total(({ usd }) => usd),
        mostUsd: total(({ mostUsd }) => mostUsd),
        estimatedUsd: total(({ estimatedUsd }) => estimatedUsd),
        drivers,
        metered: estimate.metered.filter(isOwn),
        unpriced: estimate.unpriced.filter(isOwn),
      };
    })
    .toSorted((left, right) => right.usd - left.usd || (left.component < right.component ? -1 : 1));
}

/** The ancestor that hangs off the stack. */
function topOf(resource: GraphResource, byUrn: ReadonlyMap<string, GraphResource>): GraphResource {
  const parent = resource.parent === null ? undefined : byUrn.get(resource.parent);
  if (parent === undefined || parent.type === 'pulumi:pulumi:Stack') return resource;
  return topOf(parent, byUrn);
}
