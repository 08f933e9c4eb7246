import { digestOf, shortDigest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import type { GraphResource } from '#stacks/render/graph.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Given {
  readonly inputs?: Fields;
  readonly options?: Fields;
  /** The component above, as `type::name`. */
  readonly under?: string;
  readonly custom?: boolean;
}

const prefix = 'urn:pulumi:prod::orrery::';
const stackUrn = `${prefix}pulumi:pulumi:Stack::orrery-prod`;
export const awsProvider = `${prefix}pulumi:providers:aws::aws`;
const kubernetesProvider = `${prefix}pulumi:providers:kubernetes::cluster-kubernetes`;
const kept = { protect: true, retainOnDelete: true };

export function resource(type: string, name: string, given: Given = {}): GraphResource {
  const { inputs = {}, options = {}, under, custom = true } = given;
  const parent = under === undefined ? stackUrn : `${prefix}${under}`;
  const [parentTypes = ''] = (under ?? '').split('::');
  const provider = type.startsWith('aws:')
    ? awsProvider
    : type.startsWith('kubernetes:')
      ? kubernetesProvider
      : undefined;
  return {
    urn: `${prefix}${under === undefined ? '' : `${parentTypes}$`}${type}::${name}`,
    type,
    name,
    parent,
    custom,
    inputs,
    dependencies: [],
    propertyDependencies: {},
    options:
      provider === undefined
        ? options
        : { provider, version: type.startsWith('aws:') ? '7.48.0' : '4.34.2', ...options },
  };
}

/** Forty lines of a platform's render: what each case changes a little. */
export function baseGraph(release: Release): GraphResource[] {
  const digest = digestOf('release', release);
  return [
    {
      ...resource('pulumi:pulumi:Stack', 'orrery-prod', { custom: false }),
      parent: null,
      outputs: { release: digest },
    },
    resource('pulumi:providers:aws', 'aws', { inputs: { region: 'eu-west-1' } }),
    resource('pulumi:providers:kubernetes', 'cluster-kubernetes', {
      inputs: { clusterIdentifier: '${cluster.arn}', kubeconfig: '${cluster.endpoint}' },
    }),
    ...network(),
    ...data(),
    ...nodes(),
    ...['orchestrator', 'scoring'].flatMap((name) => deployed(name, release)),
  ];
}

function network(): GraphResource[] {
  return [
    resource('aws:ec2/vpc:Vpc', 'network-vpc', { inputs: { cidrBlock: '10.30.0.0/16', tags: { team: 'platform' } } }),
    resource('aws:ec2/subnet:Subnet', 'network-private-a', {
      inputs: { vpcId: '${network-vpc.id}', cidrBlock: '10.30.0.0/18', tags: { team: 'platform' } },
    }),
    resource('aws:kms/key:Key', 'key', { inputs: { description: 'Orrery prod' }, options: kept }),
    resource('aws:eks/cluster:Cluster', 'cluster', {
      inputs: {
        name: 'orrery-prod',
        version: '1.34',
        vpcConfig: { endpointPublicAccess: false, subnetIds: ['${network-private-a.id}'] },
      },
    }),
  ];
}

function data(): GraphResource[] {
  const store = 'orrery:data:ObjectStore::store';
  const redis = 'orrery:data:Valkey::redis-state';
  return [
    resource('orrery:data:ObjectStore', 'store', { custom: false }),
    resource('aws:s3/bucket:Bucket', 'store-bucket', {
      under: store,
      inputs: { objectLockEnabled: true, forceDestroy: false },
      options: kept,
    }),
    resource('aws:s3/bucketVersioning:BucketVersioning', 'store-versioning', {
      under: store,
      inputs: { bucket: '${store-bucket.bucket}', versioningConfiguration: { status: 'Enabled' } },
    }),
    resource('orrery:data:Valkey', 'redis-state', { custom: false }),
    resource('aws:elasticache/replicationGroup:ReplicationGroup', 'redis-state-group', {
      under: redis,
      inputs: {
        nodeType: 'cache.r7g.large',
        numCacheClusters: 2,
        engineVersion: '8.2',
        kmsKeyId: '${key.arn}',
        parameterGroupName: '${redis-state-parameters.name}',
        subnetGroupName: '${redis-state-subnets.name}',
        authToken: { $secret: '${token-password.result}' },
      },
      options: kept,
    }),
    resource('aws:elasticache/parameterGroup:ParameterGroup', 'redis-state-parameters', {
      under: redis,
      inputs: { family: 'valkey8', parameters: [{ name: 'maxmemory-policy', value: 'noeviction' }] },
    }),
    resource('aws:elasticache/subnetGroup:SubnetGroup', 'redis-state-subnets', {
      under: redis,
      inputs: { subnetIds: ['${network-private-a.id}'] },
    }),
    resource('random:index/randomPassword:RandomPassword', 'token-password', {
      inputs: { length: 48, special: false },
      options: kept,
    }),
    ...clickhouse(),
  ];
}

