import type { Resource } from '#policies/graph.ts';

/** A fault planted in a resource of the graph, or in one that is added to it, and what must be found then. */
export interface Mutant {
  readonly rule: string;
  readonly fault: string;
  readonly environments: readonly ('dev' | 'prod')[];
  readonly plant: Planting;
  /** By resource and property, with the value; `[type name, property, value]`. */
  readonly found: readonly (readonly [resource: string, property: string, value: unknown])[];
}

/** A change that looks like a fault and is none. */
export interface Variant {
  readonly change: string;
  readonly environments: readonly ('dev' | 'prod')[];
  readonly plant: Planting;
}

export type Planting =
  | {
      /** Name of the resource that is changed. */
      readonly into: string;
      readonly change: Partial<Pick<Resource, 'parent' | 'protect' | 'retainOnDelete'>>;
    }
  | {
      readonly into: string;
      /** Path in the inputs, to the value that replaces what stands there; undefined removes it. */
      readonly set: Readonly<Record<string, unknown>>;
    }
  | { readonly add: Pick<Resource, 'type' | 'name' | 'inputs'> }
  | { readonly remove: string };

const both = ['dev', 'prod'] as const;
const digest = `sha256:${'a'.repeat(64)}`;

const ingressRule = 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule redis-state-from-nodes';
const cluster = 'eks:index:Cluster cluster-cluster';
const redis = 'aws:elasticache/replicationGroup:ReplicationGroup redis-state-group';
const gpuPool = 'aws:eks/nodeGroup:NodeGroup gpu-pool-nodes';
const gpuQuota = 'kubernetes:core/v1:ResourceQuota platform-gpu-quota';
const deployment = 'kubernetes:apps/v1:Deployment scoring-deployment';
const statefulSet = 'kubernetes:apps/v1:StatefulSet clickhouse-server';
const quotaProperty = 'spec.hard.requests.nvidia.com/gpu';
const image = 'spec.template.spec.containers[0].image';

function door(spec: unknown): Planting {
  return { add: { type: 'kubernetes:core/v1:Service', name: 'door', inputs: { spec } } };
}

function securityGroup(ingress: unknown): Planting {
  return { add: { type: 'aws:ec2/securityGroup:SecurityGroup', name: 'wide', inputs: { ingress } } };
}

const openEndpoints: Omit<Mutant, 'rule'>[] = [
  {
    fault: 'Redis admits all of IPv4',
    environments: both,
    plant: { into: 'redis-state-from-nodes', set: { cidrIpv4: '0.0.0.0/0' } },
    found: [[ingressRule, 'cidrIpv4', '0.0.0.0/0']],
  },
  {
    fault: 'Redis admits all of IPv6',
    environments: both,
    plant: { into: 'redis-state-from-nodes', set: { cidrIpv6: '::/0' } },
    found: [[ingressRule, 'cidrIpv6', '::/0']],
  },
  {
    fault: 'a security group admits the internet in two halves',
    environments: both,
    plant: securityGroup([{ cidrBlocks: ['10.0.0.0/8', '0.0.0.0/1', '128.0.0.0/1'] }]),
    found: [
      ['aws:ec2/securityGroup:SecurityGroup wide', 'ingress[0].cidrBlocks[1]', '0.0.0.0/1'],
      ['aws:ec2/securityGroup:SecurityGroup wide', 'ingress[0].cidrBlocks[2]', '128.0.0.0/1'],
    ],
  },
  {
    fault: 'a security group hides whom it admits',
    environments: both,
    plant: securityGroup('[secret]'),
    found: [['aws:ec2/securityGroup:SecurityGroup wide', 'ingress', '[secret]']],
  },
  {
    fault: 'the API admits everybody',
    environments: ['dev'],
    plant: { into: 'cluster-cluster', set: { publicAccessCidrs: ['203.0.113.0/24', '0.0.0.0/0'] } },
    found: [[cluster, 'publicAccessCidrs[1]', '0.0.0.0/0']],
  },
  {
    fault: 'the API is public and names nobody, which AWS takes for everybody',
    environments: ['dev'],
    plant: { into: 'cluster-cluster', set: { publicAccessCidrs: undefined } },
    found: [[cluster, 'publicAccessCidrs', undefined]],
  },
  {
    fault: 'the API of prod is public, though for one range only',
    environments: ['prod'],
    plant: { into: 'cluster-cluster', set: { endpointPublicAccess: true, publicAccessCidrs: ['203.0.113.0/24'] } },
    found: [[cluster, 'endpointPublicAccess', true]],
  },
  {
    fault: 'the API of prod is left to the default of AWS, which is public',
    environments: ['prod'],
    plant: { into: 'cluster-cluster', set: { endpointPublicAccess: undefined } },
    found: [[cluster, 'endpointPublicAccess', undefined]],
  },
  {
    fault: 'a load balancer has no allow list',
    environments: both,
    plant: door({ type: 'LoadBalancer' }),
    found: [['kubernetes:core/v1:Service door', 'spec.loadBalancerSourceRanges', undefined]],
  },
  {
    fault: 'a load balancer allows everybody',
    environments: both,
    plant: door({ type: 'LoadBalancer', loadBalancerSourceRanges: ['0.0.0.0/0'] }),
    found: [['kubernetes:core/v1:Service door', 'spec.loadBalancerSourceRanges[0]', '0.0.0.0/0']],
  },
];

