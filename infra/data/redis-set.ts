import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { allowPeers, planNetworkPolicy, type Peer } from '../planning/platform/network-policy.ts';
import { restrictedContainer, restrictedPod } from '../planning/pod-security.ts';
import { poolLabel } from '../planning/compute/pools.ts';
import {
  planRedisSet,
  redisFolders,
  redisPort,
  redisProbeScript,
  redisStartScript,
  type RedisRole,
  type RedisSetPlan,
} from '../planning/data/redis.ts';
import { stateful } from '../planning/stateful.ts';
import type { Redis } from './redis.ts';

export interface RedisSetArgs {
  /** Decides what is evicted and what is kept. */
  readonly role: RedisRole;
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** By digest, for example `docker.io/valkey/valkey:8.1.9@sha256:…`. */
  readonly image: string;
  /** The Secret in the same namespace, and its key, that hold the password. Letters and digits only. */
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** Cores, requested and limited alike. */
  readonly cpu: number;
  /** MiB, requested and limited alike; the data may take three quarters of it. At least 64. */
  readonly memoryMiB: number;
  /** GiB, for state: at least twice the memory. It grows in place and never shrinks. A cache has none. */
  readonly volumeGiB?: number;
  /** The class of the volume. Default: the cluster's own default. */
  readonly storageClassName?: Input<string>;
  /** Whether nodes carry `orrery.dev/pool`: then it runs on `general`, which is never reclaimed. */
  readonly nodePools: boolean;
  /** Pods of other namespaces that connect: what scales by it or measures it. Its own namespace's pods always may. Default none. */
  readonly clients?: readonly Peer[];
  /** What has to stand first: the driver of volumes. */
  readonly after: readonly Resource[];
}

interface Made {
  readonly labels: Record<string, string>;
  readonly plan: RedisSetPlan;
  readonly configName: Output<string>;
  /** Absent for a cache. */
  readonly claimName?: Output<string>;
}

/** Above the range that hosts use for themselves. */
const redisUser = 10_001;

/**
 * One Valkey in a pod. State is logged to a volume every second and outlives the pod, the set and the namespace; a cache forgets.
 * Cost driver: its share of an on-demand node, and the volume.
 * Refuses: too little memory, a volume on which the log can't be rewritten. It is a single server: while its node is replaced,
 * clients wait, and a failure loses at most the last second of writes.
 */
export class RedisSet extends ComponentResource implements Redis {
  /** `redis://host:port`, without the password; inside the cluster it is not encrypted. */
  readonly url: Output<string>;

  constructor(name: string, args: RedisSetArgs, options?: ComponentResourceOptions) {
    super('orrery:data:RedisSet', name, {}, options);
    const plan = planRedisSet(args);
    const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'orrery' };
    const metadata = { namespace: args.namespace, labels };
    // Immutable and named by its content's change: a changed configuration is another map, and so another pod.
    const config = new kubernetes.core.v1.ConfigMap(
      `${name}-config`,
      {
        metadata,
        immutable: true,
        data: { 'valkey.conf': plan.configuration, 'start.sh': redisStartScript, 'probe.sh': redisProbeScript },
      },
      { parent: this },
    );
    const service = new kubernetes.core.v1.Service(
      `${name}-service`,
      {
        metadata,
        spec: { clusterIP: 'None', selector: labels, ports: [{ name: 'redis', port: redisPort }] },
      },
      { parent: this },
    );
    const claim = this.#createVolume(name, args, labels);
    const made: Made = {
      labels,
      plan,
      configName: config.metadata.name,
      ...(claim === undefined ? {} : { claimName: claim.metadata.name }),
    };
    new kubernetes.apps.v1.StatefulSet(
      `${name}-server`,
      {
        metadata,
        spec: {
          serviceName: service.metadata.name,
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: podSpec(args, made) },
        },
      },
      // Two servers on one volume would wait for each other, or worse.
      { parent: this, dependsOn: [...args.after], deleteBeforeReplace: true },
    );
    // One replica and a budget that allows none to be missing would block every drain.
    new kubernetes.policy.v1.PodDisruptionBudget(
      `${name}-budget`,
      { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: labels } } },
      { parent: this },
    );
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-traffic`,
      {
        metadata: { namespace: args.namespace },
        spec: planNetworkPolicy([allowPeers({ from: [{}, ...(args.clients ?? [])], ports: [redisPort] })], labels),
      },
      { parent: this },
    );
    this.url = interpolate`redis://${service.metadata.name}.${args.namespace}.svc:${redisPort}`;
    this.registerOutputs({ url: this.url });
  }

  /** A claim of its own, because a set's template of claims can't be changed, not even to a larger size. */
  #createVolume(
    name: string,
    { volumeGiB, namespace, storageClassName }: RedisSetArgs,
    labels: Record<string, string>,
  ): kubernetes.core.v1.PersistentVolumeClaim | undefined {
    if (volumeGiB === undefined) return undefined;
    return new kubernetes.core.v1.PersistentVolumeClaim(
      `${name}-volume`,
      {
        metadata: { namespace, labels },
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(storageClassName === undefined ? {} : { storageClassName }),
          resources: { requests: { storage: `${volumeGiB}Gi` } },
        },
      },
      stateful({ parent: this }),
    );
  }
}

function podSpec(args: RedisSetArgs, made: Made): kubernetes.types.input.core.v1.PodSpec {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: restrictedPod(redisUser),
    ...(args.nodePools ? { nodeSelector: { [poolLabel]: 'general' } } : {}),
    terminationGracePeriodSeconds: 60,
    containers: [container(args, made)],
    volumes: [
      { name: 'config', configMap: { name: made.configName } },
      {
        name: 'secret',
        secret: {
          secretName: args.password.secretName,
          defaultMode: 0o440,
          items: [{ key: args.password.key, path: 'token' }],
        },
      },
      { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      ...(made.claimName === undefined ? [] : [{ name: 'data', persistentVolumeClaim: { claimName: made.claimName } }]),
    ],
  };
}

function container(args: RedisSetArgs, { claimName }: Made): kubernetes.types.input.core.v1.Container {
  const amount = { cpu: String(args.cpu), memory: `${args.memoryMiB}Mi` };
  const { configuration, secret, run, data } = redisFolders;
  const exec = { command: ['sh', `${configuration}/probe.sh`] };
  return {
    name: 'valkey',
    image: args.image,
    imagePullPolicy: 'Always',
    command: ['sh', `${configuration}/start.sh`],
    ports: [{ name: 'redis', containerPort: redisPort }],
    resources: { requests: amount, limits: amount },
    securityContext: restrictedContainer(),
    // Ten minutes in which a long log may be read again.
    startupProbe: { exec, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 120 },
    readinessProbe: { exec, periodSeconds: 5, timeoutSeconds: 3 },
    livenessProbe: { exec, periodSeconds: 15, timeoutSeconds: 5, failureThreshold: 4 },
    volumeMounts: [
      { name: 'config', mountPath: configuration, readOnly: true },
      { name: 'secret', mountPath: secret, readOnly: true },
      { name: 'run', mountPath: run },
      ...(claimName === undefined ? [] : [{ name: 'data', mountPath: data }]),
    ],
  };
}
