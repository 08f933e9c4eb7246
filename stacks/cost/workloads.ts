import { valueAt, valuesAt } from '#policies/graph.ts';
import { referencesIn } from '../change/references.ts';
import type { GraphResource } from '../render/graph.ts';
import { entryOf, numberAt, textAt } from './charging.ts';
import { addRequests, isApart, poolsOfPod, requestOf, requestOfPod, type PodRequest } from './pod-requests.ts';

/** Pods that stand all month, or one on every node. */
export interface Workload {
  readonly resource: GraphResource;
  /** At the least size; one for each node where it is a daemon. */
  readonly pods: number;
  readonly daemon: boolean;
  /** What each of its pods reserves. */
  readonly request: PodRequest;
  /** Labels of the pools that it may run on, preferred ones first; undefined: any. */
  readonly pools: readonly string[] | undefined;
  /** True where no node may have two of its pods. */
  readonly apart: boolean;
}

/** `around`: what may say more about a workload, so that thousands of them need not look through thousands of resources. */
type Reader = (resource: GraphResource, around: readonly GraphResource[]) => Workload[];

const hpa = 'kubernetes:autoscaling/v2:HorizontalPodAutoscaler';
const scaledObject = 'kubernetes:keda.sh/v1alpha1:ScaledObject';
const kafka = 'kubernetes:kafka.strimzi.io/v1beta2:Kafka';

const strimziCluster = 'strimzi.io/cluster';

const readers: Readonly<Record<string, Reader>> = {
  'kubernetes:apps/v1:Deployment': (resource, around) => {
    const pods = numberAt(resource.inputs, 'spec.replicas') ?? scaledTo(resource, around) ?? 1;
    return [ofPod(resource, 'spec.template.spec', pods)];
  },
  'kubernetes:apps/v1:StatefulSet': (resource) => [
    ofPod(resource, 'spec.template.spec', numberAt(resource.inputs, 'spec.replicas') ?? 1),
  ],
  'kubernetes:apps/v1:DaemonSet': (resource) => [{ ...ofPod(resource, 'spec.template.spec', 1), daemon: true }],
  'kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation': ofClickHouse,
  'kubernetes:clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation': ofClickHouse,
  'kubernetes:kafka.strimzi.io/v1beta2:KafkaNodePool': ofBrokers,
  [kafka]: ofKafkaOperators,
};

/** Everything that stands and says what it asks for. Jobs come and go; what a chart runs is not in a graph. Pure. */
export function workloadsOf(graph: readonly GraphResource[]): Workload[] {
  const around = graph.filter(({ type }) => [hpa, scaledObject, kafka].includes(type));
  return graph.flatMap((resource) => readers[resource.type]?.(resource, around) ?? []);
}

function ofPod(resource: GraphResource, path: string, pods: number): Workload {
  const spec = valueAt(resource.inputs, path);
  return {
    resource,
    pods,
    daemon: false,
    request: requestOfPod(spec),
    pools: poolsOfPod(spec),
    apart: isApart(spec),
  };
}

/** The least size that an autoscaler gives a deployment: of an HPA 1 and of KEDA 0 where it names none. */
function scaledTo(deployment: GraphResource, around: readonly GraphResource[]): number | undefined {
  const ownName = valueAt(deployment.inputs, 'metadata.name');
  const isMine = ({ inputs }: GraphResource) => {
    const target = textAt(inputs, 'spec.scaleTargetRef.name');
    return target === ownName || referencesIn(target).some(({ owner }) => owner === deployment.name);
  };
  for (const scaler of around) {
    if (scaler.type === hpa && isMine(scaler)) {
      return numberAt(scaler.inputs, 'spec.minReplicas') ?? 1;
    }
    if (scaler.type === scaledObject && isMine(scaler)) {
      return numberAt(scaler.inputs, 'spec.minReplicaCount') ?? 0;
    }
  }
  return undefined;
}

/** Shards times replicas of the first template of a pod; the operator keeps a shard's replicas on nodes of their own. */
function ofClickHouse(resource: GraphResource): Workload[] {
  const [layout] = valuesAt(resource.inputs, 'spec.configuration.clusters[].layout');
  const [template] = valuesAt(resource.inputs, 'spec.templates.podTemplates[]');
  const spec = valueAt(template?.value, 'spec');
  const spread = valuesAt(template?.value, 'podDistribution[].type').some(({ value }) =>
    ['ClickHouseAntiAffinity', 'ShardAntiAffinity', 'ReplicaAntiAffinity'].includes(String(value)),
  );
  const pods = (numberAt(layout?.value, 'shardsCount') ?? 1) * (numberAt(layout?.value, 'replicasCount') ?? 1);
  return [
    {
      resource,
      pods,
      daemon: false,
      request: requestOfPod(spec),
      pools: poolsOfPod(spec),
      apart: spread || isApart(spec),
    },
  ];
}

/** A pool of brokers names its size, and its cluster where the brokers run. */
function ofBrokers(resource: GraphResource, around: readonly GraphResource[]): Workload[] {
  const name = entryOf(valueAt(resource.inputs, 'metadata.labels'), strimziCluster);
  const cluster = around.find(({ type, inputs }) => type === kafka && valueAt(inputs, 'metadata.name') === name);
  const pod = valueAt(resource.inputs, 'spec.template.pod') ?? valueAt(cluster?.inputs, 'spec.kafka.template.pod');
  return [
    {
      resource,
      pods: numberAt(resource.inputs, 'spec.replicas') ?? 1,
      daemon: false,
      request: requestOf(valueAt(resource.inputs, 'spec.resources')),
      pools: poolsOfPod(pod),
      apart: isApart(pod),
    },
  ];
}

/** The one pod of Strimzi's operators of topics and users; a cluster's brokers are counted by their pools. */
function ofKafkaOperators(resource: GraphResource): Workload[] {
  const operator = valueAt(resource.inputs, 'spec.entityOperator');
  if (operator === undefined) return [];
  const pod = valueAt(operator, 'template.pod');
  const containers = ['topicOperator.resources', 'userOperator.resources'];
  const request = addRequests(containers.map((path) => requestOf(valueAt(operator, path))));
  return [{ resource, pods: 1, daemon: false, request, pools: poolsOfPod(pod), apart: false }];
}