const unprotected: Omit<Mutant, 'rule'>[] = [
  {
    fault: 'the store may be deleted',
    environments: both,
    plant: { into: 'store-bucket', change: { protect: false } },
    found: [['aws:s3/bucket:Bucket store-bucket', 'protect', false]],
  },
  {
    fault: 'the state in Redis goes with the line that makes it',
    environments: both,
    plant: { into: 'redis-state-group', change: { retainOnDelete: false } },
    found: [[redis, 'retainOnDelete', false]],
  },
  {
    fault: 'a database is added like anything else',
    environments: both,
    plant: { add: { type: 'aws:rds/cluster:Cluster', name: 'ledger', inputs: {} } },
    found: [
      ['aws:rds/cluster:Cluster ledger', 'protect', false],
      ['aws:rds/cluster:Cluster ledger', 'retainOnDelete', false],
    ],
  },
  {
    fault: 'the bucket takes its objects with it',
    environments: both,
    plant: { into: 'store-bucket', set: { forceDestroy: true } },
    found: [['aws:s3/bucket:Bucket store-bucket', 'forceDestroy', true]],
  },
  {
    fault: 'the volume of ClickHouse goes with the line that makes it',
    environments: both,
    plant: { into: 'clickhouse-volume', change: { retainOnDelete: false } },
    found: [['kubernetes:core/v1:PersistentVolumeClaim clickhouse-volume', 'retainOnDelete', false]],
  },
  {
    fault: 'a set makes its own volumes, and they go when it is scaled to none',
    environments: both,
    plant: {
      into: 'clickhouse-server',
      set: {
        'spec.volumeClaimTemplates': [{ metadata: { name: 'data' } }],
        'spec.persistentVolumeClaimRetentionPolicy': { whenDeleted: 'Retain', whenScaled: 'Delete' },
      },
    },
    found: [
      [statefulSet, 'protect', false],
      [statefulSet, 'retainOnDelete', false],
      [statefulSet, 'spec.persistentVolumeClaimRetentionPolicy.whenScaled', 'Delete'],
    ],
  },
  {
    fault: 'disks go with their claims, as is the default',
    environments: both,
    plant: { into: 'clickhouse-storage', set: { reclaimPolicy: undefined } },
    found: [['kubernetes:storage.k8s.io/v1:StorageClass clickhouse-storage', 'reclaimPolicy', undefined]],
  },
];

const looseImages: Omit<Mutant, 'rule'>[] = [
  {
    fault: 'a service runs by tag',
    environments: both,
    plant: { into: 'scoring-deployment', set: { [image]: 'registry.example/scoring:1.2' } },
    found: [[deployment, image, 'registry.example/scoring:1.2']],
  },
  {
    fault: 'an image has a digest and is tagged latest',
    environments: both,
    plant: { into: 'scoring-deployment', set: { [image]: `registry.example/scoring:latest@${digest}` } },
    found: [[deployment, image, `registry.example/scoring:latest@${digest}`]],
  },
  {
    fault: 'a digest is cut short',
    environments: both,
    plant: { into: 'clickhouse-server', set: { [image]: 'registry.example/clickhouse@sha256:abc' } },
    found: [[statefulSet, image, 'registry.example/clickhouse@sha256:abc']],
  },
  {
    fault: 'only what prepares the pod runs by tag',
    environments: both,
    plant: {
      into: 'scoring-deployment',
      set: { 'spec.template.spec.initContainers': [{ name: 'prepare', image: 'busybox' }] },
    },
    found: [[deployment, 'spec.template.spec.initContainers[0].image', 'busybox']],
  },
  {
    fault: 'a nightly job hides what it runs',
    environments: both,
    plant: { add: { type: 'kubernetes:batch/v1:CronJob', name: 'nightly', inputs: { spec: '[secret]' } } },
    found: [['kubernetes:batch/v1:CronJob nightly', 'spec', '[secret]']],
  },
];

