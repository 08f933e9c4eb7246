import { all, output, type Input, type Output } from '@pulumi/pulumi';
import type { Need, ServiceManifest } from '@orrery/contracts/service-manifest';
import {
  brokersCertificateFile,
  brokersPasswordFile,
  dataFolder,
  definitionsFolder,
  drainSecondsOf,
  releaseFile,
  servicePort,
  storeFolder,
  tokenFile,
} from '#infra/planning/service/workload.ts';

/** Where the things that services need lie in this environment. */
export interface Surroundings {
  readonly environment: string;
  /** Model -> digest of the live pair: part of the release. */
  readonly live: Readonly<Record<string, string>>;
  readonly redis: { readonly state: Input<string>; readonly cache: Input<string> };
  readonly clickhouse: { readonly url: Input<string>; readonly database: string };
  readonly store: { readonly bucket: Input<string>; readonly region: string } | 'volume';
  readonly bus: 'redis' | KafkaPlace;
  /** Service -> address, for the peers that this environment runs. */
  readonly peers: Readonly<Record<string, Input<string>>>;
}

export interface KafkaPlace {
  /** `host:port,host:port`. */
  readonly brokers: Input<string>;
  readonly username: Input<string>;
  /** Whether those who sign for the brokers are no public authority: their certificate is mounted. */
  readonly ownAuthority: boolean;
}

export interface ConfiguredService {
  readonly manifest: ServiceManifest;
  readonly version: { readonly own: string; readonly closure: string };
}

/**
 * What a service reads from `--config`: the kit's Platform, cut to what its manifest needs. Secrets come as files, so nothing in it is
 * one; so does the release, since it changes without the service.
 */
export function configureService(
  { manifest, version }: ConfiguredService,
  around: Surroundings,
): Output<Record<string, unknown>> {
  const { name, needs = [], definitions, stateful } = manifest;
  const needed = new Set(needs);
  const peers = Object.fromEntries(Object.entries(around.peers).filter(([peer]) => manifest.peers.includes(peer)));
  const redis = redisOf(needed, around);
  return all([redis, around.clickhouse, storeOf(around), busOf(around), all(peers)]).apply(
    ([redis, clickhouse, store, bus, addresses]): Record<string, unknown> => ({
      service: name,
      environment: around.environment,
      releaseFile,
      version,
      host: '0.0.0.0',
      port: servicePort,
      tokenFile,
      ...(definitions.length > 0 ? { definitionsFolder } : {}),
      ...(stateful ? { dataFolder } : {}),
      ...(Object.keys(redis).length > 0 ? { redis } : {}),
      ...(needed.has('clickhouse') ? { clickhouse } : {}),
      ...(needed.has('store') ? { store } : {}),
      ...(needed.has('bus') ? { bus } : {}),
      ...(needed.has('live-pairs') ? { live: around.live } : {}),
      peers: addresses,
      drainMs: drainSecondsOf(manifest) * 1000,
    }),
  );
}

/** Whether the state Redis is among what a service needs: it carries the bus where that is not Kafka. */
export function needsState(needs: ReadonlySet<Need>, bus: 'redis' | 'kafka'): boolean {
  return needs.has('redis-state') || (needs.has('bus') && bus === 'redis');
}

function redisOf(needs: ReadonlySet<Need>, { redis, bus }: Surroundings): Output<Record<string, string>> {
  const { state, cache } = redis;
  return all({
    ...(needsState(needs, bus === 'redis' ? 'redis' : 'kafka') ? { state } : {}),
    ...(needs.has('redis-cache') ? { cache } : {}),
  });
}

function storeOf({ store }: Surroundings): Output<object> {
  return store === 'volume' ? output({ folder: storeFolder }) : output(store);
}

function busOf({ bus }: Surroundings): Output<object> {
  if (bus === 'redis') return output({ driver: 'redis' });
  const tls = bus.ownAuthority ? { caFile: brokersCertificateFile } : {};
  return all([bus.brokers, bus.username]).apply(([brokers, username]) => ({
    driver: 'kafka',
    brokers: brokers.split(','),
    sasl: { mechanism: 'scram-sha-512', username, passwordFile: brokersPasswordFile },
    tls,
  }));
}
