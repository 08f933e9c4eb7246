import { PlanError } from '#infra/errors.ts';

/** What a topic is asked to be, as services ask for it when they start: a topic that differs from that stops them. */
export interface TopicPlan {
  readonly topic: string;
  readonly partitions: number;
  /** Copies of each partition, the leader's included. */
  readonly replicas: number;
  readonly config: Readonly<Record<string, string | number>>;
}

/** Partitions of every topic, fixed for its life: no group of consumers has more that work. The services' own default is the same. */
export const topicPartitions = 4;

const retentionMs = 24 * 3600 * 1000;
/** What Kafka and a Kubernetes object's name both allow. */
const topicName = /^[a-z0-9]([a-z0-9.-]{0,125}[a-z0-9])?$/;

/** Every topic of a release, sorted by name, each kept by as many brokers as survive a failure. */
export function planTopics(topics: readonly string[], brokers: number): TopicPlan[] {
  const { replicas, inSyncMin } = planReplication(brokers);
  return [...new Set(topics)].sort().map((topic) => {
    if (!topicName.test(topic)) {
      throw new PlanError({
        code: 'TOPIC_INVALID',
        message: `"${topic}" can't be a topic`,
        hint: 'use at most 127 of a-z, 0-9, dot and hyphen, beginning and ending with a letter or digit',
      });
    }
    return {
      topic,
      partitions: topicPartitions,
      replicas,
      // A compacted log would change what lies between the ends of a range that was recorded before it was written elsewhere.
      config: { 'cleanup.policy': 'delete', 'retention.ms': retentionMs, 'min.insync.replicas': inSyncMin },
    };
  });
}

/** Three copies of which two must agree, from three brokers on; with fewer every broker holds one and none may be missing. */
export function planReplication(brokers: number): { readonly replicas: number; readonly inSyncMin: number } {
  return { replicas: Math.min(3, brokers), inSyncMin: brokers >= 3 ? 2 : 1 };
}
