import type { types } from '@pulumi/kubernetes';
import { gpuTaintKey, poolLabel } from '../compute/pools.ts';

type PodSpec = types.input.core.v1.PodSpec;

export interface PlacementRequest {
  /** Labels that all pods of the service carry. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether nodes carry `orrery.dev/pool`: those of a cloud of its own do, those of a cluster that was there may not. */
  readonly nodePools: boolean;
  /** One instance with a volume: it belongs where nodes are not reclaimed. */
  readonly stateful: boolean;
  /** GPUs of a pod; 0 for none. */
  readonly gpus: number;
}

const zoneKey = 'topology.kubernetes.io/zone';
const nodeKey = 'kubernetes.io/hostname';

/** Where the pods of a service go: over zones and nodes evenly, and to the pool whose nodes suit them. */
export function planPlacement(
  request: PlacementRequest,
): Pick<PodSpec, 'topologySpreadConstraints' | 'affinity' | 'tolerations'> {
  const { labels, gpus } = request;
  const labelSelector = { matchLabels: { ...labels } };
  return {
    // Evenness is wished for, never waited for: a pod beside another is better than no pod.
    topologySpreadConstraints: [zoneKey, nodeKey].map((topologyKey) => ({
      topologyKey,
      maxSkew: 1,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector,
    })),
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { topologyKey: nodeKey, labelSelector } },
        ],
      },
      ...(request.nodePools ? { nodeAffinity: planPools(request) } : {}),
    },
    ...(gpus > 0 ? { tolerations: [{ key: gpuTaintKey, operator: 'Exists', effect: 'NoSchedule' }] } : {}),
  };
}

/** On demand for what owns a volume, GPU nodes for what asks for one, and for the rest spot while there is any. */
function planPools({ stateful, gpus }: PlacementRequest): types.input.core.v1.NodeAffinity {
  const among = (values: string[]) => ({ matchExpressions: [{ key: poolLabel, operator: 'In', values }] });
  const required = (values: string[]) => ({
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [among(values)] },
  });
  if (gpus > 0) return required(['gpu']);
  if (stateful) return required(['general']);
  return {
    ...required(['general', 'spot']),
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: among(['spot']) }],
  };
}
