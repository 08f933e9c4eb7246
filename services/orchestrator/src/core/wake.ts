import type { Log } from '@orrery/kit/log';
import type { Redis } from '@orrery/kit/redis';
import { keys } from './keys.ts';

/** What the functions say when a call leaves work for later calls; otherwise they name a pool. */
export const todoWord = 'todo';

export interface WakeOptions {
  readonly redis: Redis;
  readonly shards: readonly string[];
  readonly log: Log;
  readonly onWake: (shard: string, pool: string) => void;
}

/**
 * Hears which pools have work again. Only a hint, so that nobody has to poll often: one that is lost costs a poll interval.
 */
export function listenForWork({ redis, shards, log, onWake }: WakeOptions): { stop(): void } {
  const subscriber = redis.duplicate();
  const shardOf = new Map(shards.map((shard) => [keys.wake(shard), shard]));
  subscriber.on('error', (error) => log.warn({ reason: error.message }, 'the connection for wake-ups failed'));
  subscriber.on('message', (channel: string, pool: string) => {
    const shard = shardOf.get(channel);
    if (shard !== undefined) onWake(shard, pool);
  });
  // It subscribes again by itself when the connection comes back.
  subscriber.subscribe(...shardOf.keys()).catch((error: unknown) => {
    log.warn({ reason: String(error) }, 'wake-ups are not heard: work is found by polling');
  });
  return { stop: () => subscriber.disconnect() };
}
