import type { Input, Output, Resource } from '@pulumi/pulumi';
import type { Digest } from '@orrery/contracts/digest';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import type { Need, ServiceManifest } from '@orrery/contracts/service-manifest';
import type { Gateway } from '#infra/platform/gateway.ts';
import type { DataStore, ServiceNetwork } from '#infra/planning/service/service-network.ts';
import type { Replicas } from '#infra/planning/service/scaling.ts';
import { servicePort } from '#infra/planning/service/workload.ts';
import type { SignalSources } from '#infra/service/autoscaler.ts';
import { ReleaseMap } from '#infra/service/release-map.ts';
import { Service, type ServiceArgs } from '#infra/service/service.ts';
import type { ServiceVolume } from '#infra/service/volume.ts';
import { CommandError } from '../errors.ts';
import type { ServiceSettings } from '../settings/services.ts';
import type { ClusterLayer, DataLayer, KubernetesLayer, NamespaceLayer } from './layers.ts';
import { namespaceName } from './namespace.ts';
import { configureService, needsState, type Surroundings } from './service-configuration.ts';

export type DeployedService = keyof ServiceSettings['services'] | 'clickhouse';

export interface ServicesRequest {
  readonly environment: string;
  readonly release: Pick<Release, 'services' | 'live'>;
  readonly releaseDigest: string;
  readonly settings: ServiceSettings;
  readonly cluster: KubernetesLayer | ClusterLayer;
  readonly namespace: NamespaceLayer;
  readonly data: DataLayer;
  /** Where ClickHouse is the service of that name, embedded: the size of its volume. Absent where a server runs elsewhere. */
  readonly embeddedClickHouse?: { readonly volumeGiB: number } | undefined;
  /** Where requests from outside enter. Absent: services are reached from inside alone. */
  readonly gateway?: Gateway;
  /** Who reads the services' metrics. Absent: nobody. */
  readonly metrics?: { readonly namespaceName: Input<string>; readonly url: Input<string> };
  /** Range in which managed stores lie. Absent: all of them are pods of the namespace. */
  readonly dataCidr?: string;
  /** Of the volumes of services that own a folder. Absent: the cluster's own. */
  readonly storageClassName?: Input<string>;
  /** Topic -> partitions. */
  readonly partitions?: Readonly<Record<string, number>>;
}

export type ReleasedServices = readonly (readonly [DeployedService, ReleasedService])[];

type Asked = Pick<ServicesRequest, 'release' | 'releaseDigest' | 'embeddedClickHouse'>;

/** Throws `SERVICE_NOT_RELEASED` for a release that lacks one of the services: asked before anything is made. */
export function releasedServices(request: Asked): ReleasedServices {
  const always = ['orchestrator', 'scoring', 'features', 'ingest', 'registry'] as const;
  const names = [...always, ...(request.embeddedClickHouse === undefined ? [] : (['clickhouse'] as const))];
  return names.map((name) => [name, releasedService(request, name)] as const);
}

/** The hosts of those that people reach from outside: each is named after its service. */
export function publicHosts(services: ReleasedServices): string[] {
  return services.filter(([, { manifest }]) => manifest.public === true).map(([name]) => name);
}

/** Where a service is reached from inside, whether or not it stands already. */
export function serviceUrl(name: DeployedService): string {
  return `http://${name}.${namespaceName}.svc:${servicePort}`;
}

/** Every service of the release, those that own a folder first; where each is reached. */
export function createServices(
  services: ReleasedServices,
  request: ServicesRequest,
): Readonly<Record<string, Output<string>>> {
  const { cluster, namespace, data, releaseDigest: release } = request;
  const { providers } = cluster;
  const map = new ReleaseMap('release', { namespace: namespace.namespaceName, release }, { providers });
  const running = new Map(services.map(([name, { manifest }]) => [name as string, manifest]));
  const around: Around = { request, running, surroundings: surroundingsOf(request, running), mapName: map.mapName };
  const make = (owning: boolean, after: readonly Resource[]) =>
    services
      .filter(([, { manifest }]) => manifest.stateful === owning)
      .map(([name, service]) => {
        return [name, new Service(name, argsOf(name, service, { ...around, after }), { providers })] as const;
      });
  const first = make(true, [...data.ready, ...cluster.ready, map]);
  const rest = make(false, [...data.ready, ...cluster.ready, map, ...first.map(([, service]) => service)]);
  return Object.fromEntries([...first, ...rest].map(([name, { url }]) => [name, url]));
}

interface Around {
  readonly request: ServicesRequest;
  /** Every service of the environment by name. */
  readonly running: ReadonlyMap<string, ServiceManifest>;
  readonly surroundings: Surroundings;
  readonly mapName: string;
}

function surroundingsOf(request: ServicesRequest, running: ReadonlyMap<string, unknown>): Surroundings {
  const { environment, release, data } = request;
  const { redis, clickhouse, store } = data;
  const kafka = kafkaOf(request);
  return {
    environment,
    live: release.live,
    redis: { state: redis.state.url, cache: redis.cache.url },
    clickhouse,
    store: store.kind === 'bucket' ? { bucket: store.bucketName, region: store.region } : 'volume',
    bus: kafka === undefined ? 'redis' : { ...kafka, ownAuthority: kafka.certificateSecretName !== undefined },
    peers: Object.fromEntries([...running.keys()].map((name) => [name, serviceUrl(name as DeployedService)])),
  };
}

