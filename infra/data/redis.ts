import type { ComponentResourceOptions, Output } from '@pulumi/pulumi';
import { RedisSet, type RedisSetArgs } from './redis-set.ts';
import { Valkey, type ValkeyArgs } from './valkey.ts';

export type { RedisRole } from '../planning/data/redis.ts';

/** A Redis, whoever runs it. */
export interface Redis {
  /** `rediss://host:port` or `redis://host:port`, without the password. */
  readonly url: Output<string>;
  /** Its servers by the names that CloudWatch counts by; absent where AWS does not run it. */
  readonly memberIds?: readonly Output<string>[];
}

export type RedisArgs =
  ({ readonly kind: 'elasticache' } & ValkeyArgs) | ({ readonly kind: 'statefulset' } & RedisSetArgs);

/** One Redis for one role: managed by AWS, or in a pod of this cluster. What clients are told is the same. */
export function createRedis(name: string, args: RedisArgs, options: ComponentResourceOptions): Redis {
  if (args.kind === 'elasticache') {
    const { kind: _, ...managed } = args;
    return new Valkey(name, managed, options);
  }
  const { kind: _, ...set } = args;
  return new RedisSet(name, set, options);
}
