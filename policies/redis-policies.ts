import { isRecord, valuesAt, type Graph, type LocatedValue, type Resource } from './graph.ts';
import { isRedisStore, roleOfStore, type RedisRole } from './redis-store.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const evictionOfRole: Readonly<Record<RedisRole, string>> = { state: 'noeviction', cache: 'volatile-lru' };
const parameterGroupType = 'aws:elasticache/parameterGroup:ParameterGroup';

export const redisPolicies: Rule = {
  name: 'redis-policies',
  why: 'a store of state that evicts loses queued work and leases; a cache that does not refuses every write once it is full',
  remedy: 'state and cache are two stores, each with a parameter group: noeviction for state, volatile-lru for cache',
  scope: 'graph',
  check: (graph) => graph.resources.filter(isRedisStore).flatMap((store) => checkStore(graph, store)),
};

function checkStore(graph: Graph, store: Resource): Violation[] {
  const role = roleOfStore(store);
  if (role === undefined) {
    const parent = { property: 'parent', value: store.parent };
    return [violationAt(store, parent, 'no component by whose name it is state or cache')];
  }
  const reference = { property: 'parameterGroupName', value: store.inputs['parameterGroupName'] };
  const group = groupReferredTo(graph, reference.value);
  if (group === undefined) return [violationAt(store, reference, 'names no parameter group of this graph')];
  const eviction = evictionOf(group);
  const demanded = evictionOfRole[role];
  if (eviction.value === demanded) return [];
  const problem = `${role} needs maxmemory-policy ${demanded}`;
  // Another store's group is right for that store: then the reference is at fault, not the group.
  return [
    group.parent === store.parent ? violationAt(group, eviction, problem) : violationAt(store, reference, problem),
  ];
}

/** The longest name that the reference holds, so that `redis-state` is not taken for `redis`. */
function groupReferredTo({ resources }: Graph, reference: unknown): Resource | undefined {
  if (typeof reference !== 'string') return undefined;
  return resources
    .filter(({ type, name }) => type === parameterGroupType && reference.includes(name))
    .sort((left, right) => right.name.length - left.name.length)[0];
}

function evictionOf({ inputs }: Resource): LocatedValue {
  for (const { property, value } of valuesAt(inputs, 'parameters[]')) {
    if (isRecord(value) && value['name'] === 'maxmemory-policy') {
      return { property: `${property}.value`, value: value['value'] };
    }
  }
  return { property: 'parameters', value: inputs['parameters'] };
}
