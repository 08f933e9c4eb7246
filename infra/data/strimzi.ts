import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  interpolate,
  output,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import {
  kafkaPorts,
  kafkaUser,
  planKafkaPoolSpec,
  planKafkaSpec,
  planPlatformUserSpec,
  strimziApi,
  type StrimziSpecRequest,
} from '../planning/data/kafka.ts';
import { allowApiServer, allowDns, allowPeers, planNetworkPolicy } from '../planning/platform/network-policy.ts';
import { stateful } from '../planning/stateful.ts';
import { planTopics } from '../planning/data/topics.ts';
import type { Kafka } from './kafka.ts';

export interface StrimziArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** Exact, for example `4.1.0`; one that the operator knows. */
  readonly version: string;
  /** 1, or an odd number from 3 to 9. From 3 on the loss of one is survived. */
  readonly brokers: number;
  /** Cores of each broker, requested and limited alike. */
  readonly cpu: number;
  /** MiB of each broker, requested and limited alike; its heap takes half. At least 1024. */
  readonly memoryMiB: number;
  /** GiB of each broker's volume. It grows in place and never shrinks. */
  readonly volumeGiB: number;
  /** The class of the volumes. Default: the cluster's own default. */
  readonly storageClassName?: Input<string>;
  /** Names of the topics: the release's. */
  readonly topics: readonly string[];
  /** The Secret in the same namespace, and its key, that hold the password of the platform's user. */
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** Whether nodes carry `orrery.dev/pool` and the name of their zone: then it runs on `general`, aware of zones. */
  readonly nodePools: boolean;
  /** Physical name of the namespace in which the operator runs. */
  readonly operatorNamespace: Input<string>;
  /** What has to stand first: the operator. */
  readonly after: readonly Resource[];
}

const operatorPorts = [9090, 9091, 8443];

/**
 * A Kafka of brokers that are controllers too, run by Strimzi: TLS and a password for every client, topics as the release names them.
 * Cost driver: brokers, each an on-demand share of a node and a volume.
 * Refuses: an even number of brokers, a topic whose name it can't have. One broker waits while its node is replaced.
 */
export class Strimzi extends ComponentResource implements Kafka {
  readonly brokers: Output<string>;
  readonly username = kafkaUser;
  readonly password: StrimziArgs['password'];
  readonly certificateSecretName: Output<string>;
  readonly ready: readonly Resource[];
  /** By which resources beside it, tenants' users for example, say that they belong to it. */
  readonly clusterName: string;

  constructor(name: string, args: StrimziArgs, options?: ComponentResourceOptions) {
    super('orrery:data:Strimzi', name, {}, options);
    const labels = { 'app.kubernetes.io/part-of': 'orrery', 'orrery.dev/kafka': name };
    const request: StrimziSpecRequest = { ...args, labels, storageClassName: args.storageClassName };
    const topics = planTopics(args.topics, args.brokers);
    const { namespace, after } = args;
    const member = { namespace, labels: { 'strimzi.io/cluster': name } };
    const pool = new kubernetes.apiextensions.CustomResource(
      `${name}-pool`,
      {
        apiVersion: strimziApi,
        kind: 'KafkaNodePool',
        // By name, because claims are named after both: one that is made again finds its volumes.
        metadata: { ...member, name: 'brokers' },
        spec: planKafkaPoolSpec(request),
      },
      { ...stateful({ parent: this }), dependsOn: [...after] },
    );
    const cluster = new kubernetes.apiextensions.CustomResource(
      `${name}-cluster`,
      { apiVersion: strimziApi, kind: 'Kafka', metadata: { namespace, name }, spec: planKafkaSpec(request) },
      { ...stateful({ parent: this }), dependsOn: [pool] },
    );
    for (const { topic, ...spec } of topics) {
      new kubernetes.apiextensions.CustomResource(
        `${name}-topic-${topic}`,
        { apiVersion: strimziApi, kind: 'KafkaTopic', metadata: { ...member, name: topic }, spec },
        // The operator deletes a topic, and every event in it, together with its resource.
        { ...stateful({ parent: this }), dependsOn: [cluster] },
      );
    }
    const user = new kubernetes.apiextensions.CustomResource(
      `${name}-user`,
      {
        apiVersion: strimziApi,
        kind: 'KafkaUser',
        metadata: { ...member, name: kafkaUser },
        spec: planPlatformUserSpec(args.password),
      },
      { parent: this, dependsOn: [cluster] },
    );
    this.#createTraffic(name, args);
    this.brokers = interpolate`${name}-kafka-bootstrap.${namespace}.svc:${kafkaPorts.clients}`;
    this.password = args.password;
    this.certificateSecretName = output(`${name}-cluster-ca-cert`);
    this.ready = [user];
    this.clusterName = name;
    this.registerOutputs({ brokers: this.brokers });
  }

  /** Who reaches the listeners, the operator decides by policies of its own; what goes out of the pods, and the operator's way in, here. */
  #createTraffic(name: string, { namespace, operatorNamespace }: StrimziArgs): void {
    const member = { 'strimzi.io/cluster': name };
    const ports = [...operatorPorts, kafkaPorts.clients];
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-traffic`,
      {
        metadata: { namespace },
        spec: planNetworkPolicy(
          [
            allowPeers({ from: [{ labels: member }, { namespace: operatorNamespace }], ports: operatorPorts }),
            allowPeers({ to: [{ labels: member }], ports }),
            allowDns(),
            allowApiServer(),
          ],
          member,
        ),
      },
      { parent: this },
    );
  }
}
