import { isRecord, listOf, valueAt, valuesAt, type Graph, type LocatedValue } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';
import { containersOf, namespaceOf, podSecurityOf, podsOf, type Pod } from './workloads.ts';

/** What hosts themselves are watched by stands in namespaces that say so, and is not judged here. */
const judged: readonly unknown[] = [undefined, 'restricted'];
const hostKeys = ['hostNetwork', 'hostPID', 'hostIPC'] as const;
const rootUser = 0;

export const podsRestricted: Rule = {
  name: 'pods-restricted',
  why: 'whoever breaks out of one container owns the node and every token on it',
  remedy: 'restrictedPod() and restrictedContainer() of infra/planning/pod-security.ts, and no token of the account',
  scope: 'graph',
  check: (graph) =>
    graph.resources
      .filter((resource) => judged.includes(podSecurityOf(namespaceOf(graph, resource))))
      .flatMap((resource) => podsOf(resource).flatMap((pod) => checkPod(graph, pod))),
};

function checkPod(graph: Graph, pod: Pod): Violation[] {
  if (!isRecord(pod.value)) return [violationAt(pod.resource, pod, 'can not be read')];
  const at = (property: string, problem: string) => {
    const found = { property: `${pod.property}.${property}`, value: valueAt(pod.value, property) };
    return violationAt(pod.resource, found, problem);
  };
  const profile = valueAt(pod.value, 'securityContext.seccompProfile.type');
  return [
    ...hostKeys.filter((key) => valueAt(pod.value, key) === true).map((key) => at(key, 'shares the node’s own')),
    ...(profile === 'RuntimeDefault' || profile === 'Localhost'
      ? []
      : [at('securityContext.seccompProfile.type', 'must be RuntimeDefault')]),
    ...(needsToken(graph, pod) || valueAt(pod.value, 'automountServiceAccountToken') === false
      ? []
      : [at('automountServiceAccountToken', 'hands out a token that nobody needs')]),
    ...hostPaths(pod),
    ...containersOf(pod).flatMap((container) => checkContainer(pod, container)),
  ];
}

/** Whoever a role is bound to talks to Kubernetes, and needs its token. */
function needsToken({ resources }: Graph, { value }: Pod): boolean {
  const account = valueAt(value, 'serviceAccountName');
  if (typeof account !== 'string') return false;
  return resources
    .filter(({ type }) => /^kubernetes:rbac\.authorization\.k8s\.io\/v1:(Cluster)?RoleBinding$/.test(type))
    .some(({ inputs }) => valuesAt(inputs, 'subjects[].name').some((subject) => subject.value === account));
}

function hostPaths({ resource, property, value }: Pod): Violation[] {
  return valuesAt(value, 'volumes[]')
    .filter(({ value: volume }) => valueAt(volume, 'hostPath') !== undefined)
    .map((volume) => ({
      property: `${property}.${volume.property}.hostPath`,
      value: valueAt(volume.value, 'hostPath.path'),
    }))
    .map((found) => violationAt(resource, found, 'opens the node’s own files'));
}

function checkContainer(pod: Pod, container: LocatedValue): Violation[] {
  const context = (key: string) => valueAt(container.value, `securityContext.${key}`);
  const at = (key: string, problem: string) =>
    violationAt(
      pod.resource,
      { property: `${container.property}.securityContext.${key}`, value: context(key) },
      problem,
    );
  const inherited = valueAt(pod.value, 'securityContext.runAsNonRoot');
  const user = context('runAsUser') ?? valueAt(pod.value, 'securityContext.runAsUser');
  return [
    ...((context('runAsNonRoot') ?? inherited) === true && user !== rootUser
      ? []
      : [at('runAsNonRoot', 'may run as root')]),
    ...(context('privileged') === true ? [at('privileged', 'owns the node')] : []),
    ...(context('allowPrivilegeEscalation') === false ? [] : [at('allowPrivilegeEscalation', 'must be false')]),
    ...(context('readOnlyRootFilesystem') === true ? [] : [at('readOnlyRootFilesystem', 'may change its own program')]),
    ...(listOf(context('capabilities.drop')).includes('ALL') ? [] : [at('capabilities.drop', 'must hold ALL')]),
  ];
}
