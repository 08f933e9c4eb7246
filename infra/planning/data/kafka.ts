import type { types } from '@pulumi/kubernetes';
import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';
import { poolLabel } from '../compute/pools.ts';
import { planReplication } from './topics.ts';

export interface StrimziSize {
  /** 1, or 3 to 9 and odd: each is a controller too, and controllers decide by majority. */
  readonly brokers: number;
  /** MiB of each broker; its heap takes half, the rest holds pages of the log. At least 1024. */
  readonly memoryMiB: number;
}

export interface StrimziSpecRequest extends StrimziSize {
  /** Exact, for example `4.1.0`; one that the operator knows. */
  readonly version: string;
  readonly cpu: number;
  readonly volumeGiB: number;
  readonly storageClassName: Input<string> | undefined;
  readonly nodePools: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

export interface MskSize {
  /** A multiple of `zones`, at least 2, at most 30. */
  readonly brokers: number;
  /** How many subnets the brokers lie in. */
  readonly zones: number;
}

export const strimziApi = 'kafka.strimzi.io/v1beta2';
export const kafkaPorts = { clients: 9093, msk: 9096 } as const;
/** The user by which every service of the platform is known to the brokers. */
export const kafkaUser = 'orrery';
/** Topics of the platform begin with it; tenants' begin otherwise. */
export const topicPrefix = 'orrery.';

const brokersMax = { strimzi: 9, msk: 30 } as const;
const memoryMinMiB = 1024;
/** Who the images of Strimzi run as. */
const strimziUser = 1001;
const companionAmount = { cpu: '0.1', memory: '512Mi' };
/** What runs beside the brokers, one of each: the operators of topics and users, and the exporter. */
const companion = { resources: { requests: companionAmount, limits: companionAmount } };

/** Refuses an even number of controllers, two brokers, and memory in which no heap fits. */
export function planStrimzi(size: StrimziSize): StrimziSize {
  const { brokers, memoryMiB } = size;
  if (!Number.isInteger(brokers) || brokers < 1 || brokers > brokersMax.strimzi || brokers % 2 === 0) {
    const hint = `give it 1, or an odd number from 3 to ${brokersMax.strimzi}: brokers are controllers too, and those decide by majority`;
    throw refuse(`Kafka has ${brokers} brokers`, hint);
  }
  if (!Number.isInteger(memoryMiB) || memoryMiB < memoryMinMiB) {
    throw refuse(`a broker has ${memoryMiB} MiB`, `give it whole MiB, at least ${memoryMinMiB}`);
  }
  return size;
}

/** Refuses brokers that can't be spread evenly: AWS puts the same number in every subnet. */
export function planMsk(size: MskSize): MskSize {
  const { brokers, zones } = size;
  if (Number.isInteger(brokers) && brokers >= 2 && brokers <= brokersMax.msk && brokers % zones === 0) return size;
  throw refuse(
    `MSK has ${brokers} brokers in ${zones} zones`,
    `give it a multiple of ${zones}, from 2 to ${brokersMax.msk}: every zone has the same number`,
  );
}

/** What brokers are told beside where they stand; `server.properties` for MSK. */
export function planBrokerConfig(brokers: number): Record<string, string | number | boolean> {
  const { replicas, inSyncMin } = planReplication(brokers);
  return {
    'auto.create.topics.enable': false,
    'default.replication.factor': replicas,
    'min.insync.replicas': inSyncMin,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.min.isr': inSyncMin,
    'transaction.state.log.replication.factor': replicas,
    // A copy that lags never becomes the truth: rather wait for one that does not.
    'unclean.leader.election.enable': false,
  };
}

/** The `spec` of a Kafka: TLS, passwords, rules about who may what. */
export function planKafkaSpec(request: StrimziSpecRequest) {
  const { version, brokers, nodePools, labels } = planChecked(request);
  return {
    kafka: {
      version,
      metadataVersion: `${/^\d+\.\d+/.exec(version)?.[0] ?? version}-IV1`,
      listeners: [
        {
          name: 'clients',
          port: kafkaPorts.clients,
          type: 'internal',
          tls: true,
          authentication: { type: 'scram-sha-512' },
          networkPolicyPeers: [
            { podSelector: {} },
            // The autoscaler, tenants, and what measures: each still needs a password.
            { namespaceSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'orrery' } } },
          ],
        },
      ],
      authorization: { type: 'simple' },
      // Its label is on every node of a cloud; a bare cluster may lack it, and then a broker would not start.
      ...(nodePools ? { rack: { topologyKey: 'topology.kubernetes.io/zone' } } : {}),
      config: planBrokerConfig(brokers),
      metricsConfig: { type: 'strimziMetricsReporter', values: { allowList: ['kafka_.*'] } },
      template: {
        pod: {
          metadata: { labels },
          securityContext: podSecurity(),
          terminationGracePeriodSeconds: 120,
          affinity: planAffinity(request),
        },
        kafkaContainer: { securityContext: containerSecurity() },
        initContainer: { securityContext: containerSecurity() },
        podDisruptionBudget: { maxUnavailable: 1 },
      },
    },
    entityOperator: {
      topicOperator: companion,
      userOperator: companion,
      template: {
        pod: companionPod(nodePools),
        topicOperatorContainer: { securityContext: containerSecurity() },
        userOperatorContainer: { securityContext: containerSecurity() },
      },
    },
    // Who lags behind, and by how much: brokers themselves do not tell.
    kafkaExporter: {
      ...companion,
      template: {
        pod: companionPod(nodePools),
        container: { securityContext: containerSecurity() },
      },
    },
  };
}

