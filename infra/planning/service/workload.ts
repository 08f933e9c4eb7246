import type { types } from '@pulumi/kubernetes';
import { PlanError } from '#infra/errors.ts';
import { cpuBurst, restrictedContainer, restrictedPod } from '../pod-security.ts';
import { planProbes, type Probes } from './probes.ts';
import { assertReplicas, type Replicas, type ScalingSignal } from './scaling.ts';
import { planPlacement } from './spread.ts';

/** What the component has to know of a service; a release's manifest says it. */
export interface ServiceManifest {
  readonly name: string;
  /** Cores and memory as requested; memory is also the limit, cores may go above. GPUs: whole ones, or shares of one; default none. */
  readonly resources: { readonly cpu: number; readonly memoryMiB: number; readonly gpus?: number | undefined };
  readonly probes: Probes;
  readonly scaling: ScalingSignal;
  /** One instance owns a folder, so a replacement waits for the old one to end. */
  readonly stateful: boolean;
  /** Whether the gateway leads to it. Default false. */
  readonly public?: boolean | undefined;
  /** How long it may finish what it does when it is told to end. Default 10. */
  readonly drainSeconds?: number | undefined;
}

/** What is running, as digests. */
export interface ServiceVersion {
  readonly release: string;
  readonly own: string;
  readonly closure: string;
}

/** What is mounted beside the configuration and the token. */
export interface ServiceMounts {
  /** The folder that the service alone owns. */
  readonly data: boolean;
  /** The store, where it is a volume. */
  readonly store: boolean;
  /** How it shows the brokers who it is, and knows them. */
  readonly brokers: boolean;
}

export interface PodRequest {
  readonly manifest: ServiceManifest;
  readonly version: ServiceVersion;
  /** By digest. */
  readonly image: string;
  readonly labels: Record<string, string>;
  /** Whether nodes carry `orrery.dev/pool`. */
  readonly nodePools: boolean;
  readonly mounts: ServiceMounts;
}

export const servicePort = 8080;
export const configFolder = '/etc/orrery';
export const secretFolder = '/run/orrery';
export const configFile = `${configFolder}/config.json`;
/** A folder of its own: what lies in it changes while the pod runs. */
export const releaseFolder = '/etc/orrery-release';
export const releaseFile = `${releaseFolder}/release`;
export const tokenFile = `${secretFolder}/token`;
export const dataFolder = '/var/lib/orrery/data';
export const storeFolder = '/var/lib/orrery/store';
export const brokersFolder = '/run/orrery-brokers';
export const brokersCertificateFile = `${brokersFolder}/ca.crt`;
export const brokersPasswordFile = `${brokersFolder}/password`;
/** Where images carry what people ask of a service. */
export const definitionsFolder = '/opt/orrery/definitions';

/** Who every service runs as; images name the same user. */
export const serviceUser = 10_001;

const drainSecondsDefault = 10;
/**
 * Endpoints are withdrawn while the pod ends: it answers a little longer, so that nobody meets a closed door. A load balancer outside the
 * cluster learns of it later than the cluster's own Services.
 */
const withdrawalSeconds = { inside: 5, outside: 15 };

/** Refuses what a Deployment can't keep: an image that may change, state in several places, replicas that nobody scales. */
export function assertDeployable(
  manifest: ServiceManifest,
  image: string,
  replicas: Replicas,
  partitions: Readonly<Record<string, number>> = {},
): void {
  const { name, stateful, scaling } = manifest;
  if (!/@sha256:[0-9a-f]{64}$/.test(image)) {
    throw refuse(
      'IMAGE_NOT_PINNED',
      `${name} would run "${image}"`,
      'name the image by its digest, …@sha256:<64 digits>',
    );
  }
  if (stateful && (scaling !== 'none' || replicas.min !== 1 || replicas.max !== 1)) {
    const message = `${name} owns a folder and has ${replicas.min} to ${replicas.max} replicas`;
    throw refuse('SERVICE_STATEFUL', message, 'give it one replica and scaling none: two would not know of each other');
  }
  assertReplicas(name, scaling, replicas, partitions);
}

