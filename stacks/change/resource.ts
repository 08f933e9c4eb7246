import { isDeepStrictEqual } from 'node:util';
import type { GraphResource } from '../render/graph.ts';
import type { Follow, PropertyChange, ResourceChange, ResourceOperation } from './change.ts';
import { followReplacements } from './follows.ts';
import { isStateful } from './projection.ts';
import { effectOf, isKnownType } from './replacement.ts';
import { pairResources, withoutStack, withStack, type ResourcePair } from './resource-pairs.ts';
import { diffValues, type ValueChange } from './values.ts';

type Graph = readonly GraphResource[];

/**
 * What an engine would do to the resources of the base to make them those of the head, as far as that is known without a cloud:
 * desired against desired. Pure, sorted by URN.
 */
export function compareResources(base: Graph, head: Graph): ResourceChange[] {
  const [earlier, later] = [withoutStack(base), withoutStack(head)];
  const pairs = pairResources(earlier, later);
  const changes = pairs.flatMap(compareOne);
  const replaced = changes.filter(({ operation }) => operation === 'replace').map(({ urn }) => urn);
  const created = new Set(changes.filter(({ operation }) => operation === 'create').map(({ urn }) => urn));
  const follows = followReplacements(later, replaced);
  const known = new Map(changes.map((change) => [change.urn, change]));
  const following = pairs.flatMap((pair) => {
    const urn = pair.head?.urn ?? '';
    const [followed, change] = [follows.get(urn), known.get(urn)];
    if (followed === undefined || created.has(urn) || change?.operation === 'replace') return [];
    return followOne(pair, followed, change);
  });
  const extended = new Set(following.map(({ urn }) => urn));
  const all = [...changes.filter(({ urn }) => !extended.has(urn)), ...following];
  return markExpanded(findRenames(all, earlier, later), later)
    .map((change) => withStack(change, change.operation === 'delete' ? base : head))
    .sort((left, right) => (left.urn < right.urn ? -1 : 1));
}

function compareOne({ base, head, movedFrom }: ResourcePair): ResourceChange[] {
  if (base === undefined) return head === undefined ? [] : [describe(head, 'create')];
  if (head === undefined)
    return [{ ...describe(base, 'delete'), ...(base.custom ? { fate: fateOfDelete(base) } : {}) }];
  const properties = [...diffValues(base.inputs, head.inputs), ...diffOutputs(base, head)].map((change) =>
    withEffect(head, change),
  );
  const options = diffOptions(base, head).filter(({ path }) => movedFrom === undefined || path !== 'parent');
  const operation = operationOf({ base, head }, properties, options);
  if (operation === undefined) return movedFrom === undefined ? [] : [{ ...describe(head, 'move'), movedFrom }];
  const mayReplace =
    operation === 'update' && head.custom && (!isKnownType(head.type) || properties.some(hasEffect('may replace')));
  return [
    {
      ...describe(head, operation),
      stateful: isStateful(head) || isStateful(base),
      properties,
      options,
      ...(operation === 'replace' ? { fate: fateOfReplacement(base, head), order: orderOf(head) } : {}),
      ...(mayReplace ? { mayReplace } : {}),
      ...(movedFrom === undefined ? {} : { movedFrom }),
    },
  ];
}

function describe(resource: GraphResource, operation: ResourceOperation): ResourceChange {
  const { urn, type, name, custom } = resource;
  return {
    urn,
    type,
    name,
    operation,
    component: !custom,
    stateful: isStateful(resource),
    properties: [],
    options: [],
  };
}

function operationOf(
  { base, head }: Required<Pick<ResourcePair, 'base' | 'head'>>,
  properties: readonly PropertyChange[],
  options: readonly ValueChange[],
): ResourceOperation | undefined {
  const trigger = !isDeepStrictEqual(base.options['replacementTrigger'], head.options['replacementTrigger']);
  if (head.custom && (trigger || properties.some(hasEffect('replace')))) return 'replace';
  if (properties.some(({ effect }) => effect !== 'ignore')) return 'update';
  return properties.length + options.length > 0 ? 'options' : undefined;
}

function withEffect(head: GraphResource, change: ValueChange): PropertyChange {
  const effect = head.custom ? effectOf(head, change) : undefined;
  return effect === undefined ? change : { ...change, effect };
}

function hasEffect(effect: PropertyChange['effect']): (change: PropertyChange) => boolean {
  return (change) => change.effect === effect;
}

/** Only a stack has outputs here: what it exports. */
function diffOutputs(base: GraphResource, head: GraphResource): ValueChange[] {
  return diffValues(base.outputs ?? {}, head.outputs ?? {}, { path: 'outputs', pointer: '/outputs' });
}

