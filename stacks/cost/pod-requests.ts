import { valueAt, valuesAt } from '#policies/graph.ts';
import { gpuTaintKey, poolLabel } from '#infra/planning/compute/pools.ts';
import { coresOf, entryOf, gigabytesOf } from './charging.ts';

/** What pods reserve of a node. */
export interface PodRequest {
  readonly cores: number;
  readonly memoryGiB: number;
  readonly gpus: number;
}

const noRequest: PodRequest = { cores: 0, memoryGiB: 0, gpus: 0 };

export function addRequests(requests: readonly PodRequest[]): PodRequest {
  return requests.reduce(
    (sum, one) => ({
      cores: sum.cores + one.cores,
      memoryGiB: sum.memoryGiB + one.memoryGiB,
      gpus: sum.gpus + one.gpus,
    }),
    noRequest,
  );
}

export function times({ cores, memoryGiB, gpus }: PodRequest, pods: number): PodRequest {
  return { cores: cores * pods, memoryGiB: memoryGiB * pods, gpus: gpus * pods };
}

/** What `resources` of a container reserves: of each the request, or the limit where there is none, as Kubernetes reads it. */
export function requestOf(resources: unknown): PodRequest {
  const read = (name: string) =>
    entryOf(valueAt(resources, 'requests'), name) ?? entryOf(valueAt(resources, 'limits'), name);
  return {
    cores: coresOf(read('cpu')) ?? 0,
    memoryGiB: gigabytesOf(read('memory')) ?? 0,
    gpus: Number(read(gpuTaintKey) ?? 0),
  };
}

/** What a pod reserves: its containers, and those initial ones that stay beside them. */
export function requestOfPod(spec: unknown): PodRequest {
  const stays = valuesAt(spec, 'initContainers[]').filter(({ value }) => valueAt(value, 'restartPolicy') === 'Always');
  const containers = [...valuesAt(spec, 'containers[]'), ...stays];
  return addRequests(containers.map(({ value }) => requestOf(valueAt(value, 'resources'))));
}

/** The pools that a pod may run on by its label, those that it prefers first; undefined for one that takes any. */
export function poolsOfPod(spec: unknown): readonly string[] | undefined {
  const selected = entryOf(valueAt(spec, 'nodeSelector'), poolLabel);
  if (typeof selected === 'string') return [selected];
  const scheduling = 'DuringSchedulingIgnoredDuringExecution';
  const allowed = labelsIn(spec, `affinity.nodeAffinity.required${scheduling}.nodeSelectorTerms[].matchExpressions[]`);
  const preferred = labelsIn(spec, `affinity.nodeAffinity.preferred${scheduling}[].preference.matchExpressions[]`);
  if (allowed.length === 0 && preferred.length === 0) return undefined;
  if (allowed.length === 0) return preferred;
  return [...new Set([...preferred.filter((pool) => allowed.includes(pool)), ...allowed])];
}

/** True where no node may have two of its pods: so many pods need so many nodes, however small they are. */
export function isApart(spec: unknown): boolean {
  const terms = 'affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[].topologyKey';
  return valuesAt(spec, terms).some(({ value }) => value === 'kubernetes.io/hostname');
}

function labelsIn(spec: unknown, path: string): string[] {
  return valuesAt(spec, path)
    .filter(({ value }) => valueAt(value, 'key') === poolLabel && valueAt(value, 'operator') === 'In')
    .flatMap(({ value }) => valuesAt(value, 'values[]').map((one) => String(one.value)));
}
