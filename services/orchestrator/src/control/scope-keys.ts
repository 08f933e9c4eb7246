import { keys } from '../keys.ts';

/** Keys that only explanations read, beside those of `keys`. */
export const scopeKeys = {
  /** Pools in which a tenant waits aside: it is paused, or holds as many leases as it may. */
  aside: (shard: string, tenant: string) => `${keys.prefix(shard)}aside:${tenant}`,
  /** Tenant -> when its next retry may begin. */
  budget: (shard: string) => `${keys.prefix(shard)}budget`,
  /** Whoever takes from a pool -> the time until which it is known to be there. */
  consumers: (shard: string, pool: string) => `${keys.prefix(shard)}consumers:${pool}`,
  parked: (shard: string, scope: string) => `${keys.prefix(shard)}park:${scope}`,
};
