import { isRecord, ofType, valueAt, valuesAt, type Graph, type LocatedValue, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

/** Triggers whose measurement comes from outside, and may fail to come. */
const inner: readonly unknown[] = ['cpu', 'memory'];
const topicType = /^kubernetes:kafka\.strimzi\.io\/[^:]+:KafkaTopic$/;

export const workersFitPartitions: Rule = {
  name: 'workers-fit-partitions',
  why: 'a consumer beyond the partitions costs and does nothing; without a fallback a lost broker scales all away',
  remedy: 'maxReplicaCount at most the topic’s partitions, and fallback: {failureThreshold, replicas}',
  scope: 'graph',
  check: (graph) =>
    ofType(graph, 'kubernetes:keda.sh/v1alpha1:ScaledObject').flatMap((scaler) => [
      ...checkFallback(scaler),
      ...checkMaximum(graph, scaler),
    ]),
};

function checkFallback(scaler: Resource): Violation[] {
  const triggers = valuesAt(scaler.inputs, 'spec.triggers[].type');
  if (triggers.every(({ value }) => inner.includes(value))) return [];
  return ['failureThreshold', 'replicas']
    .map((key) => `spec.fallback.${key}`)
    .filter((property) => typeof valueAt(scaler.inputs, property) !== 'number')
    .map((property) => violationAt(scaler, { property, value: valueAt(scaler.inputs, property) }, 'must be given'));
}

function checkMaximum(graph: Graph, scaler: Resource): Violation[] {
  const found = { property: 'spec.maxReplicaCount', value: valueAt(scaler.inputs, 'spec.maxReplicaCount') };
  const { value: most } = found;
  if (typeof most !== 'number') return [violationAt(scaler, found, 'without it KEDA stops at 100')];
  return valuesAt(scaler.inputs, 'spec.triggers[]')
    .filter(({ value }) => isRecord(value) && value['type'] === 'kafka')
    .flatMap((trigger) => {
      const partitions = partitionsOf(graph, trigger);
      if (partitions === undefined || most <= partitions) return [];
      return [violationAt(scaler, found, `the topic has ${partitions} partitions`)];
    });
}

/** Undefined for a topic that others made. */
function partitionsOf({ resources }: Graph, trigger: LocatedValue): number | undefined {
  const topic = String(valueAt(trigger.value, 'metadata.topic'));
  const found = resources.find(
    ({ type, name, inputs }) =>
      topicType.test(type) &&
      (valueAt(inputs, 'spec.topicName') === topic ||
        valueAt(inputs, 'metadata.name') === topic ||
        topic.includes(`{${name}.`)),
  );
  const partitions = valueAt(found?.inputs, 'spec.partitions');
  return typeof partitions === 'number' ? partitions : undefined;
}
