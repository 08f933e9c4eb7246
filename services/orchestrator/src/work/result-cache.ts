import type { Redis } from '@orrery/kit/redis';
import type { ProcessResult, ResultCache } from '../executors/process.ts';
import { keys, shardOfTenant } from '../core/keys.ts';

/** Results by the digest of what they were computed from; a tenant is never offered another's. */
export function createResultCache(
  redis: Redis,
  options: { readonly shards: readonly string[]; readonly keptMs: number },
): ResultCache {
  const keyOf = (tenant: string, inputs: string) => keys.reuse(shardOfTenant(tenant, options.shards), tenant, inputs);
  return {
    async get(tenant, inputs) {
      const text = await redis.get(keyOf(tenant, inputs));
      return text === null ? undefined : (JSON.parse(text) as Omit<ProcessResult, 'reused'>);
    },
    async set(tenant, inputs, result) {
      await redis.set(keyOf(tenant, inputs), JSON.stringify(result), 'PX', options.keptMs);
    },
  };
}
