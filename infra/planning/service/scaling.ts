import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';

/** What the number of replicas follows; a service's manifest says it. */
export type ScalingSignal =
  | 'none'
  | 'cpu'
  /** Entries of a list, set, sorted set or hash in the state Redis. */
  | { readonly signal: 'redis-size'; readonly key: string; readonly perReplica: number }
  /** Events of a topic that a group of readers lacks. */
  | { readonly signal: 'kafka-lag'; readonly topic: string; readonly group: string; readonly perReplica: number }
  /** The one number that a query answers. */
  | { readonly signal: 'prometheus'; readonly query: string; readonly perReplica: number };

export type QueueSignal = Exclude<ScalingSignal, 'none' | 'cpu'>;

export interface Replicas {
  /** Always there. 0 only for a service that scales by a queue: nothing waits, nothing runs. */
  readonly min: number;
  /** Never exceeded. */
  readonly max: number;
}

/** Where KEDA reads a signal, as text: a Redis `host:port`, brokers, an address of Prometheus. */
export interface SignalPlace {
  readonly address: string;
  /** Whether it is reached by TLS. */
  readonly tls: boolean;
}

/** A part of `keda.sh/v1alpha1` ScaledObject. */
export interface ScaledObjectSpec {
  readonly scaleTargetRef: { readonly name: string };
  readonly pollingInterval: number;
  readonly cooldownPeriod: number;
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  readonly fallback: { readonly failureThreshold: number; readonly replicas: number };
  readonly triggers: readonly ScaledObjectTrigger[];
}

export interface ScaledObjectTrigger {
  readonly type: 'redis' | 'kafka' | 'prometheus';
  readonly metadata: Readonly<Record<string, string>>;
  readonly authenticationRef?: { readonly name: string };
}

export interface ScaledObjectRequest {
  readonly signal: QueueSignal;
  readonly replicas: Replicas;
  /** Name of the Deployment. */
  readonly target: string;
  readonly place: SignalPlace;
  /** Name of the TriggerAuthentication; without one nobody asks who reads. */
  readonly authentication?: string | undefined;
}

/** Above this share of the requested cores the autoscaler adds a replica. */
const cpuTargetPercent = 70;
const pollSeconds = 15;
/** How long nothing may wait before the last replica goes: longer than it takes to get a node and start. */
const cooldownSeconds = 300;
const failedPollsMax = 4;

/** A queue's own signal; cores and nothing need no KEDA. */
export function isQueueSignal(scaling: ScalingSignal): scaling is QueueSignal {
  return typeof scaling === 'object';
}

/**
 * Refuses replicas that nobody scales between, and readers that a topic has no partition for: they would stand idle.
 * `partitions`: of each topic that the environment knows.
 */
export function assertReplicas(
  service: string,
  scaling: ScalingSignal,
  { min, max }: Replicas,
  partitions: Readonly<Record<string, number>> = {},
): void {
  const found = `${service} has ${min} to ${max} replicas`;
  const least = isQueueSignal(scaling) ? 0 : 1;
  if (min < least || max < 1 || max < min) {
    throw refuse('REPLICAS_INVALID', found, `at least ${least}, and no more at least than at most`);
  }
  if (scaling === 'none' && min !== max) {
    throw refuse('REPLICAS_INVALID', `${found}, yet does not scale`, 'give both the same number');
  }
  if (!isQueueSignal(scaling) || scaling.signal !== 'kafka-lag') return;
  const most = partitions[scaling.topic];
  if (most === undefined) {
    const message = `${service} scales by the lag of ${scaling.topic}, whose partitions are not known`;
    throw refuse('TOPIC_UNKNOWN', message, `topics: ${Object.keys(partitions).join(', ') || 'none'}`);
  }
  if (max > most) {
    const message = `${found}, ${scaling.topic} has ${most} partitions`;
    throw refuse(
      'REPLICAS_ABOVE_PARTITIONS',
      message,
      `give at most ${most}: a reader without a partition stands idle`,
    );
  }
}

/** What adds replicas by cores in use. A lull of five minutes is awaited before one goes. */
export function planCpuScaling(target: Input<string>, replicas: Replicas) {
  return {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target },
    minReplicas: replicas.min,
    maxReplicas: replicas.max,
    metrics: [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: cpuTargetPercent } },
      },
    ],
    behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
  } satisfies types.input.autoscaling.v2.HorizontalPodAutoscalerSpec;
}

/**
 * What adds replicas by what waits. While the signal can't be read there are as many as always (at least one): neither none, as if
 * nothing waited, nor as many as ever, which a broker that is down would only suffer from.
 */
export function planScaledObject(request: ScaledObjectRequest): ScaledObjectSpec {
  const { signal, replicas, target, place, authentication } = request;
  return {
    scaleTargetRef: { name: target },
    pollingInterval: pollSeconds,
    cooldownPeriod: cooldownSeconds,
    minReplicaCount: replicas.min,
    maxReplicaCount: replicas.max,
    fallback: { failureThreshold: failedPollsMax, replicas: Math.max(1, replicas.min) },
    triggers: [
      {
        ...planTrigger(signal, place, authentication !== undefined),
        ...(authentication === undefined ? {} : { authenticationRef: { name: authentication } }),
      },
    ],
  };
}

function planTrigger(signal: QueueSignal, { address, tls }: SignalPlace, asksWho: boolean): ScaledObjectTrigger {
  const each = String(signal.perReplica);
  switch (signal.signal) {
    case 'redis-size':
      return {
        type: 'redis',
        // KEDA asks for the type of the key and counts accordingly, whatever its parameters call it.
        metadata: { address, listName: signal.key, listLength: each, enableTLS: String(tls) },
      };
    case 'kafka-lag':
      return {
        type: 'kafka',
        metadata: {
          bootstrapServers: address,
          topic: signal.topic,
          consumerGroup: consumerGroup(signal),
          lagThreshold: each,
          offsetResetPolicy: 'earliest',
          allowIdleConsumers: 'false',
          tls: tls ? 'enable' : 'disable',
          ...(asksWho ? { sasl: 'scram_sha512' } : {}),
        },
      };
    case 'prometheus':
      return {
        type: 'prometheus',
        metadata: { serverAddress: address, query: signal.query, threshold: each, ignoreNullValues: 'false' },
      };
  }
}

/** Where KEDA finds a Redis, from the address by which services do: `rediss://` is TLS. */
export function placeOfRedis(url: string): SignalPlace {
  const { protocol, hostname, port } = new URL(url);
  return { address: `${hostname}:${port || '6379'}`, tls: protocol === 'rediss:' };
}

/** What Kafka calls a group of readers: the bus has one for each topic. */
export function consumerGroup({ topic, group }: Extract<QueueSignal, { signal: 'kafka-lag' }>): string {
  return `${group}.${topic}`;
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
