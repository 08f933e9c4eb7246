import type { Output } from '@pulumi/pulumi';

/** `state` is truth and refuses writes when it is full; `cache` is recomputable and forgets the least used. Never one for both. */
export type RedisRole = 'state' | 'cache';

/** A Redis, whoever runs it. */
export interface Redis {
  /** `rediss://host:port` or `redis://host:port`, without the password. */
  readonly url: Output<string>;
}