/** The `spec` of its one KafkaNodePool: brokers that are controllers too, each with a claim that outlives it. */
export function planKafkaPoolSpec(request: StrimziSpecRequest) {
  const { brokers, cpu, memoryMiB, volumeGiB, storageClassName } = planChecked(request);
  const amount = { cpu: String(cpu), memory: `${memoryMiB}Mi` };
  const heap = `${Math.floor(memoryMiB / 2)}m`;
  return {
    replicas: brokers,
    roles: ['controller', 'broker'],
    storage: {
      type: 'jbod',
      volumes: [
        {
          id: 0,
          type: 'persistent-claim',
          size: `${volumeGiB}Gi`,
          ...(storageClassName === undefined ? {} : { class: storageClassName }),
          deleteClaim: false,
          kraftMetadata: 'shared',
        },
      ],
    },
    resources: { requests: amount, limits: amount },
    jvmOptions: { '-Xms': heap, '-Xmx': heap },
  };
}

/** The `spec` of a KafkaUser: the platform's topics and any group, and nothing of tenants'. */
export function planPlatformUserSpec(password: { readonly secretName: Input<string>; readonly key: string }) {
  const { secretName, key } = password;
  return {
    authentication: {
      type: 'scram-sha-512',
      password: { valueFrom: { secretKeyRef: { name: secretName, key } } },
    },
    authorization: {
      type: 'simple',
      acls: [
        {
          resource: { type: 'topic', name: topicPrefix, patternType: 'prefix' },
          // A service makes its topic when it starts, and takes one that is there already for its own.
          operations: ['Create', 'Describe', 'DescribeConfigs', 'Read', 'Write'],
        },
        { resource: { type: 'group', name: '*', patternType: 'literal' }, operations: ['Describe', 'Read'] },
      ],
    },
  };
}

function planChecked(request: StrimziSpecRequest): StrimziSpecRequest {
  planStrimzi(request);
  return request;
}

/** One broker a node, and the nodes over as many zones as there are. */
function planAffinity({ nodePools, labels }: StrimziSpecRequest): types.input.core.v1.Affinity {
  const labelSelector = { matchLabels: { ...labels } };
  return {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector }],
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 100, podAffinityTerm: { topologyKey: 'topology.kubernetes.io/zone', labelSelector } },
      ],
    },
    ...(nodePools ? { nodeAffinity: onDemand() } : {}),
  };
}

function companionPod(nodePools: boolean) {
  return { securityContext: podSecurity(), ...(nodePools ? { affinity: { nodeAffinity: onDemand() } } : {}) };
}

function onDemand(): types.input.core.v1.NodeAffinity {
  const matchExpressions = [{ key: poolLabel, operator: 'In', values: ['general'] }];
  return { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } };
}

function podSecurity() {
  return {
    runAsNonRoot: true,
    runAsUser: strimziUser,
    fsGroup: strimziUser,
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** What `restricted` asks; the images write to their own root, so that it can't be read-only. */
function containerSecurity() {
  return { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
}

function refuse(message: string, hint: string): PlanError {
  return new PlanError({ code: 'KAFKA_SIZE_INVALID', message, hint });
}
