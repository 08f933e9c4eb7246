import { ofType, valueAt, type Graph, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';
import { namespaceOf, podSecurityOf } from './workloads.ts';

/** Namespaces whose pods touch what restricted pods may not, and how far they may go. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'orrery-nodes': ['restricted', 'baseline', 'privileged'],
  'orrery-observability': ['restricted', 'baseline'],
  // EMR writes the pods of Spark, and says nothing of system calls.
  'orrery-spark': ['restricted', 'baseline'],
};

export const namespacesClosed: Rule = {
  name: 'namespaces-closed',
  why: 'in an open namespace one taken pod reaches every other and the internet, and may ask for the node itself',
  remedy: 'make it with Namespace of infra/platform: pod security restricted, and deny everything that nobody declared',
  scope: 'graph',
  check: (graph) =>
    ofType(graph, 'kubernetes:core/v1:Namespace').flatMap((namespace) => [
      ...checkLevel(namespace),
      ...checkNetwork(graph, namespace),
    ]),
};

function checkLevel(namespace: Resource): Violation[] {
  const name = String(valueAt(namespace.inputs, 'metadata.name'));
  const value = podSecurityOf(namespace);
  if ((allowed[name] ?? ['restricted']).includes(String(value))) return [];
  const property = 'metadata.labels.pod-security.kubernetes.io/enforce';
  return [
    violationAt(namespace, { property, value }, `${name} must be ${(allowed[name] ?? ['restricted']).join(' or ')}`),
  ];
}

function checkNetwork(graph: Graph, namespace: Resource): Violation[] {
  const policies = ofType(graph, 'kubernetes:networking.k8s.io/v1:NetworkPolicy');
  const inside = policies.filter((policy) => namespaceOf(graph, policy) === namespace);
  const lacking = ['Ingress', 'Egress'].filter((direction) => !inside.some((policy) => denies(policy, direction)));
  return lacking.map((direction) =>
    violationAt(namespace, { property: `networkPolicy.${direction}`, value: undefined }, 'is not denied by default'),
  );
}

/** Every pod, in this direction, nothing let through. */
function denies({ inputs }: Resource, direction: string): boolean {
  const pods = valueAt(inputs, 'spec.podSelector');
  const types = valueAt(inputs, 'spec.policyTypes');
  const rules = valueAt(inputs, `spec.${direction.toLowerCase()}`);
  return (
    typeof pods === 'object' &&
    pods !== null &&
    Object.keys(pods).length === 0 &&
    Array.isArray(types) &&
    types.includes(direction) &&
    (rules === undefined || (Array.isArray(rules) && rules.length === 0))
  );
}
