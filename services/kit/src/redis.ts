import { Redis } from 'ioredis';
import { OrreryError } from './errors.ts';

export type { Redis } from 'ioredis';

export interface RedisOptions {
  readonly url: string;
  readonly password: string;
  readonly name: string;
}

const reconnectMaxMs = 2000;
const commandTimeoutMs = 15_000;

/** A client that reconnects for ever and gives each command a deadline. Connects at the first command. */
export function openRedis(options: RedisOptions): Redis {
  return new Redis(options.url, {
    password: options.password,
    connectionName: options.name,
    lazyConnect: true,
    maxRetriesPerRequest: 10,
    commandTimeout: commandTimeoutMs,
    retryStrategy: (times) => Math.min(50 * times, reconnectMaxMs),
  });
}

/**
 * Refuses a Redis whose eviction policy would lose what is kept there: truth needs `noeviction`, a cache `volatile-lru`.
 * Throws `REDIS_POLICY_WRONG`.
 */
export async function assertPolicy(redis: Redis, policy: 'noeviction' | 'volatile-lru'): Promise<void> {
  // INFO, since managed services refuse CONFIG.
  const found = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1] ?? 'unknown';
  if (found === policy) return;
  throw new OrreryError({
    code: 'REDIS_POLICY_WRONG',
    message: `this Redis has maxmemory-policy ${found}, this service needs ${policy}`,
    hint: `set maxmemory-policy ${policy}, or name the other Redis in the binding`,
  });
}
