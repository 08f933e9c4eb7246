import type { Resource } from './graph.ts';

/** `state` is truth and refuses writes when it is full; `cache` can be computed again and is evicted. */
export type RedisRole = 'state' | 'cache';

const roles: readonly RedisRole[] = ['state', 'cache'];
const types: readonly string[] = [
  'aws:elasticache/cluster:Cluster',
  'aws:elasticache/replicationGroup:ReplicationGroup',
  'aws:elasticache/serverlessCache:ServerlessCache',
];

export function isRedisStore({ type }: Resource): boolean {
  return types.includes(type);
}

/** What a store is for, by a word of its component's name (`redis-state`); undefined when that says neither or both. */
export function roleOfStore({ name, parent }: Resource): RedisRole | undefined {
  const words = (parent ?? name).split('-');
  const [role, ...others] = roles.filter((word) => words.includes(word));
  return others.length === 0 ? role : undefined;
}
