import { digestOfBytes } from '@orrery/contracts/digest';
import { renamed, withInput, without, withOption, type ChangeCase } from './case.ts';
import { resource } from './graph.ts';

/** Changes of what it stands on: resources, their options, settings, schema, policies. */
export const infrastructureCases: readonly ChangeCase[] = [
  {
    name: 'a setting that only the bill knows: tags',
    settings: (settings) => {
      settings['tags'] = { team: 'research' };
    },
    graph: (graph) =>
      ['network-vpc', 'network-private-a', 'system-template', 'gpu-template'].reduce(
        (changed, name) => withInput(changed, name, 'tags.team', 'research'),
        [...graph],
      ),
    verdict: 'safe',
    lines: [
      'prod: BASE -> BASE (binding # -> #)  SAFE  5 changes',
      '',
      'SETTINGS  1 value of settings',
      '  + settings  tags: set to {"team":"research"}',
      '',
      'RESOURCES  4 updated',
      '  ~ 4 x team  platform -> research; in gpu-template, network-private-a, network-vpc, system-template',
    ],
  },
  {
    name: 'another bucket',
    graph: (graph) => [
      ...graph,
      resource('aws:s3/bucket:Bucket', 'archive', { options: { protect: true, retainOnDelete: true } }),
    ],
    verdict: 'safe',
    lines: [
      'prod: BASE -> BASE (render # -> #)  SAFE  1 change',
      '',
      'RESOURCES  1 created',
      '  + archive  aws:s3/bucket:Bucket created',
    ],
  },
  {
    name: 'a bucket without protection breaks the policy',
    graph: (graph) => [...graph, resource('aws:s3/bucket:Bucket', 'archive')],
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  3 changes, 2 policy violations',
      '  blocked: aws:s3/bucket:Bucket archive breaks stateful-is-protected at protect [policy-broken]',
      '  blocked: aws:s3/bucket:Bucket archive breaks stateful-is-protected at retainOnDelete [policy-broken]',
    ],
  },
  {
    name: 'what breaks a rule at the same property is told in one line, however many they are',
    graph: (graph) =>
      ['store-bucket', 'key', 'token-password'].reduce(
        (open, name) => withOption(open, name, 'retainOnDelete', undefined),
        [...graph, resource('aws:s3/bucket:Bucket', 'archive', { options: { retainOnDelete: true } })],
      ),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  8 changes, 3 stateful unprotected, 4 policy violations',
      '',
      'STATEFUL',
      '  ~ key             aws:kms/key:Key unprotected: retainOnDelete; nothing stands in the way of its deletion',
      '  ~ store-bucket    aws:s3/bucket:Bucket unprotected: retainOnDelete; nothing stands in the way of its deletion',
      '  ~ token-password  random:index/randomPassword:RandomPassword unprotected: retainOnDelete; nothing stands in the way of its deletion',
      '',
      '  blocked: stateful-is-protected is broken at retainOnDelete by 3: key, store-bucket, token-password [policy-broken]',
      '  blocked: aws:s3/bucket:Bucket archive breaks stateful-is-protected at protect [policy-broken]',
    ],
  },
  {
    name: 'a bucket is renamed without an alias',
    graph: (graph) => renamed(graph, 'store-bucket', 'objects-bucket'),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  3 changes, 1 stateful deleted',
      '',
      'STATEFUL',
      '  - store-bucket  aws:s3/bucket:Bucket deleted: renamed to objects-bucket without an alias; protected: the engine will refuse',
      '',
      '  blocked: store-bucket is protected: the engine will refuse to delete it [protected-refused]',
      '  needs review: store-versioning is replaced [resource-replaced]',
    ],
  },
  {
    name: 'a bucket is renamed with an alias',
    graph: (graph) =>
      withOption(renamed(graph, 'store-bucket', 'objects-bucket'), 'objects-bucket', 'aliases', [
        { name: 'store-bucket' },
      ]),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (render # -> #)  NEEDS REVIEW  2 changes',
      '  needs review: store-versioning is replaced [resource-replaced]',
      '',
      'RESOURCES  1 replaced, 1 with other options',
      '  ! store-versioning  aws:s3/bucketVersioning:BucketVersioning replaced',
      '      bucket: ${store-bucket.bucket} -> ${objects-bucket.bucket} (forces the replacement)',
    ],
  },
  {
    name: 'a database is replaced, and protected',
    graph: (graph) => withInput(graph, 'redis-state-group', 'kmsKeyId', 'alias/aws/elasticache'),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  1 change, 4 more follow, 1 stateful replaced',
      '',
      'STATEFUL',
      '  ! redis-state-group  aws:elasticache/replicationGroup:ReplicationGroup replaced: kmsKeyId; protected: the engine will refuse',
      '',
      '  blocked: redis-state-group is protected: the engine will refuse to replace it [protected-refused]',
    ],
  },
  {
    name: 'protection is dropped and the database replaced at once',
    graph: (graph) => {
      const open = withOption(
        withOption(graph, 'redis-state-group', 'protect', undefined),
        'redis-state-group',
        'retainOnDelete',
        undefined,
      );
      return withInput(open, 'redis-state-group', 'kmsKeyId', 'alias/aws/elasticache');
    },
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  3 changes, 4 more follow, 1 stateful replaced, 1 stateful unprotected, 2 policy violations',
      '',
      'STATEFUL',
      '  ! redis-state-group  aws:elasticache/replicationGroup:ReplicationGroup replaced: kmsKeyId; kept, an empty one takes its place',
      '  ~ redis-state-group  aws:elasticache/replicationGroup:ReplicationGroup unprotected: protect, retainOnDelete; nothing stands in the way of its deletion',
    ],
  },
  {
    name: 'protection is dropped',
    graph: (graph) => withOption(graph, 'store-bucket', 'protect', undefined),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  2 changes, 1 stateful unprotected, 1 policy violation',
      '',
      'STATEFUL',
      '  ~ store-bucket  aws:s3/bucket:Bucket unprotected: protect; nothing stands in the way of its deletion',
      '',
      '  blocked: aws:s3/bucket:Bucket store-bucket breaks stateful-is-protected at protect [policy-broken]',
      '  needs review: store-bucket loses protect [protection-dropped]',
    ],
  },
  {
    name: 'a volume grows',
    graph: (graph) => withInput(graph, 'clickhouse-volume', 'spec.resources.requests.storage', '1Ti'),
    verdict: 'safe',
    lines: [
      'prod: BASE -> BASE (render # -> #)  SAFE  1 change',
      '',
      'RESOURCES  1 updated',
      '  ~ clickhouse-volume  kubernetes:core/v1:PersistentVolumeClaim updated',
      '      spec.resources.requests.storage: 1000Gi -> 1Ti',
    ],
  },
  {
    name: 'a volume shrinks, which its API refuses',
    graph: (graph) => withInput(graph, 'clickhouse-volume', 'spec.resources.requests.storage', '500Gi'),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  1 change',
      '  blocked: clickhouse-volume spec.resources.requests.storage 1000Gi -> 500Gi is not accepted by its API [api-refuses]',
      '',
      'RESOURCES  1 updated',
      '  ~ clickhouse-volume  kubernetes:core/v1:PersistentVolumeClaim updated',
      '      spec.resources.requests.storage: 1000Gi -> 500Gi (the API refuses this)',
    ],
  },
  {
    name: 'a protected database is removed',
    graph: (graph) => without(graph, 'clickhouse-volume'),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  1 change, 1 stateful deleted',
      '',
      'STATEFUL',
      '  - clickhouse-volume  kubernetes:core/v1:PersistentVolumeClaim deleted: it is no longer in the program; protected: the engine will refuse',
      '',
      '  blocked: clickhouse-volume is protected: the engine will refuse to delete it [protected-refused]',
    ],
  },
  {
    name: 'a database that is only retained is removed',
    from: (graph) => withOption(graph, 'clickhouse-volume', 'protect', undefined),
    graph: (graph) => without(graph, 'clickhouse-volume'),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (render # -> #)  NEEDS REVIEW  2 changes, 1 stateful deleted',
      '',
      'STATEFUL',
      '  - clickhouse-volume  kubernetes:core/v1:PersistentVolumeClaim deleted: it is no longer in the program; kept, no longer managed',
      '',
      '  needs review: clickhouse-volume is kept, but no longer managed [stateful-left-behind]',
    ],
  },
  {
    name: 'a database that nothing protects is removed',
    from: (graph) =>
      withOption(
        withOption(graph, 'clickhouse-volume', 'protect', undefined),
        'clickhouse-volume',
        'retainOnDelete',
        undefined,
      ),
    graph: (graph) => without(graph, 'clickhouse-volume'),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  3 changes, 1 stateful deleted',
      '',
      'STATEFUL',
      '  - clickhouse-volume  kubernetes:core/v1:PersistentVolumeClaim deleted: it is no longer in the program; ITS DATA WOULD BE LOST',
      '',
      '  blocked: clickhouse-volume would be deleted, with its data: it is no longer in the program [stateful-destroyed]',
    ],
  },
  {
    name: 'a resource is removed',
    graph: (graph) => without(graph, 'store-versioning'),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (render # -> #)  NEEDS REVIEW  1 change',
      '  needs review: store-versioning is deleted [resource-deleted]',
      '',
      'RESOURCES  1 deleted',
      '  - store-versioning  aws:s3/bucketVersioning:BucketVersioning deleted',
    ],
  },
  {
    name: 'the network moves, and what lies in it',
    graph: (graph) => withInput(graph, 'network-vpc', 'cidrBlock', '10.40.0.0/16'),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  1 change, 5 more follow',
      "  blocked: network-vpc would be replaced (cidrBlock): 13 resources in it would have to be made again; clickhouse-volume, redis-state-group can't move there with the data [network-replaced]",
      '',
      'RESOURCES  1 replaced, 5 following',
      '  ! network-vpc                  aws:ec2/vpc:Vpc replaced',
      '      cidrBlock: 10.30.0.0/16 -> 10.40.0.0/16 (forces the replacement)',
      '  ! 3 replaced with network-vpc  network-private-a, gpu-nodes, system-nodes',
      '  . 2 updated with network-vpc   cluster, redis-state-subnets',
    ],
  },
  {
    name: 'the cluster is replaced, with everything of Kubernetes on it',
    graph: (graph) => withInput(graph, 'cluster', 'roleArn', 'arn:aws:iam::000000000000:role/another'),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  1 change, 8 more follow, 1 stateful replaced',
      '',
      'STATEFUL',
      '  ! clickhouse-volume  kubernetes:core/v1:PersistentVolumeClaim replaced: provider follows cluster-kubernetes; protected: the engine will refuse',
      '',
      "  blocked: cluster would be replaced (roleArn): 9 resources in it would have to be made again; clickhouse-volume can't move there with the data [network-replaced]",
      '',
    ],
  },
  {
    name: 'a subnet alone is replaced: the network stands',
    graph: (graph) => withInput(graph, 'network-private-a', 'cidrBlock', '10.30.64.0/18'),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (render # -> #)  NEEDS REVIEW  1 change, 4 more follow',
      '  needs review: network-private-a is replaced [resource-replaced]',
      '  needs review: gpu-nodes is replaced with network-private-a (subnetIds[0]) [replacement-follows]',
      '  needs review: system-nodes is replaced with network-private-a (subnetIds[0]) [replacement-follows]',
    ],
  },
  {
    name: 'the cap of GPUs is raised in one of two places',
    settings: (settings) => {
      settings['gpuMax'] = 4;
    },
    graph: (graph) => withInput(graph, 'gpu-nodes', 'scalingConfig.maxSize', 4),
    verdict: 'blocked',
    lines: ['prod: BASE -> BASE (binding # -> #)  BLOCKED  4 changes, 2 policy violations'],
  },
  {
    name: 'the cap of GPUs is raised',
    settings: (settings) => {
      settings['gpuMax'] = 4;
    },
    graph: (graph) =>
      withInput(withInput(graph, 'gpu-nodes', 'scalingConfig.maxSize', 4), 'gpu-quota', 'spec.hard', {
        'requests.nvidia.com/gpu': '4',
      }),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (binding # -> #)  NEEDS REVIEW  3 changes',
      '  needs review: cost may rise by 1,480.00 USD a month at the most [cost-raised]',
      '',
      'SETTINGS  1 value of settings',
      '  ~ settings  gpuMax: 2 -> 4',
    ],
  },
  {
    name: 'a database becomes of a size that has no price, which is no saving',
    graph: (graph) => withInput(graph, 'redis-state-group', 'nodeType', 'cache.r7g.huge'),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (render # -> #)  NEEDS REVIEW  1 change',
      '  needs review: redis-state-group costs 292.00 USD a month, and what it will cost has no price [cost-unknown]',
      '',
      'RESOURCES  1 updated',
      '  ~ redis-state-group  aws:elasticache/replicationGroup:ReplicationGroup updated',
      '      nodeType: cache.r7g.large -> cache.r7g.huge',
      '',
      'COST  difference not known, because of 1 resource without a price; all others: 1,299.00 -> 1,299.00 USD a month (+0.00), at the most 3,904.00 -> 3,904.00 (+0.00); 0 % of it rests on estimates, prices of 2026-11-20',
      '  ~ redis-state-group  292.00 -> no price aws:elasticache/replicationGroup:ReplicationGroup, estimate',
      '  . not in it          without a price: 1 x aws:elasticache/replicationGroup:ReplicationGroup; billed by use, not counted: 1 x aws:kms/key:Key, 1 x aws:s3/bucket:Bucket',
    ],
  },
  {
    name: 'something without a price is added: nobody loses one',
    graph: (graph) => [...graph, resource('aws:ec2/vpcEndpoint:VpcEndpoint', 'endpoint')],
    verdict: 'safe',
    lines: [
      'prod: BASE -> BASE (render # -> #)  SAFE  1 change',
      '',
      'RESOURCES  1 created',
      '  + endpoint  aws:ec2/vpcEndpoint:VpcEndpoint created',
      '',
      'COST  difference not known, because of 1 resource without a price; all others: 1,591.00 -> 1,591.00 USD a month (+0.00), at the most 4,196.00 -> 4,196.00 (+0.00); 18 % of it rests on estimates, prices of 2026-11-20',
      '  + endpoint   0.00 -> no price aws:ec2/vpcEndpoint:VpcEndpoint',
    ],
  },
  {
    name: 'the cluster is upgraded',
    graph: (graph) => withInput(graph, 'cluster', 'version', '1.35'),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (render # -> #)  NEEDS REVIEW  1 change',
      '  needs review: cluster Kubernetes 1.34 -> 1.35: AWS takes it back for a few days only [cluster-version]',
    ],
  },
  {
    name: 'the cluster is downgraded',
    graph: (graph) => withInput(graph, 'cluster', 'version', '1.33'),
    verdict: 'blocked',
    lines: [
      'prod: BASE -> BASE (render # -> #)  BLOCKED  1 change',
      '  blocked: cluster version 1.34 -> 1.33 is not accepted by its API [api-refuses]',
    ],
  },
  {
    name: 'a type that the table does not know is updated',
    from: (graph) => [...graph, resource('aws:kinesis/stream:Stream', 'queue', { inputs: { delaySeconds: 0 } })],
    graph: (graph) => withInput(graph, 'queue', 'delaySeconds', 5),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (render # -> #)  NEEDS REVIEW  1 change',
      '  needs review: queue is updated, and may be replaced: aws:kinesis/stream:Stream [may-replace]',
      '',
      'RESOURCES  1 updated',
      '  ~ queue  aws:kinesis/stream:Stream updated, or replaced: the provider decides',
      '      delaySeconds: 0 -> 5',
    ],
  },
  {
    name: 'an expand migration is added',
    release: ({ data }) => {
      data.clickhouse['scoring/002_add_reason.sql'] = { text: digestOfBytes('add reason'), phase: 'expand' };
    },
    verdict: 'safe',
    lines: ['prod: BASE -> HEAD  SAFE  6 changes'],
  },
  {
    name: 'a contract migration is added',
    release: ({ data }) => {
      data.clickhouse['scoring/002_drop_mean.sql'] = { text: digestOfBytes('drop mean'), phase: 'contract' };
    },
    verdict: 'needs review',
    lines: [
      'prod: BASE -> HEAD  NEEDS REVIEW  6 changes',
      '  needs review: scoring/002_drop_mean.sql takes away what earlier releases read: after it, no rollback beyond it [contract-migration]',
    ],
  },
  {
    name: 'a migration that was applied is changed',
    release: ({ data }) => {
      data.clickhouse['scoring/001_create_scores.sql'] = {
        text: digestOfBytes('create other scores'),
        phase: 'expand',
      };
    },
    verdict: 'blocked',
    lines: [
      'prod: BASE -> HEAD  BLOCKED  6 changes',
      '  blocked: scoring/001_create_scores.sql was changed after it was released: add another migration instead [applied-migration-changed]',
    ],
  },
  {
    name: "a topic's schema changes and a key space moves",
    release: ({ data }) => {
      data.topics['orrery.run-events'] = {
        schema: digestOfBytes('another event'),
        producers: ['orchestrator'],
        consumers: ['scoring'],
      };
      data.keySpaces['orchestrator:{*}:*'] = { service: 'orchestrator', store: 'cache' };
    },
    verdict: 'needs review',
    lines: [
      'prod: BASE -> HEAD  NEEDS REVIEW  7 changes',
      '  needs review: orchestrator:{*}:* key space moved [schema-changed]',
      '  needs review: orrery.run-events topic changed [schema-changed]',
    ],
  },
  {
    name: 'a rule is withdrawn',
    release: ({ policies }) => {
      policies.rules = ['images-by-digest'];
      policies.pack = digestOfBytes('fewer policies');
    },
    verdict: 'needs review',
    lines: [
      'prod: BASE -> HEAD  NEEDS REVIEW  7 changes',
      '  needs review: stateful-is-protected is no longer judged by [policy-withdrawn]',
    ],
  },
  {
    name: 'the tree lacks what the environment stands on',
    graph: (graph) => withInput(graph, 'scoring-deployment', 'spec.replicas', 3),
    staleBase:
      'stands on commit `0123456789ab`, which this tree does not contain: deploying it may undo what is in there',
    verdict: 'needs review',
    lines: [
      'prod: BASE -> BASE (render # -> #)  NEEDS REVIEW  1 change',
      '  needs review: prod stands on commit #, which this tree does not contain: deploying it may undo what is in there [stale-base]',
      '',
      'RESOURCES  1 updated',
      '  ~ scoring-deployment  kubernetes:apps/v1:Deployment updated',
      '      spec.replicas: 2 -> 3',
    ],
  },
];
