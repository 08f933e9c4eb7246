import assert from 'node:assert/strict';
import { chargingOf } from '#stacks/cost/charges.ts';
import { planNodeDemand } from '#stacks/cost/node-demand.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { deployment, nodePool, on, pod, resource } from './graph.ts';

/** What is billed: `least to most of keys`, and the keys of what is billed by use. */
function billOf(resource: GraphResource, ...others: readonly GraphResource[]): unknown {
  const resources = [resource, ...others];
  const charging = chargingOf(resource, { region: 'eu-west-1', resources, nodes: planNodeDemand(resources) });
  if (typeof charging === 'string') return charging;
  const short = (key: string) => key.replace(':eu-west-1', '');
  return [
    ...charging.charges.map(({ keys, least, most }) => `${least} to ${most} ${keys.map(short).join(' or ')}`),
    ...charging.byUse.map((key) => `by use ${short(key)}`),
  ];
}

describe('what a resource is billed for', () => {
  it('is of a database its machine and its disk, twice with a standby', () => {
    const instance = (over: Record<string, unknown>) =>
      resource('aws:rds/instance:Instance', 'reports', {
        ...{ engine: 'postgres', instanceClass: 'db.t4g.micro', allocatedStorage: 20, storageType: 'gp3' },
        ...over,
      });
    assert.deepEqual(billOf(instance({})), [
      '1 to 1 rds:postgres:db.t4g.micro',
      '20 to 20 rds:gp3',
      'by use rds:backup',
    ]);
    assert.deepEqual(billOf(instance({ multiAz: true, maxAllocatedStorage: 100 })), [
      '2 to 2 rds:postgres:db.t4g.micro',
      '40 to 200 rds:gp3',
      'by use rds:backup',
    ]);
    assert.equal(billOf(instance({ storageType: 'io2' })), 'no price');
    assert.equal(billOf(resource('aws:rds/subnetGroup:SubnetGroup', 'reports')), 'free');
  });

  it('is of a group of machines those of its template, with their disks', () => {
    const template = resource('aws:ec2/launchTemplate:LaunchTemplate', 'nat-template', {
      instanceType: 't4g.nano',
      blockDeviceMappings: [{ ebs: { volumeSize: 8 } }],
    });
    const group = resource('aws:autoscaling/group:Group', 'nat', {
      launchTemplate: { id: '${nat-template.id}' },
      minSize: 1,
      maxSize: 2,
    });
    assert.deepEqual(billOf(group, template), ['1 to 2 ec2:t4g.nano:on-demand', '8 to 16 ebs:gp3']);
    assert.equal(billOf(group), 'no price');
  });

  it('is of a pool of Karpenter its nodes at the mean of its types, with the disks of their class', () => {
    const types = ['m7i.xlarge', 'm6i.xlarge'];
    const web = deployment('web', pod({ cpu: '3' }, on('general')), 2);
    const nodeClass = resource('kubernetes:karpenter.k8s.aws/v1:EC2NodeClass', 'general-class', {
      metadata: { name: 'general' },
      spec: { blockDeviceMappings: [{ ebs: { volumeSize: '4Gi' } }, { ebs: { volumeSize: '50Gi' } }] },
    });
    const bill = (capacity: readonly string[]) =>
      billOf(nodePool('general', 'general', { types, capacity }), web, nodeClass);
    const disks = '108 to 540 ebs:gp3';
    assert.deepEqual(bill(['spot']), ['2 to 10 ec2:m7i.xlarge:spot or ec2:m6i.xlarge:spot', disks]);
    const dear = ['2 to 10 ec2:m7i.xlarge:on-demand or ec2:m6i.xlarge:on-demand', disks];
    assert.deepEqual([bill(['on-demand']), bill(['spot', 'on-demand'])], [dear, dear]);
    assert.equal(billOf(nodePool('general', 'general', { limits: {} })), 'no price');
    assert.equal(billOf(nodeClass), 'free');
  });

  it('is of a regional gateway one in every zone with an address that it brings, unless it is given some', () => {
    const subnets = ['a', 'b', 'c', 'c'].map((zone, index) =>
      resource('aws:ec2/subnet:Subnet', `subnet-${index}`, { availabilityZone: `eu-west-1${zone}` }),
    );
    const gateway = (inputs: Record<string, unknown>) => resource('aws:ec2/natGateway:NatGateway', 'nat', inputs);
    assert.deepEqual(billOf(gateway({ availabilityMode: 'regional' }), ...subnets), [
      '3 to 3 ec2:nat-gateway',
      '3 to 3 ec2:public-ipv4',
      'by use ec2:nat-gateway-data',
    ]);
    const given = { availabilityMode: 'regional', availabilityZoneAddresses: [{ allocationIds: ['${address.id}'] }] };
    assert.deepEqual(billOf(gateway(given), ...subnets), ['3 to 3 ec2:nat-gateway', 'by use ec2:nat-gateway-data']);
    assert.deepEqual(billOf(gateway({ subnetId: 'a' }), ...subnets), [
      '1 to 1 ec2:nat-gateway',
      'by use ec2:nat-gateway-data',
    ]);
  });

  it('is of a balancer an address in every subnet where the internet reaches it', () => {
    const balancer = (scheme: string) =>
      resource('kubernetes:gateway.k8s.aws/v1beta1:LoadBalancerConfiguration', 'balancer', {
        spec: { scheme, loadBalancerSubnets: [{ identifier: 'a' }, { identifier: 'b' }] },
      });
    assert.deepEqual(billOf(balancer('internet-facing')), ['2 to 2 ec2:public-ipv4']);
    assert.equal(billOf(balancer('internal')), 'free');
    const gateway = resource('kubernetes:gateway.networking.k8s.io/v1:Gateway', 'gateway');
    assert.deepEqual(billOf(gateway), ['1 to 1 elb:alb', 'by use elb:alb-capacity']);
  });

  it('is of an alarm every metric that it looks at', () => {
    const alarm = (inputs: Record<string, unknown>) =>
      resource('aws:cloudwatch/metricAlarm:MetricAlarm', 'alarm', inputs);
    const metricQueries = [{ metric: { metricName: 'a' } }, { metric: { metricName: 'b' } }, { expression: 'a / b' }];
    assert.deepEqual(billOf(alarm({ metricName: 'a' })), ['1 to 1 cloudwatch:alarm']);
    assert.deepEqual(billOf(alarm({ metricQueries })), ['2 to 2 cloudwatch:alarm']);
    assert.deepEqual(billOf(alarm({ metricQueries: [{ expression: 'SELECT MAX(a)' }] })), ['1 to 1 cloudwatch:alarm']);
    assert.deepEqual(billOf(resource('aws:s3/bucketMetric:BucketMetric', 'requests')), ['16 to 16 cloudwatch:metric']);
  });

  it('is by use what passes through a registry, its scanner, a table and Spark', () => {
    const scanner = (scanType: string) =>
      resource('aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration', 'scan', { scanType });
    assert.deepEqual(billOf(scanner('ENHANCED')), ['by use inspector:image', 'by use inspector:rescan']);
    assert.equal(billOf(scanner('BASIC')), 'free');
    const template = 'aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate';
    assert.deepEqual(billOf(resource(template, 'copies')), ['by use ecr:storage']);
    const table = (inputs: Record<string, unknown>) => resource('aws:dynamodb/table:Table', 'table', inputs);
    const backed = { billingMode: 'PAY_PER_REQUEST', pointInTimeRecovery: { enabled: true } };
    assert.deepEqual(billOf(table(backed)), [
      'by use dynamodb:storage',
      'by use dynamodb:writes',
      'by use dynamodb:reads',
      'by use dynamodb:backup',
    ]);
    assert.equal(billOf(table({ billingMode: 'PROVISIONED' })), 'no price');
    const spark = resource('aws:emrcontainers/virtualCluster:VirtualCluster', 'spark');
    assert.deepEqual(billOf(spark), ['by use emr-containers:core', 'by use emr-containers:memory']);
  });

  it('is of what keeps data the volumes of each of its pods', () => {
    const claims = [{ spec: { resources: { requests: { storage: '10Gi' } } } }];
    const clickhouse = (kind: string, layout: Record<string, number>) =>
      resource(`kubernetes:${kind}`, 'data', {
        spec: { configuration: { clusters: [{ layout }] }, templates: { volumeClaimTemplates: claims } },
      });
    const servers = 'clickhouse.altinity.com/v1:ClickHouseInstallation';
    const keepers = 'clickhouse-keeper.altinity.com/v1:ClickHouseKeeperInstallation';
    assert.deepEqual(billOf(clickhouse(servers, { shardsCount: 2, replicasCount: 3 })), ['60 to 60 ebs:gp3']);
    assert.deepEqual(billOf(clickhouse(keepers, { replicasCount: 3 })), ['30 to 30 ebs:gp3']);
    assert.deepEqual([billOf(clickhouse(servers, {})), billOf(clickhouse(keepers, {}))], ['no price', 'no price']);
    const brokers = (spec: Record<string, unknown>) =>
      resource('kubernetes:kafka.strimzi.io/v1beta2:KafkaNodePool', 'brokers', { spec });
    const volumes = [{ size: '5Gi' }, { size: '7Gi' }];
    assert.deepEqual(billOf(brokers({ replicas: 3, storage: { volumes } })), ['36 to 36 ebs:gp3']);
    assert.deepEqual(billOf(brokers({ replicas: 1, storage: { size: '20Gi' } })), ['20 to 20 ebs:gp3']);
    assert.equal(billOf(brokers({ storage: { size: '20Gi' } })), 'no price');
    const claim = (storage: string) =>
      resource('kubernetes:core/v1:PersistentVolumeClaim', 'claim', { spec: { resources: { requests: { storage } } } });
    assert.deepEqual([billOf(claim('5Gi')), billOf(claim('some'))], [['5 to 5 ebs:gp3'], 'no price']);
    assert.equal(billOf(resource('kubernetes:apps/v1:StatefulSet', 'bare', { spec: { replicas: 2 } })), 'free');
  });

  it('is of MSK its brokers and their storage, of a bucket what lies in it', () => {
    const brokerNodeGroupInfo = {
      instanceType: 'kafka.m7g.large',
      storageInfo: { ebsStorageInfo: { volumeSize: 100 } },
    };
    const events = resource('aws:msk/cluster:Cluster', 'events', { numberOfBrokerNodes: 3, brokerNodeGroupInfo });
    assert.deepEqual(billOf(events), ['3 to 3 msk:kafka.m7g.large', '300 to 300 msk:storage']);
    assert.equal(billOf(resource('aws:msk/cluster:Cluster', 'events')), 'no price');
    const bucket = resource('aws:s3/bucket:Bucket', 'store');
    assert.deepEqual(billOf(bucket), ['by use s3:standard', 'by use s3:requests']);
    const secret = resource('aws:secretsmanager/secret:Secret', 'token');
    assert.deepEqual(billOf(secret), ['1 to 1 secretsmanager:secret']);
  });

  it('is of a chart the volumes that its values ask for, one for each replica', () => {
    const claim = (storage: string) => ({ volumeClaimTemplate: { spec: { resources: { requests: { storage } } } } });
    const values = {
      prometheus: { spec: { replicas: 2, storageSpec: claim('100Gi') } },
      alertmanager: { storage: claim('512Mi'), extra: [claim('1Ti')] },
    };
    assert.deepEqual(billOf(resource('kubernetes:helm.sh/v3:Release', 'metrics', { values })), [
      '1224.5 to 1224.5 ebs:gp3',
    ]);
    assert.equal(billOf(resource('kubernetes:helm.sh/v3:Release', 'keda', { values: { replicas: 2 } })), 'free');
  });

  it('is nothing for names and permissions, and not known for a type of AWS that nobody has thought about', () => {
    const free = [
      'aws:iam/serviceLinkedRole:ServiceLinkedRole',
      'aws:costexplorer/anomalyMonitor:AnomalyMonitor',
      'aws:budgets/budget:Budget',
      'random:index/randomString:RandomString',
      'kubernetes:core/v1:ConfigMap',
    ];
    assert.deepEqual(
      free.filter((type) => billOf(resource(type, 'one')) !== 'free'),
      [],
    );
    assert.equal(billOf(resource('aws:quantum/computer:Computer', 'oracle')), 'no price');
    assert.equal(billOf(resource('aws:rds/cluster:Cluster', 'aurora')), 'no price');
  });
});