/** How long a service may finish its work: its configuration and its pod are told the same. */
export function drainSecondsOf({ drainSeconds = drainSecondsDefault }: Pick<ServiceManifest, 'drainSeconds'>): number {
  return drainSeconds;
}

/** The annotations by which anyone can tell from a pod what it runs; a label is too short for a digest. */
export function versionAnnotations(version: Omit<ServiceVersion, 'release'>): Record<string, string> {
  return {
    'orrery.dev/own': version.own,
    'orrery.dev/closure': version.closure,
  };
}

/** The first twelve digits of a digest, short enough for a label. */
export function shortDigest(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}

/** The pod of a service without its volumes: those name resources that are made beside it. */
export function planPod(request: PodRequest): Omit<types.input.core.v1.PodSpec, 'containers'> & {
  containers: types.input.core.v1.Container[];
} {
  const { labels, nodePools, manifest } = request;
  const { stateful, resources } = manifest;
  return {
    automountServiceAccountToken: false,
    // Variables for every Service of the namespace are of no use here, and could shadow a service's own.
    enableServiceLinks: false,
    securityContext: restrictedPod(serviceUser),
    // A service first ends its background work, then its requests, each within the drain, and closes what it holds.
    terminationGracePeriodSeconds: withdrawalOf(manifest) + 2 * drainSecondsOf(manifest) + 10,
    ...planPlacement({ labels, nodePools, stateful, gpus: resources.gpus ?? 0 }),
    containers: [planContainer(request)],
  };
}

function withdrawalOf(manifest: ServiceManifest): number {
  return manifest.public === true ? withdrawalSeconds.outside : withdrawalSeconds.inside;
}

function planContainer({ manifest, version, image, mounts }: PodRequest): types.input.core.v1.Container {
  return {
    name: manifest.name,
    image,
    // The bytes are fixed by the digest; this asks the registry whether this pod may have them, even where a node holds them already.
    imagePullPolicy: 'Always',
    args: ['--config', configFile],
    ports: [{ name: 'http', containerPort: servicePort }],
    // The release is told by a file, since it changes without the service.
    env: [
      { name: 'ORRERY_VERSION_OWN', value: version.own },
      { name: 'ORRERY_VERSION_CLOSURE', value: version.closure },
    ],
    resources: planResources(manifest.resources),
    securityContext: restrictedContainer(),
    ...planProbes(manifest.probes),
    lifecycle: { preStop: { sleep: { seconds: withdrawalOf(manifest) } } },
    volumeMounts: [
      { name: 'config', mountPath: configFolder, readOnly: true },
      { name: 'release', mountPath: releaseFolder, readOnly: true },
      { name: 'secret', mountPath: secretFolder, readOnly: true },
      { name: 'temporary', mountPath: '/tmp' },
      ...(mounts.data ? [{ name: 'data', mountPath: dataFolder }] : []),
      ...(mounts.store ? [{ name: 'store', mountPath: storeFolder }] : []),
      ...(mounts.brokers ? [{ name: 'brokers', mountPath: brokersFolder, readOnly: true }] : []),
    ],
  };
}

/**
 * Memory is limited to what is requested, so that no neighbour's growth ends this pod. Cores are limited far above the request: an event
 * loop that is throttled misses its own deadlines while the node idles, yet one that runs wild must leave its neighbours theirs.
 */
function planResources({
  cpu,
  memoryMiB,
  gpus = 0,
}: ServiceManifest['resources']): types.input.core.v1.ResourceRequirements {
  const memory = `${memoryMiB}Mi`;
  const gpu = gpus > 0 ? { 'nvidia.com/gpu': String(gpus) } : {};
  return {
    requests: { cpu: String(cpu), memory, 'ephemeral-storage': '256Mi', ...gpu },
    // What lies in /tmp and in logs: above it the pod is evicted before the node is full.
    limits: { cpu: String(cpu * cpuBurst), memory, 'ephemeral-storage': '2Gi', ...gpu },
  };
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
