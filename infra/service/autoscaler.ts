import * as kubernetes from '@pulumi/kubernetes';
import { output, type ComponentResource, type Input, type Output } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import {
  isQueueSignal,
  placeOfRedis,
  planCpuScaling,
  planScaledObject,
  type QueueSignal,
  type Replicas,
  type SignalPlace,
} from '../planning/service/scaling.ts';
import type { ServiceManifest } from '../planning/service/workload.ts';

/** Where KEDA reads what waits. */
export interface SignalSources {
  /** The state Redis, `rediss://host:port`; its password is the environment's token. */
  readonly redisUrl?: Input<string>;
  readonly kafka?: KafkaSource;
  /** `http://host:port` of a Prometheus. */
  readonly prometheusUrl?: Input<string>;
}

export interface KafkaSource {
  /** `host:port,host:port`. */
  readonly brokers: Input<string>;
  /** Who reads, by SCRAM with SHA-512. */
  readonly username: Input<string>;
  /** The Secret in the namespace, and its key, that hold the password. */
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** Whether the brokers speak TLS. */
  readonly tls: boolean;
  /** The Secret whose key `ca.crt` tells who signs for the brokers. Default: a public authority. */
  readonly certificateSecretName?: Input<string>;
}

export interface ScaledService {
  readonly namespace: Input<string>;
  readonly manifest: ServiceManifest;
  readonly replicas: Replicas;
  readonly tokenSecretName: Input<string>;
  readonly signals?: SignalSources;
}

/** A queue's signal with all that KEDA needs to read it. */
export interface FoundSignal {
  readonly signal: QueueSignal;
  readonly place: Output<SignalPlace>;
  /** Parameters of the trigger that lie in Secrets; none where nobody asks who reads. */
  readonly secrets: readonly { readonly parameter: string; readonly name: Input<string>; readonly key: string }[];
  /** Only Kafka asks for one. */
  readonly username?: Input<string>;
}

/** Whether an autoscaler decides the number of replicas: a range of one number needs none. */
export function isScaled({ manifest, replicas }: Pick<ScaledService, 'manifest' | 'replicas'>): boolean {
  return manifest.scaling !== 'none' && replicas.min !== replicas.max;
}

/** The signal by which a service is scaled; undefined where that is no queue's. Refuses one that nobody here can be asked for. */
export function findSignal(service: ScaledService): FoundSignal | undefined {
  const { manifest, signals = {}, tokenSecretName } = service;
  const signal = manifest.scaling;
  if (!isQueueSignal(signal) || !isScaled(service)) return undefined;
  const { redisUrl, kafka, prometheusUrl } = signals;
  switch (signal.signal) {
    case 'redis-size': {
      if (redisUrl === undefined) throw absent(manifest, 'Redis');
      const secrets = [{ parameter: 'password', name: tokenSecretName, key: 'token' }];
      return { signal, place: output(redisUrl).apply(placeOfRedis), secrets };
    }
    case 'kafka-lag':
      if (kafka === undefined) throw absent(manifest, 'Kafka');
      return { signal, ...readKafka(kafka) };
    case 'prometheus':
      if (prometheusUrl === undefined) throw absent(manifest, 'Prometheus');
      return { signal, place: output(prometheusUrl).apply((address) => ({ address, tls: false })), secrets: [] };
  }
}

/** `<name>-autoscaler`, which follows cores or a queue; for a queue that asks who reads, `<name>-signal` beside it. */
export function createAutoscaler(
  parent: ComponentResource,
  name: string,
  service: ScaledService & { readonly deploymentName: Output<string>; readonly found: FoundSignal | undefined },
): void {
  const { replicas, deploymentName, found } = service;
  const metadata = { namespace: service.namespace };
  if (!isScaled(service)) return;
  if (found === undefined) {
    const spec = planCpuScaling(deploymentName, replicas);
    new kubernetes.autoscaling.v2.HorizontalPodAutoscaler(`${name}-autoscaler`, { metadata, spec }, { parent });
    return;
  }
  const authentication = createAuthentication(parent, name, { metadata, found });
  const spec = output({ target: deploymentName, place: found.place, authentication }).apply((at) =>
    planScaledObject({ signal: found.signal, replicas, ...at }),
  );
  const kind = { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject', metadata };
  new kubernetes.apiextensions.CustomResource(`${name}-autoscaler`, { ...kind, spec }, { parent });
}

/** How KEDA shows who it is; undefined where nobody asks. */
function createAuthentication(
  parent: ComponentResource,
  name: string,
  { metadata, found }: { metadata: { namespace: Input<string> }; found: FoundSignal },
): Output<string> | undefined {
  const { secrets, username } = found;
  if (secrets.length === 0) return undefined;
  // KEDA takes a user's name, which is no secret, only from an object beside the trigger.
  const reader =
    username === undefined
      ? undefined
      : new kubernetes.core.v1.ConfigMap(`${name}-reader`, { metadata, data: { username } }, { parent });
  const named = reader === undefined ? [] : [{ parameter: 'username', name: reader.metadata.name, key: 'username' }];
  const authentication = new kubernetes.apiextensions.CustomResource(
    `${name}-signal`,
    {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'TriggerAuthentication',
      metadata,
      spec: { secretTargetRef: [...secrets], ...(named.length > 0 ? { configMapTargetRef: named } : {}) },
    },
    { parent },
  );
  return authentication.metadata.name;
}

function readKafka({ brokers, tls, username, password, certificateSecretName }: KafkaSource) {
  const certificate =
    certificateSecretName === undefined ? [] : [{ parameter: 'ca', name: certificateSecretName, key: 'ca.crt' }];
  return {
    place: output(brokers).apply((address) => ({ address, tls })),
    secrets: [{ parameter: 'password', name: password.secretName, key: password.key }, ...certificate],
    username,
  };
}

function absent({ name, scaling }: ServiceManifest, source: string): PlanError {
  return new PlanError({
    code: 'SIGNAL_ABSENT',
    message: `${name} scales by ${JSON.stringify(scaling)}, and there is no ${source} here to ask`,
    hint: 'give it one number of replicas at least and at most, or an environment that has one',
  });
}
