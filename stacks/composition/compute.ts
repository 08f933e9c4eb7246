import type { Output, Resource } from '@pulumi/pulumi';
import { createCapacity } from '#infra/compute/capacity.ts';
import { planGpuCaps } from '#infra/planning/compute/pools.ts';
import { planPools } from '../settings/compute.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { ClusterLayer, Foundation, NetworkLayer } from './layers.ts';

export interface ComputeRequest {
  readonly settings: AwsSettings;
  readonly foundation: Foundation;
  readonly network: NetworkLayer;
  readonly cluster: ClusterLayer;
  /** Where operators run. */
  readonly namespaces: { readonly system: Output<string> };
}

export interface ComputeLayer {
  /** What has to stand before a pod of a service is made: the pools, and what makes their nodes. */
  readonly ready: readonly Resource[];
  /** Where AWS says which nodes it is about to take; absent where EKS itself listens. */
  readonly queueName?: Output<string>;
  /** What all pods together may ask for of `nvidia.com/gpu`. */
  readonly quotaGpus: number;
  /** Replicas that an autoscaler of GPU workers may ask for. */
  readonly workersMax: number;
}

/** The pools that work is done on. */
export function createCompute({ settings, foundation, network, cluster, namespaces }: ComputeRequest): ComputeLayer {
  const { region, accountId, tags } = foundation;
  const capacity = createCapacity(
    {
      backend: settings.capacity,
      plans: planPools(settings),
      cluster: { ...cluster, region, accountId },
      subnetIds: network.privateSubnetIds,
      namespace: namespaces.system,
      isolated: settings.network.nat === 'none',
      tags,
      after: cluster.ready,
    },
    { providers: cluster.providers },
  );
  const { quotaGpus, workersMax } = planGpuCaps({ gpuMax: settings.gpuMax, ...settings.gpu });
  const { ready, ...heard } = capacity;
  return { ...heard, ready: [...cluster.ready, ...ready], quotaGpus, workersMax };
}
