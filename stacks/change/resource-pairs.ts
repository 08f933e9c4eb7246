import type { GraphResource } from '../render/graph.ts';

/** A resource of one side and the same one of the other; one of them is missing where it is created or deleted. */
export interface ResourcePair {
  readonly base?: GraphResource;
  readonly head?: GraphResource;
  /** URN under which an alias found it. */
  readonly movedFrom?: string;
}

interface Alias {
  readonly name?: string;
  readonly type?: string;
  readonly parent?: string;
  readonly noParent?: boolean;
}

const stackType = 'pulumi:pulumi:Stack';
const anyStack = '*';
const anyRoot = `urn:pulumi:${anyStack}::${stackType}`;

/** The same graph without the name of its stack, so that two environments can be compared. */
export function withoutStack(graph: readonly GraphResource[]): GraphResource[] {
  const stack = graph[0]?.urn.split(':')[2] ?? anyStack;
  const root = graph.find(({ type }) => type === stackType)?.urn;
  const text = JSON.stringify(graph);
  const rooted = root === undefined ? text : text.replaceAll(JSON.stringify(root), JSON.stringify(anyRoot));
  return JSON.parse(rooted.replaceAll(`urn:pulumi:${stack}::`, `urn:pulumi:${anyStack}::`)) as GraphResource[];
}

/** What `withoutStack` took out of a value, put back as the graph has it. */
export function withStack<Value>(value: Value, graph: readonly GraphResource[]): Value {
  const stack = graph[0]?.urn.split(':')[2] ?? anyStack;
  const root = graph.find(({ type }) => type === stackType)?.urn ?? anyRoot;
  const text = JSON.stringify(value).replaceAll(JSON.stringify(anyRoot), JSON.stringify(root));
  return JSON.parse(text.replaceAll(`urn:pulumi:${anyStack}::`, `urn:pulumi:${stack}::`)) as Value;
}

/**
 * Finds for every resource the one of the other side that the engine takes for the same: by URN, then by alias, its own and what
 * follows from its parent's. In the order of the later graph, then what is left of the earlier one.
 */
export function pairResources(base: readonly GraphResource[], head: readonly GraphResource[]): ResourcePair[] {
  const left = new Map(base.map((resource) => [identityOf(resource), resource]));
  const paired = new Map<string, ResourcePair>();
  for (const resource of head) {
    const same = take(left, identityOf(resource));
    if (same !== undefined) paired.set(resource.urn, { base: same, head: resource });
  }
  const before = new Map(head.map((resource) => [resource.urn, new Set([resource.urn])]));
  for (const resource of head.toSorted(byDepth)) {
    const urns = formerUrns(resource, before);
    before.set(resource.urn, new Set([resource.urn, ...urns]));
    if (paired.has(resource.urn)) continue;
    const from = urns.find((urn) => left.has(urn));
    const moved = from === undefined ? undefined : take(left, from);
    if (moved !== undefined) paired.set(resource.urn, { base: moved, head: resource, movedFrom: moved.urn });
  }
  const pairs = head.map((resource) => paired.get(resource.urn) ?? { head: resource });
  return [...pairs, ...[...left.values()].map((resource) => ({ base: resource }))];
}

/** There is one stack; its name is its environment's. */
function identityOf({ type, urn }: GraphResource): string {
  return type === stackType ? stackType : urn;
}

function take(from: Map<string, GraphResource>, key: string): GraphResource | undefined {
  const found = from.get(key);
  from.delete(key);
  return found;
}

function byDepth(left: GraphResource, right: GraphResource): number {
  return depthOf(left.urn) - depthOf(right.urn);
}

function depthOf(urn: string): number {
  return urn.split('$').length;
}

/** Where a resource may have been before: by its own aliases, and under each former URN of its parent. */
function formerUrns(resource: GraphResource, before: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const { options, name, type, parent } = resource;
  const parents = parent === null ? [] : [...(before.get(parent) ?? [parent])];
  const own = (Array.isArray(options['aliases']) ? options['aliases'] : []) as readonly (string | Alias)[];
  const listed = own.flatMap((alias) => {
    if (typeof alias === 'string') return [alias];
    const given = alias.noParent === true ? [null] : alias.parent === undefined ? [...parents, null] : [alias.parent];
    const former = { type: alias.type ?? type, name: alias.name ?? name };
    return given.map((one) => urnOf(resource.urn, one, former));
  });
  const inherited = parents
    .filter((one) => one !== parent)
    .map((one) => urnOf(resource.urn, one, { type, name: inheritedName(name, parent ?? '', one) }));
  return [...listed, ...inherited].filter((urn) => urn !== resource.urn);
}

/** A child that is named after its parent was named after the parent's former name. */
function inheritedName(name: string, parent: string, former: string): string {
  const [now, then] = [parent, former].map((urn) => urn.split('::').slice(3).join('::'));
  return now !== undefined && then !== undefined && name.startsWith(now) ? `${then}${name.slice(now.length)}` : name;
}

function urnOf(like: string, parent: string | null, { type, name }: { type: string; name: string }): string {
  const [head = '', project = ''] = like.split('::');
  const chain = parent === null ? '' : (parent.split('::')[2] ?? '');
  const types = chain === '' || chain === stackType ? type : `${chain}$${type}`;
  return `${head}::${project}::${types}::${name}`;
}
