import type { Output } from '@pulumi/pulumi';
import type { Digest } from '@orrery/contracts/digest';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import { servicePort, tokenFile } from '#infra/planning/workload.ts';
import { Service } from '#infra/service/service.ts';
import { CommandError } from '../errors.ts';
import type { ServiceSettings } from '../settings/services.ts';
import type { ClusterLayer, DataLayer, NamespaceLayer } from './layers.ts';
import { namespaceName } from './namespace.ts';
import { configureService, type Surroundings } from './service-configuration.ts';

export type DeployedService = keyof ServiceSettings['services'];

/** The services that this first form deploys; the others run locally only, until the cloud has what they need. */
const deployed: readonly DeployedService[] = ['orchestrator', 'scoring'];

export interface ServicesRequest {
  readonly environment: string;
  readonly release: Pick<Release, 'services' | 'live'>;
  readonly releaseDigest: string;
  readonly settings: ServiceSettings;
  readonly cluster: ClusterLayer;
  readonly namespace: NamespaceLayer;
  readonly data: DataLayer;
}

export type ReleasedServices = readonly (readonly [DeployedService, ReleasedService])[];

/** Throws `SERVICE_NOT_RELEASED` for a release that lacks one of the services: asked before anything is made. */
export function releasedServices(request: Pick<ServicesRequest, 'release' | 'releaseDigest'>): ReleasedServices {
  return deployed.map((name) => [name, releasedService(request, name)] as const);
}

/** Every service of the release; where each is reached. */
export function createServices(
  services: ReleasedServices,
  request: ServicesRequest,
): Readonly<Record<DeployedService, Output<string>>> {
  const around = surroundingsOf(request);
  const urls = services.map(
    ([name, service]) => [name, createService(name, service, { request, around }).url] as const,
  );
  return Object.fromEntries(urls) as Record<DeployedService, Output<string>>;
}

function surroundingsOf({ environment, release, releaseDigest, data }: ServicesRequest): Surroundings {
  const { redis, clickhouse, store } = data;
  return {
    environment,
    release: releaseDigest,
    live: release.live,
    redis: { state: redis.state.url, cache: redis.cache.url },
    clickhouse,
    store: store.kind === 'bucket' ? { bucket: store.bucketName, region: store.region } : { bucket: '', region: '' },
    peers: Object.fromEntries(deployed.map((name) => [name, `http://${name}.${namespaceName}.svc:${servicePort}`])),
  };
}

interface Around {
  readonly request: ServicesRequest;
  readonly around: Surroundings;
}

function createService(name: DeployedService, service: ReleasedService, { request, around }: Around): Service {
  const { settings, cluster, namespace, data } = request;
  const { manifest, own, closure, image } = service;
  const needs = manifest.needs ?? [];
  const config = configureService(
    { name, version: { own, closure }, needs, peers: manifest.peers, port: servicePort, tokenFile },
    around,
  );
  return new Service(
    name,
    {
      namespace: namespace.namespaceName,
      clusterName: cluster.clusterName,
      manifest,
      version: { release: around.release, own, closure },
      image: imageOf(settings.registry, name, image.digest),
      config,
      tokenSecretName: namespace.token.secretName,
      replicas: settings.services[name],
      ...(needs.includes('store') && data.store.kind === 'bucket' ? { policy: data.store.policy } : {}),
      after: [...data.ready, ...cluster.ready],
    },
    { providers: cluster.providers },
  );
}

/** The image that the release was made with: whoever pulls it gets these bytes or nothing. */
function imageOf(registry: string, name: string, digest: Digest): string {
  return `${registry}/${name}@${digest}`;
}

function releasedService(
  { release, releaseDigest }: Pick<ServicesRequest, 'release' | 'releaseDigest'>,
  name: DeployedService,
): ReleasedService {
  const service = release.services[name];
  if (service !== undefined) return service;
  throw new CommandError({
    code: 'SERVICE_NOT_RELEASED',
    message: `release ${releaseDigest} has no service "${name}", only ${Object.keys(release.services).join(', ')}`,
    hint: 'pin a release that has it: npx orrery release list',
  });
}