function clickhouse(): GraphResource[] {
  return [
    resource('kubernetes:core/v1:PersistentVolumeClaim', 'clickhouse-volume', {
      inputs: {
        metadata: { namespace: 'orrery' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1000Gi' } } },
      },
      options: kept,
    }),
    resource('kubernetes:apps/v1:StatefulSet', 'clickhouse-server', {
      inputs: {
        metadata: { namespace: 'orrery' },
        spec: {
          replicas: 1,
          template: {
            spec: {
              containers: [{ name: 'clickhouse', image: `clickhouse@sha256:${'c'.repeat(64)}` }],
              volumes: [{ name: 'data', persistentVolumeClaim: { claimName: '${clickhouse-volume.metadata.name}' } }],
            },
          },
        },
      },
      options: { deleteBeforeReplace: true },
    }),
  ];
}

function nodes(): GraphResource[] {
  const group = (kind: string, inputs: Fields) => [
    resource('aws:ec2/launchTemplate:LaunchTemplate', `${kind}-template`, {
      inputs: {
        blockDeviceMappings: [{ deviceName: '/dev/xvdb', ebs: { volumeSize: 100 } }],
        tags: { team: 'platform' },
      },
    }),
    resource('aws:eks/nodeGroup:NodeGroup', `${kind}-nodes`, {
      inputs: {
        clusterName: 'orrery-prod',
        capacityType: 'ON_DEMAND',
        launchTemplate: { id: `\${${kind}-template.id}` },
        subnetIds: ['${network-private-a.id}'],
        ...inputs,
      },
    }),
  ];
  return [
    ...group('system', {
      instanceTypes: ['m7i.2xlarge'],
      scalingConfig: { minSize: 3, desiredSize: 3, maxSize: 6 },
    }),
    ...group('gpu', {
      instanceTypes: ['g5.xlarge'],
      scalingConfig: { minSize: 0, desiredSize: 0, maxSize: 2 },
      taints: [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NO_SCHEDULE' }],
    }),
    resource('kubernetes:core/v1:ResourceQuota', 'gpu-quota', {
      inputs: { metadata: { namespace: 'orrery' }, spec: { hard: { 'requests.nvidia.com/gpu': '2' } } },
    }),
  ];
}

/** One service as a release has it: its map of configuration and its deployment. */
export function deployed(name: string, release: Release): GraphResource[] {
  const digest = digestOf('release', release);
  const service = release.services[name];
  const under = `orrery:service:Service::${name}`;
  return [
    resource('orrery:service:Service', name, { custom: false }),
    resource('kubernetes:core/v1:ConfigMap', `${name}-config`, {
      under,
      inputs: {
        metadata: { namespace: 'orrery' },
        data: {
          'config.json': JSON.stringify({ release: digest, redis: '${redis-state-group.primaryEndpointAddress}' }),
        },
      },
    }),
    resource('kubernetes:apps/v1:Deployment', `${name}-deployment`, {
      under,
      inputs: {
        metadata: { namespace: 'orrery', labels: { 'orrery.dev/release': shortDigest(digest) } },
        spec: {
          replicas: 2,
          selector: { matchLabels: { name } },
          template: {
            spec: {
              containers: [{ name, image: `registry/${name}@${service?.image.digest ?? ''}` }],
              volumes: [{ name: 'config', configMap: { name: `\${${name}-config.metadata.name}` } }],
            },
          },
        },
      },
    }),
  ];
}
