import { isRecord, ofType, valueAt, valuesAt, type Graph, type LocatedValue, type Resource } from './graph.ts';

/** Where pods stand in the objects that make them. */
const podPaths: readonly (readonly [type: RegExp, path: string])[] = [
  [/^kubernetes:apps\/v1:(DaemonSet|Deployment|ReplicaSet|StatefulSet)$/, 'spec.template.spec'],
  [/^kubernetes:batch\/v1:Job$/, 'spec.template.spec'],
  [/^kubernetes:batch\/v1:CronJob$/, 'spec.jobTemplate.spec.template.spec'],
  [/^kubernetes:core\/v1:Pod$/, 'spec'],
  [/^kubernetes:keda\.sh\/v1alpha1:ScaledJob$/, 'spec.jobTargetRef.template.spec'],
  [
    /^kubernetes:clickhouse(-keeper)?\.altinity\.com\/v1:ClickHouse(Keeper)?Installation$/,
    'spec.templates.podTemplates[].spec',
  ],
];

const namespaceType = 'kubernetes:core/v1:Namespace';

export interface Pod extends LocatedValue {
  readonly resource: Resource;
}

/** Every pod that an object of ours makes; a chart's are its own. */
export function podsOf(resource: Resource): Pod[] {
  return podPaths
    .filter(([type]) => type.test(resource.type))
    .flatMap(([, path]) => valuesAt(resource.inputs, path))
    .map((found) => ({ ...found, resource }));
}

/** The containers of a pod, those that run and those that prepare. */
export function containersOf(pod: Pod): LocatedValue[] {
  return ['containers', 'initContainers'].flatMap((key) =>
    valuesAt(pod.value, `${key}[]`).map(({ property, value }) => ({ property: `${pod.property}.${property}`, value })),
  );
}

/** The Namespace of this graph that an object stands in; undefined for one that others made. */
export function namespaceOf(graph: Graph, resource: Resource): Resource | undefined {
  const text = valueAt(resource.inputs, 'metadata.namespace');
  if (typeof text !== 'string') return undefined;
  return ofType(graph, namespaceType).find(
    ({ name, inputs }) => valueAt(inputs, 'metadata.name') === text || text.includes(`{${name}.`),
  );
}

/** How much a namespace allows its pods, by its own label. */
export function podSecurityOf(namespace: Resource | undefined): unknown {
  const labels = valueAt(namespace?.inputs, 'metadata.labels');
  return isRecord(labels) ? labels['pod-security.kubernetes.io/enforce'] : labels;
}

/** Whether a selector of labels takes in what has these. */
export function selects(selector: unknown, labels: unknown): boolean {
  if (!isRecord(selector) || !isRecord(labels) || Object.keys(selector).length === 0) return false;
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