function argsOf(
  name: DeployedService,
  { manifest, own, closure, image }: ReleasedService,
  around: Around & { readonly after: readonly Resource[] },
): ServiceArgs {
  const { request, surroundings, mapName, after } = around;
  const { settings, cluster, namespace, gateway, releaseDigest, partitions } = request;
  const needs = new Set(manifest.needs);
  return {
    namespace: namespace.namespaceName,
    manifest,
    version: { release: releaseDigest, own, closure },
    image: imageOf(settings.registry, name, image.digest),
    config: configureService({ manifest, version: { own, closure } }, surroundings),
    tokenSecretName: namespace.token.secretName,
    releaseMapName: mapName,
    nodePools: 'clusterName' in cluster,
    network: networkOf(manifest, around),
    signals: signalsOf(request),
    ...sizeOf(name, request),
    ...storeOf(needs, request),
    ...brokersOf(needs, request),
    ...(gateway === undefined ? {} : { gateway }),
    ...(partitions === undefined ? {} : { partitions }),
    after,
  };
}

/** A service that owns a folder is one, on a volume; the others are as many as the settings say. */
function sizeOf(
  name: DeployedService,
  { settings, embeddedClickHouse, storageClassName }: ServicesRequest,
): { readonly replicas: Replicas; readonly volume?: ServiceVolume } {
  const size = name === 'clickhouse' ? embeddedClickHouse : settings.services[name];
  if (size !== undefined && 'min' in size) return { replicas: size };
  const kind = storageClassName === undefined ? {} : { storageClassName };
  return { replicas: { min: 1, max: 1 }, ...(size === undefined ? {} : { volume: { ...size, ...kind } }) };
}

/** The way to the store: a role in AWS, or the volume on which it lies. */
function storeOf(needs: ReadonlySet<Need>, { data: { store }, cluster }: ServicesRequest): Partial<ServiceArgs> {
  if (!needs.has('store')) return {};
  if (store.kind === 'volume') return { storeClaimName: store.claimName };
  return 'clusterName' in cluster ? { clusterName: cluster.clusterName, policy: store.policy } : {};
}

function brokersOf(needs: ReadonlySet<Need>, request: ServicesRequest): Partial<ServiceArgs> {
  const kafka = kafkaOf(request);
  if (kafka === undefined || !needs.has('bus')) return {};
  const { password, certificateSecretName } = kafka;
  return { brokers: { password, ...(certificateSecretName === undefined ? {} : { certificateSecretName }) } };
}

/** Who calls a service, and whom it calls, of those that the environment runs. */
function networkOf(manifest: ServiceManifest, { request, running }: Around): ServiceNetwork {
  const { dataCidr, metrics, settings } = request;
  const embedded = running.has('clickhouse');
  const peersOf = ({ peers, needs = [] }: ServiceManifest) =>
    [...new Set([...peers, ...(needs.includes('clickhouse') ? ['clickhouse'] : [])])].filter((peer) =>
      running.has(peer),
    );
  const others = [...running.values()].filter((other) => other.name !== manifest.name);
  const needs = new Set(manifest.needs);
  const redis = needsState(needs, settings.bus) || needs.has('redis-cache');
  const stores: (readonly [DataStore, boolean])[] = [
    ['redis', redis],
    ['clickhouse', needs.has('clickhouse') && !embedded],
    ['kafka', needs.has('bus') && settings.bus === 'kafka'],
  ];
  return {
    callers: others
      .filter((other) => peersOf(other).includes(manifest.name))
      .map(({ name }) => name)
      .sort(),
    peers: peersOf(manifest).sort(),
    stores: stores.filter(([, needed]) => needed).map(([store]) => store),
    ...(dataCidr === undefined ? {} : { dataCidr }),
    ...(metrics === undefined ? {} : { prometheusNamespace: metrics.namespaceName }),
  };
}

function signalsOf(request: ServicesRequest): SignalSources {
  const { data, metrics } = request;
  const kafka = kafkaOf(request);
  return {
    redisUrl: data.redis.state.url,
    ...(kafka === undefined ? {} : { kafka: { ...kafka, tls: true } }),
    ...(metrics === undefined ? {} : { prometheusUrl: metrics.url }),
  };
}

/** The brokers, where events travel by them. */
function kafkaOf({ settings, data }: ServicesRequest): DataLayer['kafka'] {
  if (settings.bus === 'redis') return undefined;
  if (data.kafka !== undefined) return data.kafka;
  throw new CommandError({
    code: 'BUS_ABSENT',
    message: 'bus is kafka, and this environment has no brokers',
    hint: 'say bus: redis, or give the environment a Kafka',
  });
}

/** The image that the release was made with: whoever pulls it gets these bytes or nothing. */
function imageOf(registry: string, name: string, digest: Digest): string {
  return `${registry}/${name}@${digest}`;
}

function releasedService({ release, releaseDigest }: Asked, name: DeployedService): ReleasedService {
  const service = release.services[name];
  if (service !== undefined) return service;
  throw new CommandError({
    code: 'SERVICE_NOT_RELEASED',
    message: `release ${releaseDigest} has no service "${name}", only ${Object.keys(release.services).join(', ')}`,
    hint: 'pin a release that has it: npx orrery release list',
  });
}
