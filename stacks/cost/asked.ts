import { chargingOf } from './charges.ts';
import { planNodeDemand } from './node-demand.ts';
import { addRequests, times, type PodRequest } from './pod-requests.ts';
import { workloadsOf } from './workloads.ts';
import type { GraphResource } from '../render/graph.ts';

/** What everything that stands asks a cluster for, whoever has the bill. */
export interface Asked extends PodRequest {
  readonly pods: number;
  /** Of volumes that outlive their pods. */
  readonly volumesGiB: number;
  /** Charts, whose pods are not in a graph. */
  readonly charts: number;
}

const gp3 = /^ebs:/;

/** At the least size, a daemon as one pod. Pure. */
export function askedOf(graph: readonly GraphResource[]): Asked {
  const workloads = workloadsOf(graph);
  const around = { region: '', resources: graph, nodes: planNodeDemand([]) };
  const volumes = graph
    .filter(({ type }) => type.startsWith('kubernetes:'))
    .flatMap((resource) => {
      const charging = chargingOf(resource, around);
      return typeof charging === 'string' ? [] : charging.charges;
    })
    .filter(({ keys }) => keys.some((key) => gp3.test(key)));
  return {
    ...addRequests(workloads.map(({ request, pods }) => times(request, pods))),
    pods: workloads.reduce((sum, { pods }) => sum + pods, 0),
    volumesGiB: volumes.reduce((sum, { least }) => sum + least, 0),
    charts: graph.filter(({ type }) => type === 'kubernetes:helm.sh/v3:Release').length,
  };
}