/** What the engine is told beside the inputs. The order of things follows from the inputs mostly; alone it is told too. */
function diffOptions(base: GraphResource, head: GraphResource): ValueChange[] {
  const options = diffValues(base.options, head.options);
  const beside = (['dependencies', 'custom', 'parent', 'expandedBy'] as const).flatMap((key) =>
    diffValues(base[key], head[key], { path: key, pointer: `/${key}` }),
  );
  if (options.length + beside.length > 0 || !isDeepStrictEqual(base.inputs, head.inputs))
    return [...options, ...beside];
  return diffValues(base.propertyDependencies, head.propertyDependencies, {
    path: 'propertyDependencies',
    pointer: '/propertyDependencies',
  });
}

/** The engine looks at the protection that its state has. (pulumi pkg/resource/deploy/step_generator.go, deletes.) */
function fateOfDelete({ options }: GraphResource): NonNullable<ResourceChange['fate']> {
  if (options['protect'] === true) return 'refused';
  return options['retainOnDelete'] === true ? 'kept' : 'destroyed';
}

/** Unprotecting and replacing in one update is allowed: both must be protected to be refused. (The same file, replacements.) */
function fateOfReplacement(base: GraphResource, head: GraphResource): NonNullable<ResourceChange['fate']> {
  if (base.options['protect'] === true && head.options['protect'] === true) return 'refused';
  return base.options['retainOnDelete'] === true ? 'kept' : 'destroyed';
}

/** A Kubernetes object of a fixed name can't stand beside the one that it replaces. */
function orderOf({ type, inputs, options }: GraphResource): NonNullable<ResourceChange['order']> {
  if (options['deleteBeforeReplace'] === true) return 'delete first';
  if (options['deleteBeforeReplace'] === false) return 'create first';
  const metadata = inputs['metadata'] as { readonly name?: unknown } | undefined;
  return type.startsWith('kubernetes:') && metadata?.name !== undefined ? 'delete first' : 'create first';
}

function followOne(
  { base, head }: ResourcePair,
  follows: readonly Follow[],
  change: ResourceChange | undefined,
): ResourceChange[] {
  if (base === undefined || head === undefined) return [];
  const sorted = follows.toSorted((left, right) => (`${left.of} ${left.path}` < `${right.of} ${right.path}` ? -1 : 1));
  const replaced = sorted.some(({ effect }) => effect === 'replace');
  return [
    {
      ...(change ?? describe(head, 'follow')),
      follows: sorted,
      ...(replaced ? { fate: fateOfReplacement(base, head), order: orderOf(head) } : {}),
    },
  ];
}

/** A deleted resource and a created one that ask for the same: an alias would have kept the first. */
function findRenames(changes: readonly ResourceChange[], base: Graph, head: Graph): ResourceChange[] {
  const shapes = new Map<string, string>();
  const shapeOf = (resource: GraphResource) =>
    `${resource.type} ${JSON.stringify(resource.inputs).replaceAll(resource.name, '')}`;
  const created = new Set(changes.filter(({ operation }) => operation === 'create').map(({ urn }) => urn));
  const deleted = new Set(changes.filter(({ operation }) => operation === 'delete').map(({ urn }) => urn));
  for (const resource of head) {
    if (created.has(resource.urn) && resource.custom) shapes.set(shapeOf(resource), resource.urn);
  }
  const renames = new Map<string, string>();
  for (const resource of base) {
    const renamedTo = deleted.has(resource.urn) && resource.custom ? shapes.get(shapeOf(resource)) : undefined;
    if (renamedTo !== undefined) renames.set(resource.urn, renamedTo);
  }
  return changes.map((change) => {
    const renamedTo = change.operation === 'delete' ? renames.get(change.urn) : undefined;
    return renamedTo === undefined ? change : { ...change, renamedTo };
  });
}

/** Of a remote component that was expanded its children tell what changes. */
function markExpanded(changes: readonly ResourceChange[], head: Graph): ResourceChange[] {
  const changed = new Set(changes.map(({ urn }) => urn));
  const told = new Set(head.filter(({ urn }) => changed.has(urn)).map(({ expandedBy }) => expandedBy));
  return changes.map((change) =>
    change.component && told.has(change.urn) ? { ...change, toldBy: 'children' } : change,
  );
}

/** Two environments as they are: nothing is going to be replaced, refused or followed. */
export function withoutPlan(changes: readonly ResourceChange[]): ResourceChange[] {
  return changes
    .filter(({ operation }) => operation !== 'follow')
    .map(({ urn, type, name, operation, component, stateful, properties, options, toldBy }) => ({
      urn,
      type,
      name,
      operation: operation === 'replace' ? 'update' : operation,
      component,
      stateful,
      properties: properties.map(withoutEffect),
      options,
      ...(toldBy === undefined ? {} : { toldBy }),
    }));
}

function withoutEffect(property: PropertyChange): ValueChange {
  const { path, pointer } = property;
  return {
    path,
    pointer,
    ...('before' in property ? { before: property.before } : {}),
    ...('after' in property ? { after: property.after } : {}),
  };
}
