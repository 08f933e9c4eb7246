import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';
import { planDisruption, type DisruptionPlan } from './disruption.ts';
import { largestShape } from './instance-types.ts';
import { planDisks, planNodeSettings } from './node-settings.ts';
import { gpuSharesLabel, gpuTaintKey, poolLabel, type PoolPlan } from './pools.ts';
import { machineImages } from '../versions.ts';

/*
 * What Karpenter is told of a pool: an EC2NodeClass (karpenter.k8s.aws/v1) says what a node is, a NodePool (karpenter.sh/v1) how many
 * there may be and when they go.
 */

export interface NodeClassRequest {
  readonly plan: PoolPlan;
  /** Name of the profile that carries the nodes' role. */
  readonly instanceProfile: Input<string>;
  readonly subnetIds: Input<string>[];
  readonly securityGroupId: Input<string>;
  /** Put on instances and volumes, which the provider's default tags don't reach. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface NodeClassSpec {
  readonly amiSelectorTerms: readonly { readonly alias: string }[];
  readonly instanceProfile: Input<string>;
  readonly subnetSelectorTerms: readonly { readonly id: Input<string> }[];
  readonly securityGroupSelectorTerms: readonly { readonly id: Input<string> }[];
  readonly associatePublicIPAddress: false;
  readonly metadataOptions: Readonly<Record<string, string | number>>;
  readonly blockDeviceMappings: readonly { readonly deviceName: string; readonly ebs: EncryptedDisk }[];
  readonly kubelet: Readonly<Record<string, unknown>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Bottlerocket's settings beyond those that Karpenter makes. */
  readonly userData?: string;
}

interface EncryptedDisk {
  readonly volumeSize: string;
  readonly volumeType: 'gp3';
  readonly encrypted: true;
  readonly deleteOnTermination: true;
}

export interface NodePoolSpec {
  /** Which pool is tried first for a pod that fits several. */
  readonly weight: number;
  readonly limits: Readonly<Record<string, string>>;
  readonly disruption: Omit<DisruptionPlan, 'expireAfter' | 'terminationGracePeriod'>;
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: {
      readonly nodeClassRef: { readonly group: string; readonly kind: string; readonly name: string };
      readonly taints: readonly { readonly key: string; readonly value: string; readonly effect: 'NoSchedule' }[];
      readonly requirements: readonly Requirement[];
      readonly expireAfter: string;
      readonly terminationGracePeriod?: string;
    };
  };
}

export interface Requirement {
  readonly key: string;
  readonly operator: 'In';
  readonly values: readonly string[];
}

/** A pod that names no pool goes to spot capacity, then to what stands in for it, and last to where data lies. */
const weights: Readonly<Record<PoolPlan['name'], number>> = {
  system: 1,
  general: 10,
  gpu: 20,
  'spot-fallback': 30,
  spot: 50,
};

/** Images are removed before a full disk evicts pods, and pods are evicted before the kernel kills what it likes. */
const kubelet = {
  imageGCHighThresholdPercent: 80,
  imageGCLowThresholdPercent: 60,
  evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '10%', 'pid.available': '10%' },
};

export function planNodeClass({ plan, tags, ...place }: NodeClassRequest): NodeClassSpec {
  const userData = planNodeSettings(plan);
  return {
    amiSelectorTerms: [{ alias: `bottlerocket@${machineImages.bottlerocket.version}` }],
    instanceProfile: place.instanceProfile,
    subnetSelectorTerms: place.subnetIds.map((id) => ({ id })),
    securityGroupSelectorTerms: [{ id: place.securityGroupId }],
    associatePublicIPAddress: false,
    metadataOptions: {
      httpEndpoint: 'enabled',
      httpProtocolIPv6: 'disabled',
      httpTokens: 'required',
      // A container is one hop further away than its node: it never reaches the node's credentials.
      httpPutResponseHopLimit: 1,
    },
    blockDeviceMappings: planDisks(plan).map(({ device, sizeGiB }) => ({
      deviceName: device,
      ebs: { volumeSize: `${sizeGiB}Gi`, volumeType: 'gp3', encrypted: true, deleteOnTermination: true },
    })),
    kubelet,
    tags: { ...tags, Name: `${plan.name}-pool` },
    ...(userData === undefined ? {} : { userData }),
  };
}

/**
 * The pool's node class has its name. Refuses a pool of nodes that are always there: Karpenter makes nodes for pods and takes them away
 * without.
 */
export function planNodePool(plan: PoolPlan): NodePoolSpec {
  if (plan.nodesMin > 0) {
    throw new PlanError({
      code: 'POOL_SIZE_INVALID',
      message: `the ${plan.name} pool has nodesMin ${plan.nodesMin}, and Karpenter keeps no node without pods`,
      hint: 'set nodesMin 0: nodes come with the pods that need them',
    });
  }
  const { expireAfter, terminationGracePeriod, ...disruption } = planDisruption(plan);
  return {
    weight: weights[plan.name],
    limits: limitsOf(plan),
    disruption,
    template: {
      metadata: { labels: planPoolLabels(plan) },
      spec: {
        nodeClassRef: { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: plan.name },
        taints: plan.taints.map(({ key, value }) => ({ key, value, effect: 'NoSchedule' })),
        requirements: [
          among('karpenter.sh/capacity-type', [plan.capacityType === 'SPOT' ? 'spot' : 'on-demand']),
          among('kubernetes.io/arch', ['amd64']),
          among('kubernetes.io/os', ['linux']),
          among('node.kubernetes.io/instance-type', plan.instanceTypes),
        ],
        expireAfter,
        ...(terminationGracePeriod === undefined ? {} : { terminationGracePeriod }),
      },
    },
  };
}

/**
 * What one node of the pool seems to hold: Karpenter counts whole GPUs, so without this it would start a node for every share. Undefined
 * where nothing is shared.
 */
export function planGpuOverlay({ name, gpus }: PoolPlan): Readonly<Record<string, unknown>> | undefined {
  if (gpus === undefined || gpus.sharesPerGpu === 1) return undefined;
  return {
    requirements: [among('karpenter.sh/nodepool', [name])],
    capacity: { [gpuTaintKey]: String(gpus.perNode * gpus.sharesPerGpu) },
  };
}

/** The labels of a pool's nodes, whoever makes them. */
export function planPoolLabels({ kind, gpus }: PoolPlan): Record<string, string> {
  return {
    [poolLabel]: kind,
    ...(gpus === undefined ? {} : { [gpuSharesLabel]: String(gpus.sharesPerGpu) }),
  };
}

/** Karpenter counts cores and memory, not nodes: `nodesMax` of the largest type. GPUs are counted as pods ask for them, in shares. */
function limitsOf({ instanceTypes, nodesMax, gpus }: PoolPlan): Record<string, string> {
  const { cpu, memoryGiB } = largestShape(instanceTypes);
  return {
    cpu: String(nodesMax * cpu),
    memory: `${nodesMax * memoryGiB}Gi`,
    ...(gpus === undefined ? {} : { [gpuTaintKey]: String(gpus.quotaGpus) }),
  };
}

function among(key: string, values: readonly string[]): Requirement {
  return { key, operator: 'In', values };
}