const unequalCaps: Omit<Mutant, 'rule'>[] = [
  {
    fault: 'the pool may grow beyond the quota',
    environments: ['prod'],
    plant: { into: 'gpu-pool-nodes', set: { 'scalingConfig.maxSize': 5 } },
    found: [
      [gpuPool, 'scalingConfig.maxSize', 5],
      [gpuQuota, quotaProperty, '4'],
    ],
  },
  {
    fault: 'the quota allows what the pool can not hold',
    environments: ['dev'],
    plant: { into: 'platform-gpu-quota', set: { 'spec.hard': { 'requests.nvidia.com/gpu': '2' } } },
    found: [
      [gpuPool, 'scalingConfig.maxSize', 1],
      [gpuQuota, quotaProperty, '2'],
    ],
  },
  {
    fault: 'nodes carry four GPUs and are counted as one',
    environments: ['prod'],
    plant: { into: 'gpu-pool-nodes', set: { instanceTypes: ['g6.12xlarge'] } },
    found: [
      [gpuPool, 'scalingConfig.maxSize', 4],
      [gpuQuota, quotaProperty, '4'],
    ],
  },
  {
    fault: 'there is a pool and no quota',
    environments: ['prod'],
    plant: { remove: 'platform-gpu-quota' },
    found: [[gpuPool, 'scalingConfig.maxSize', 4]],
  },
  {
    fault: 'a pool mixes one GPU with four',
    environments: both,
    plant: { into: 'gpu-pool-nodes', set: { instanceTypes: ['g6.xlarge', 'g6.12xlarge'] } },
    found: [[gpuPool, 'instanceTypes', ['g6.xlarge', 'g6.12xlarge']]],
  },
  {
    fault: 'a pool is of a type whose GPUs nobody has counted',
    environments: both,
    plant: { into: 'gpu-pool-nodes', set: { instanceTypes: ['p9.giant'] } },
    found: [[gpuPool, 'instanceTypes', ['p9.giant']]],
  },
];

const wrongEvictions: Omit<Mutant, 'rule'>[] = [
  {
    fault: 'state is evicted when it is full',
    environments: both,
    plant: { into: 'redis-state-parameters', set: { 'parameters[0].value': 'volatile-lru' } },
    found: [
      ['aws:elasticache/parameterGroup:ParameterGroup redis-state-parameters', 'parameters[0].value', 'volatile-lru'],
    ],
  },
  {
    fault: 'the cache evicts what has no expiry too',
    environments: both,
    plant: { into: 'redis-cache-parameters', set: { 'parameters[0].value': 'allkeys-lru' } },
    found: [
      ['aws:elasticache/parameterGroup:ParameterGroup redis-cache-parameters', 'parameters[0].value', 'allkeys-lru'],
    ],
  },
  {
    fault: 'the cache says nothing of eviction',
    environments: both,
    plant: { into: 'redis-cache-parameters', set: { parameters: [] } },
    found: [['aws:elasticache/parameterGroup:ParameterGroup redis-cache-parameters', 'parameters', []]],
  },
  {
    fault: 'state stands on the cache’s parameters',
    environments: both,
    plant: { into: 'redis-state-group', set: { parameterGroupName: '${redis-cache-parameters.name}' } },
    found: [[redis, 'parameterGroupName', '${redis-cache-parameters.name}']],
  },
  {
    fault: 'state stands on the parameters of AWS',
    environments: both,
    plant: { into: 'redis-state-group', set: { parameterGroupName: 'default.valkey8' } },
    found: [[redis, 'parameterGroupName', 'default.valkey8']],
  },
  {
    fault: 'a store is neither state nor cache',
    environments: both,
    plant: { into: 'redis-state-group', change: { parent: 'redis-sessions' } },
    found: [[redis, 'parent', 'redis-sessions']],
  },
];

export const mutants: readonly Mutant[] = [
  ...openEndpoints.map((mutant) => ({ rule: 'no-open-endpoint', ...mutant })),
  ...unprotected.map((mutant) => ({ rule: 'stateful-is-protected', ...mutant })),
  ...looseImages.map((mutant) => ({ rule: 'images-by-digest', ...mutant })),
  ...unequalCaps.map((mutant) => ({ rule: 'gpu-cap-agrees', ...mutant })),
  ...wrongEvictions.map((mutant) => ({ rule: 'redis-policies', ...mutant })),
];

export const variants: readonly Variant[] = [
  {
    change: 'a load balancer for one range',
    environments: both,
    plant: door({ type: 'LoadBalancer', loadBalancerSourceRanges: ['203.0.113.0/24'] }),
  },
  {
    change: 'a security group that lets traffic out to everywhere',
    environments: both,
    plant: {
      add: {
        type: 'aws:ec2/securityGroupRule:SecurityGroupRule',
        name: 'out',
        inputs: { type: 'egress', cidrBlocks: ['0.0.0.0/0'] },
      },
    },
  },
  {
    change: 'a stateful set without volumes, unprotected',
    environments: both,
    plant: {
      add: {
        type: 'kubernetes:apps/v1:StatefulSet',
        name: 'ring',
        inputs: { spec: { template: { spec: { containers: [{ image: `registry.example/ring@${digest}` }] } } } },
      },
    },
  },
  {
    change: 'a version beside an image’s digest',
    environments: both,
    plant: { into: 'scoring-deployment', set: { [image]: `registry.example/scoring:1.2@${digest}` } },
  },
  {
    change: 'one node of four GPUs under a quota of four',
    environments: ['prod'],
    plant: { into: 'gpu-pool-nodes', set: { instanceTypes: ['g6.12xlarge'], 'scalingConfig.maxSize': 1 } },
  },
  {
    change: 'a quota of something other than GPUs',
    environments: both,
    plant: {
      add: { type: 'kubernetes:core/v1:ResourceQuota', name: 'pods', inputs: { spec: { hard: { pods: '10' } } } },
    },
  },
];
