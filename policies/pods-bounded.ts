import { valueAt, valuesAt, type LocatedValue } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';
import { containersOf, podsOf, type Pod } from './workloads.ts';

const served = /^kubernetes:apps\/v1:(DaemonSet|Deployment|StatefulSet)$/;
const probes = ['livenessProbe', 'readinessProbe'] as const;
const bounds = ['requests.cpu', 'requests.memory', 'limits.memory'] as const;
const gpu = 'nvidia.com/gpu';

export const podsBounded: Rule = {
  name: 'pods-bounded',
  why: 'one pod takes its node’s memory and all its neighbours die; one that hangs is sent requests for ever',
  remedy: 'requests for cores and memory, a limit for memory, a probe that tells ready and one that tells alive',
  scope: 'resource',
  check: ({ resources }) => resources.flatMap((resource) => podsOf(resource).flatMap(checkPod)),
};

function checkPod(pod: Pod): Violation[] {
  const running = valuesAt(pod.value, 'containers[]').map(({ property }) => `${pod.property}.${property}`);
  return containersOf(pod).flatMap((container) => [
    ...checkBounds(pod, container),
    ...checkGpus(pod, container),
    ...(served.test(pod.resource.type) && running.includes(container.property) ? checkProbes(pod, container) : []),
  ]);
}

function checkBounds({ resource }: Pod, { property, value }: LocatedValue): Violation[] {
  return bounds
    .filter((bound) => valueAt(value, `resources.${bound}`) === undefined)
    .map((bound) =>
      violationAt(resource, { property: `${property}.resources.${bound}`, value: undefined }, 'is missing'),
    );
}

/** Kubernetes takes the limit for the request, and refuses two numbers; a request alone gets no GPU. */
function checkGpus({ resource }: Pod, { property, value }: LocatedValue): Violation[] {
  const count = (list: string) => {
    const amounts = valueAt(value, `resources.${list}`);
    return typeof amounts === 'object' && amounts !== null ? String(Reflect.get(amounts, gpu) ?? '') : '';
  };
  const [request, limit] = [count('requests'), count('limits')];
  if (request === '' && limit === '') return [];
  if (limit !== '' && (request === '' || request === limit)) return [];
  return [
    violationAt(resource, { property: `${property}.resources.limits.${gpu}`, value: limit }, 'must be the request'),
  ];
}

function checkProbes({ resource }: Pod, { property, value }: LocatedValue): Violation[] {
  return probes
    .filter((probe) => valueAt(value, probe) === undefined)
    .map((probe) => violationAt(resource, { property: `${property}.${probe}`, value: undefined }, 'is missing'));
}
