import type { types } from '@pulumi/kubernetes';
import { PlanError } from '../errors.ts';
import { restrictedContainer, restrictedPod } from './pod-security.ts';

/** What the component has to know of a service; a release's manifest says it. */
export interface ServiceManifest {
  readonly name: string;
  /** Cores and memory, requested; memory is also the limit, cores are not limited. */
  readonly resources: { readonly cpu: number; readonly memoryMiB: number };
  readonly probes: { readonly live?: string; readonly ready?: string };
  readonly scaling: 'none' | 'cpu';
  readonly stateful: boolean;
}

/** What is running, as digests. */
export interface ServiceVersion {
  readonly release: string;
  readonly own: string;
  readonly closure: string;
}

export interface Replicas {
  readonly min: number;
  readonly max: number;
}

export interface PodRequest {
  readonly manifest: ServiceManifest;
  readonly version: ServiceVersion;
  /** By digest. */
  readonly image: string;
  readonly labels: Record<string, string>;
}

export const servicePort = 8080;
export const configFolder = '/etc/orrery';
export const secretFolder = '/run/orrery';
export const configFile = `${configFolder}/config.json`;
export const tokenFile = `${secretFolder}/token`;

/** Who every service runs as; images name the same user. */
export const serviceUser = 10_001;
const drainSeconds = 30;

/** Refuses what a Deployment can't keep: state in a folder, or replicas that nobody scales. */
export function assertDeployable(manifest: ServiceManifest, image: string, replicas: Replicas): void {
  const { name } = manifest;
  if (manifest.stateful) {
    throw refuse('SERVICE_STATEFUL', `${name} owns a folder`, 'give it a component with a volume');
  }
  if (!/@sha256:[0-9a-f]{64}$/.test(image)) {
    throw refuse(
      'IMAGE_NOT_PINNED',
      `${name} would run "${image}"`,
      'name the image by its digest, …@sha256:<64 digits>',
    );
  }
  if (replicas.min < 1 || replicas.max < replicas.min) {
    const message = `${name} has ${replicas.min} to ${replicas.max} replicas`;
    throw refuse('REPLICAS_INVALID', message, 'at least 1, and no more at least than at most');
  }
  if (manifest.scaling === 'none' && replicas.min !== replicas.max) {
    const message = `${name} does not scale, yet has ${replicas.min} to ${replicas.max} replicas`;
    throw refuse('REPLICAS_INVALID', message, 'give both the same number');
  }
}

/** The annotations by which anyone can tell from a pod what it runs; a label is too short for a digest. */
export function versionAnnotations(version: ServiceVersion): Record<string, string> {
  return {
    'orrery.dev/release': version.release,
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
  const { labels } = request;
  return {
    automountServiceAccountToken: false,
    securityContext: restrictedPod(serviceUser),
    terminationGracePeriodSeconds: drainSeconds + 15,
    topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
      topologyKey,
      maxSkew: 1,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: labels },
    })),
    containers: [planContainer(request)],
  };
}

function planContainer({ manifest, version, image }: PodRequest): types.input.core.v1.Container {
  const { cpu, memoryMiB } = manifest.resources;
  const memory = `${memoryMiB}Mi`;
  return {
    name: manifest.name,
    image,
    args: ['--config', configFile],
    ports: [{ name: 'http', containerPort: servicePort }],
    env: [
      { name: 'ORRERY_RELEASE', value: version.release },
      { name: 'ORRERY_VERSION_OWN', value: version.own },
      { name: 'ORRERY_VERSION_CLOSURE', value: version.closure },
    ],
    // No limit on cores: a throttled event loop misses its own deadlines while the node idles.
    resources: { requests: { cpu: String(cpu), memory }, limits: { memory } },
    securityContext: restrictedContainer(),
    ...planProbes(manifest.probes),
    // Endpoints are withdrawn while the pod ends: it answers a little longer, so that nobody meets a closed door.
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    volumeMounts: [
      { name: 'config', mountPath: configFolder, readOnly: true },
      { name: 'secret', mountPath: secretFolder, readOnly: true },
      { name: 'temporary', mountPath: '/tmp' },
    ],
  };
}

function planProbes({ live, ready }: ServiceManifest['probes']): Partial<types.input.core.v1.Container> {
  const alive = live === undefined ? {} : { httpGet: { path: live, port: 'http' } };
  return {
    ...(live === undefined
      ? {}
      : {
          startupProbe: { ...alive, periodSeconds: 2, failureThreshold: 60 },
          livenessProbe: { ...alive, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
        }),
    ...(ready === undefined
      ? {}
      : { readinessProbe: { httpGet: { path: ready, port: 'http' }, periodSeconds: 5, timeoutSeconds: 3 } }),
  };
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
