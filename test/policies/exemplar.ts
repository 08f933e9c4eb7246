import type { Graph, Resource } from '#policies/graph.ts';

/*
 * A small environment that no rule objects to, written by hand: one of each kind of resource that a rule looks at, in the shapes of
 * AWS's and Kubernetes' own schemas. Faults are planted here, so that they stay what they are while the platform grows.
 */

export const digest = `sha256:${'a'.repeat(64)}`;
export const tags = {
  project: 'orrery',
  environment: 'dev',
  owner: 'platform',
  'cost-center': 'x',
  'managed-by': 'pulumi',
};

type Given = Partial<Omit<Resource, 'type' | 'name' | 'inputs'>>;

export function resource(type: string, name: string, inputs: Resource['inputs'], given: Given = {}): Resource {
  const providers = /^(aws|eks):/.test(type) ? ['aws'] : [];
  return { type, name, inputs, protect: false, retainOnDelete: false, providers, ...given };
}

const kept: Given = { protect: true, retainOnDelete: true };
const tlsOnly = JSON.stringify({
  Statement: [
    {
      Effect: 'Deny',
      Principal: '*',
      Action: '*',
      Resource: '*',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ],
});
const roleTrust = JSON.stringify({
  Statement: [{ Effect: 'Allow', Principal: { Service: 'pods.eks.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});
const rolePolicy = JSON.stringify({
  Statement: [{ Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['${store-bucket.arn}/*'] }],
});
const container = {
  name: 'scoring',
  image: `registry.example/scoring@${digest}`,
  livenessProbe: { httpGet: { path: '/healthz', port: 'http' } },
  readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
};
const pod = {
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [container],
};

function workload(labels: Record<string, string>, containers: readonly unknown[]) {
  return { replicas: 2, template: { metadata: { labels }, spec: { ...pod, containers } } };
}

function bucket(name: string, given: Resource['inputs']): Resource[] {
  const of = { bucket: '${' + name + '-bucket.bucket}' };
  const part = (kind: string, inputs: Resource['inputs']) =>
    resource(`aws:s3/bucket${kind}:Bucket${kind}`, `${name}-${kind.toLowerCase()}`, { ...of, ...inputs });
  return [
    resource('aws:s3/bucket:Bucket', `${name}-bucket`, given, { ...kept, parent: name }),
    part('ServerSideEncryptionConfiguration', {
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: '${key.arn}' } }],
    }),
    part('PublicAccessBlock', {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    }),
    part('Versioning', { versioningConfiguration: { status: 'Enabled' } }),
    part('LifecycleConfiguration', { rules: [{ abortIncompleteMultipartUpload: { daysAfterInitiation: 7 } }] }),
    part('Policy', { policy: tlsOnly }),
  ];
}

const account: Resource[] = [
  resource('pulumi:providers:aws', 'aws', { region: 'eu-west-1', defaultTags: JSON.stringify({ tags }) }),
  resource('aws:kms/key:Key', 'key', { enableKeyRotation: true }, kept),
  resource('aws:iam/role:Role', 'role', { assumeRolePolicy: roleTrust }),
  resource('aws:iam/rolePolicy:RolePolicy', 'role-policy', { role: '${role.name}', policy: rolePolicy }),
  resource('aws:iam/rolePolicyAttachment:RolePolicyAttachment', 'role-attachment', {
    policyArn: 'arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy',
  }),
  resource('aws:budgets/budget:Budget', 'budget', {
    notifications: [{ threshold: 80, subscriberEmailAddresses: ['platform@example.com'] }],
  }),
  resource('aws:costexplorer/anomalyMonitor:AnomalyMonitor', 'anomalies', { monitorType: 'DIMENSIONAL' }),
  resource('aws:costexplorer/anomalySubscription:AnomalySubscription', 'anomaly-readers', {
    monitorArnLists: ['${anomalies.arn}'],
  }),
];

const network: Resource[] = [
  resource('aws:ec2/vpc:Vpc', 'vpc', { cidrBlock: '10.20.0.0/16' }),
  resource('aws:ec2/flowLog:FlowLog', 'flows', { vpcId: '${vpc.id}', trafficType: 'ALL' }),
  resource('aws:ec2/vpcEndpoint:VpcEndpoint', 's3', {
    vpcId: '${vpc.id}',
    serviceName: 'com.amazonaws.eu-west-1.s3',
    vpcEndpointType: 'Gateway',
  }),
  resource('aws:ec2/defaultSecurityGroup:DefaultSecurityGroup', 'closed', {
    vpcId: '${vpc.id}',
    ingress: [],
    egress: [],
  }),
  resource('aws:ec2/subnet:Subnet', 'private-a', { vpcId: '${vpc.id}', mapPublicIpOnLaunch: false }),
  resource('aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule', 'redis-from-nodes', {
    referencedSecurityGroupId: '${nodes.id}',
  }),
];

const cluster: Resource[] = [
  resource('eks:index:Cluster', 'cluster', {
    version: '1.34',
    authenticationMode: 'API',
    endpointPrivateAccess: true,
    endpointPublicAccess: false,
    enabledClusterLogTypes: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'],
    encryptionConfigKeyArn: '${key.arn}',
    upgradePolicy: { supportType: 'STANDARD' },
    deletionProtection: true,
  }),
  resource('aws:cloudwatch/logGroup:LogGroup', 'cluster-logs', {
    name: '/aws/eks/orrery/cluster',
    kmsKeyId: '${key.arn}',
    retentionInDays: 365,
  }),
  resource('pulumi:providers:kubernetes', 'kubernetes', {
    clusterIdentifier: '${cluster.arn}',
    deleteUnreachable: 'false',
    enableServerSideApply: 'true',
  }),
  resource('aws:eks/addon:Addon', 'dns', { addonName: 'coredns', addonVersion: 'v1.12.4-eksbuild.29' }),
  resource('kubernetes:helm.sh/v3:Release', 'keda', {
    chart: 'keda',
    version: '2.18.1',
    values: { image: { tag: '2.18.1' } },
  }),
];

const template = {
  blockDeviceMappings: [{ deviceName: '/dev/xvda', ebs: { encrypted: 'true' } }],
  metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
};

const machines: Resource[] = [
  resource('aws:ec2/launchTemplate:LaunchTemplate', 'template', {
    ...template,
    tagSpecifications: ['instance', 'volume'].map((resourceType) => ({ resourceType, tags })),
  }),
  resource('aws:eks/nodeGroup:NodeGroup', 'spot-group', {
    version: '1.34',
    capacityType: 'SPOT',
    instanceTypes: ['m6g', 'm7g', 'c6g', 'c7g', 'r6g'].flatMap((family) => [`${family}.large`, `${family}.xlarge`]),
    launchTemplate: { id: '${template.id}', version: '${template.latestVersion}' },
    nodeRepairConfig: { enabled: true },
  }),
  resource('kubernetes:karpenter.k8s.aws/v1:EC2NodeClass', 'node-class', {
    spec: {
      ...template,
      amiSelectorTerms: [{ alias: 'bottlerocket@v1.50.0' }],
      tags,
      blockDeviceMappings: [{ ebs: { encrypted: true } }],
    },
  }),
  pool('spot', {
    weight: 50,
    capacity: ['spot'],
    extra: [{ key: 'karpenter.k8s.aws/instance-category', operator: 'In', values: ['c', 'm', 'r'] }],
  }),
  pool('general', { weight: 10, capacity: ['on-demand'], extra: [] }),
  pool('gpu', {
    weight: 10,
    capacity: ['spot', 'on-demand'],
    extra: [
      { key: 'node.kubernetes.io/instance-type', operator: 'In', values: ['g6.xlarge', 'g6.2xlarge', 'g5.xlarge'] },
    ],
    gpus: '4',
  }),
];

interface PoolRequest {
  readonly weight: number;
  readonly capacity: readonly string[];
  readonly extra: readonly unknown[];
  readonly gpus?: string;
}

function pool(name: string, { weight, capacity, extra, gpus }: PoolRequest): Resource {
  return resource('kubernetes:karpenter.sh/v1:NodePool', `${name}-pool`, {
    spec: {
      weight,
      limits: gpus === undefined ? { cpu: '100' } : { 'nvidia.com/gpu': gpus },
      disruption: {
        consolidationPolicy: gpus === undefined ? 'WhenEmptyOrUnderutilized' : 'WhenEmpty',
        consolidateAfter: '5m',
        budgets: [{ nodes: '10%' }],
      },
      template: {
        spec: {
          requirements: [
            { key: 'karpenter.sh/capacity-type', operator: 'In', values: capacity },
            { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['a', 'b', 'c'] },
            ...extra,
          ],
          taints: gpus === undefined ? [] : [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }],
        },
      },
    },
  });
}

const data: Resource[] = [
  ...bucket('store', { objectLockEnabled: true }),
  resource('aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration', 'store-lock', {
    bucket: '${store-bucket.bucket}',
    rule: { defaultRetention: { mode: 'COMPLIANCE', days: 400 } },
  }),
  ...['state', 'cache'].flatMap((role) => [
    resource(
      'aws:elasticache/parameterGroup:ParameterGroup',
      `redis-${role}-parameters`,
      {
        parameters: [{ name: 'maxmemory-policy', value: role === 'state' ? 'noeviction' : 'volatile-lru' }],
      },
      { parent: `redis-${role}` },
    ),
    resource(
      'aws:elasticache/replicationGroup:ReplicationGroup',
      `redis-${role}-group`,
      {
        engine: 'valkey',
        engineVersion: '8.2',
        atRestEncryptionEnabled: true,
        transitEncryptionEnabled: true,
        transitEncryptionMode: 'required',
        kmsKeyId: '${key.arn}',
        parameterGroupName: `\${redis-${role}-parameters.name}`,
        snapshotRetentionLimit: role === 'state' ? 7 : 0,
      },
      { ...kept, parent: `redis-${role}` },
    ),
  ]),
  resource(
    'aws:dynamodb/table:Table',
    'registry',
    {
      serverSideEncryption: { enabled: true, kmsKeyArn: '${key.arn}' },
      pointInTimeRecovery: { enabled: true },
      deletionProtectionEnabled: true,
    },
    kept,
  ),
  resource(
    'aws:ecr/repository:Repository',
    'images',
    {
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfigurations: [{ encryptionType: 'KMS', kmsKey: '${key.arn}' }],
    },
    kept,
  ),
  resource('aws:ecr/lifecyclePolicy:LifecyclePolicy', 'images-end', { repository: '${images.name}' }),
  resource('aws:sqs/queue:Queue', 'arrivals', { kmsMasterKeyId: '${key.arn}' }),
  resource('aws:sqs/queuePolicy:QueuePolicy', 'arrivals-policy', { queueUrl: '${arrivals.id}', policy: tlsOnly }),
  resource(
    'aws:msk/cluster:Cluster',
    'brokers',
    {
      kafkaVersion: '3.8.0',
      encryptionInfo: {
        encryptionAtRestKmsKeyArn: '${key.arn}',
        encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
      },
    },
    kept,
  ),
  resource(
    'kubernetes:kafka.strimzi.io/v1beta2:Kafka',
    'kafka',
    {
      spec: { kafka: { version: '4.1.0', listeners: [{ name: 'tls', port: 9093, tls: true }] } },
    },
    kept,
  ),
  resource(
    'kubernetes:kafka.strimzi.io/v1beta2:KafkaTopic',
    'arrived',
    {
      metadata: { name: 'arrived' },
      spec: { partitions: 12 },
    },
    kept,
  ),
  resource('kubernetes:storage.k8s.io/v1:StorageClass', 'disks', {
    provisioner: 'ebs.csi.aws.com',
    parameters: { encrypted: 'true' },
    reclaimPolicy: 'Retain',
  }),
];

const inside = { namespace: 'orrery' };

const services: Resource[] = [
  resource(
    'kubernetes:core/v1:Namespace',
    'namespace',
    {
      metadata: { name: 'orrery', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
    kept,
  ),
  resource('kubernetes:networking.k8s.io/v1:NetworkPolicy', 'deny', {
    metadata: inside,
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  }),
  resource('kubernetes:core/v1:ResourceQuota', 'gpu-quota', {
    metadata: inside,
    spec: { hard: { 'requests.nvidia.com/gpu': '4' } },
  }),
  resource('kubernetes:apps/v1:Deployment', 'scoring', {
    metadata: inside,
    spec: workload({ app: 'scoring' }, [container]),
  }),
  resource('kubernetes:policy/v1:PodDisruptionBudget', 'scoring-budget', {
    metadata: inside,
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'scoring' } } },
  }),
  resource('kubernetes:apps/v1:Deployment', 'inference', {
    metadata: inside,
    spec: workload({ app: 'inference' }, [
      {
        ...container,
        name: 'inference',
        resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi', 'nvidia.com/gpu': '1' } },
      },
    ]),
  }),
  resource('kubernetes:keda.sh/v1alpha1:ScaledObject', 'inference-scaler', {
    metadata: inside,
    spec: {
      scaleTargetRef: { name: '${inference.metadata.name}' },
      maxReplicaCount: 4,
      fallback: { failureThreshold: 3, replicas: 1 },
      triggers: [{ type: 'kafka', metadata: { topic: 'arrived' } }],
    },
  }),
  resource('kubernetes:apps/v1:StatefulSet', 'clickhouse-server', {
    metadata: inside,
    spec: workload({ app: 'clickhouse' }, [{ ...container, name: 'clickhouse' }]),
  }),
  resource('kubernetes:batch/v1:CronJob', 'clickhouse-backup', {
    metadata: inside,
    spec: { schedule: '0 2 * * *', jobTemplate: { spec: { template: { spec: pod } } } },
  }),
  resource('kubernetes:gateway.networking.k8s.io/v1:Gateway', 'gateway', {
    metadata: inside,
    spec: {
      listeners: [{ name: 'https', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'certificate' }] } }],
    },
  }),
];

export const exemplar: Graph = {
  resources: [...account, ...network, ...cluster, ...machines, ...data, ...services],
};
