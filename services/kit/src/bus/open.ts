import type { Log } from '../log.ts';
import type { KafkaBusSettings } from './kafka.ts';
import type { RedisBusSettings } from './redis-streams.ts';
import type { EventBus } from './types.ts';

/** Which bus, from a service's configuration. */
export type BusConfig =
  | ({ readonly driver: 'redis'; readonly url: string; readonly password: string } & RedisBusSettings)
  | ({ readonly driver: 'kafka' } & Omit<KafkaBusSettings, 'clientId' | 'log'>);

export interface BusDeps {
  /** The name under which the broker sees this client: the service's. */
  readonly name: string;
  readonly log?: Log;
}

/**
 * Opens the configured bus, which owns its connections until `close`. Only the chosen driver is loaded. A Redis whose policy
 * would evict events is refused with `REDIS_POLICY_WRONG`.
 */
export async function openBus(config: BusConfig, deps: BusDeps): Promise<EventBus> {
  return config.driver === 'redis' ? openRedisBus(config, deps) : openKafkaBus(config, deps);
}

async function openRedisBus(config: Extract<BusConfig, { driver: 'redis' }>, deps: BusDeps): Promise<EventBus> {
  const [{ RedisStreamsBus }, { assertPolicy, openRedis }] = await Promise.all([
    import('./redis-streams.ts'),
    import('../redis.ts'),
  ]);
  const { driver: _driver, url, password, ...settings } = config;
  const client = openRedis({ url, password, name: deps.name });
  client.on('error', (error) => deps.log?.warn({ err: error }, 'the connection to the bus failed'));
  try {
    await assertPolicy(client, 'noeviction');
  } catch (error) {
    client.disconnect();
    throw error;
  }
  return new RedisStreamsBus(client, settings);
}

async function openKafkaBus(config: Extract<BusConfig, { driver: 'kafka' }>, deps: BusDeps): Promise<EventBus> {
  const { KafkaBus } = await import('./kafka.ts');
  const { driver: _driver, ...settings } = config;
  return new KafkaBus({ ...settings, clientId: deps.name, ...(deps.log === undefined ? {} : { log: deps.log }) });
}
