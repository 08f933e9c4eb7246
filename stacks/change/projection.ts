import type { Graph, Resource } from '#policies/graph.ts';
import { isStateful as holdsData } from '#policies/stateful-is-protected.ts';
import type { GraphResource } from '../render/graph.ts';
import { nameOfUrn } from '../render/symbols.ts';
import { isSecret } from './references.ts';

/** A rendered resource as the policies see one: references are texts already, a secret becomes an opaque one. */
export function projectResource({ type, name, parent, inputs, options, expandedBy }: GraphResource): Resource {
  const { provider, providers } = options;
  const passed = [provider, ...Object.values((providers ?? {}) as Record<string, unknown>)];
  return {
    type,
    name,
    parent: parent === null ? undefined : nameOfUrn(parent),
    inputs: conceal(inputs) as Readonly<Record<string, unknown>>,
    protect: options['protect'] === true,
    retainOnDelete: options['retainOnDelete'] === true,
    providers: passed.filter((one) => typeof one === 'string').map(nameOfUrn),
    expanded: expandedBy !== undefined,
  };
}

/** A render as the policies see one: components make nothing by themselves. */
export function projectGraph(graph: readonly GraphResource[]): Graph {
  return { resources: graph.filter(({ custom }) => custom).map(projectResource) };
}

export function isStateful(resource: GraphResource): boolean {
  return holdsData(projectResource(resource));
}

function conceal(value: unknown): unknown {
  if (isSecret(value)) return 'secret';
  if (Array.isArray(value)) return value.map(conceal);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, conceal(inner)]));
}
