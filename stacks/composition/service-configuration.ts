import { all, type Input, type Output } from '@pulumi/pulumi';
import type { Need } from '@orrery/contracts/service-manifest';

/** Where the things that services need lie in this environment. */
export interface Surroundings {
  readonly environment: string;
  readonly release: string;
  /** Model -> digest of the live pair: part of the release. */
  readonly live: Readonly<Record<string, string>>;
  readonly redis: { readonly state: Input<string>; readonly cache: Input<string> };
  readonly clickhouse: { readonly url: Input<string>; readonly database: string };
  readonly store: { readonly bucket: Input<string>; readonly region: string };
  /** Service -> address, for the peers that this environment runs. */
  readonly peers: Readonly<Record<string, Input<string>>>;
}

export interface ConfiguredService {
  readonly name: string;
  readonly version: { readonly own: string; readonly closure: string };
  readonly needs: readonly Need[];
  readonly peers: readonly string[];
  readonly port: number;
  readonly tokenFile: string;
}

/**
 * What a service reads from `--config`: the kit's Platform, cut to what its manifest needs. Secrets come as a file, so nothing in
 * it is one. The store is a bucket here and a folder locally.
 */
export function configureService(service: ConfiguredService, around: Surroundings): Output<Record<string, unknown>> {
  const needs = new Set(service.needs);
  const peers = Object.fromEntries(Object.entries(around.peers).filter(([name]) => service.peers.includes(name)));
  return all([around.redis, around.clickhouse, around.store, all(peers)]).apply(
    ([redis, clickhouse, store, addresses]): Record<string, unknown> => ({
      service: service.name,
      environment: around.environment,
      release: around.release,
      version: service.version,
      host: '0.0.0.0',
      port: service.port,
      tokenFile: service.tokenFile,
      ...redisOf(needs, redis),
      ...(needs.has('clickhouse') ? { clickhouse } : {}),
      ...(needs.has('store') ? { store } : {}),
      ...(needs.has('bus') ? { bus: { driver: 'redis' } } : {}),
      ...(needs.has('live-pairs') ? { live: around.live } : {}),
      peers: addresses,
    }),
  );
}

/** Redis Streams carry the bus here, so whoever needs the bus is told the state Redis. */
function redisOf(needs: ReadonlySet<Need>, redis: { state: string; cache: string }): Record<string, unknown> {
  const state = needs.has('redis-state') || needs.has('bus') ? { state: redis.state } : {};
  const cache = needs.has('redis-cache') ? { cache: redis.cache } : {};
  const both = { ...state, ...cache };
  return Object.keys(both).length > 0 ? { redis: both } : {};
}
