import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { judge, packOf } from '#policies/pack.ts';
import { CommandError } from '#stacks/errors.ts';
import { composePlatform } from '#stacks/platform.ts';
import { outline, record, resourceNamed, resourcesOfType, type Recording } from '#test/support/pulumi.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import { cloudRelease, digestOfRelease, settingsOfFile } from '#test/support/cloud-release.ts';

const release = cloudRelease();
const releaseDigest = digestOfRelease(release);

type Platform = Recording<unknown>;

/** Types that hold data, or keys to data. A new one that is not listed here has to be thought about. */
const holdsData = [
  'aws:elasticache/replicationGroup:ReplicationGroup redis-state-group',
  'aws:kms/key:Key key-key',
  'aws:s3/bucket:Bucket store-bucket',
  'kubernetes:core/v1:Namespace platform-namespace',
  'kubernetes:core/v1:PersistentVolumeClaim clickhouse-volume',
  'random:index/randomPassword:RandomPassword token-password',
];

for (const environment of ['dev', 'prod']) {
  describe(`the platform of ${environment}`, () => {
    let platform: Platform;

    before(async () => {
      platform = await recordPlatform(environment);
    });

    it('is a network, a cluster with a pool of each kind, the data stores and two services', () => {
      const components = platform.resources.filter(({ type }) => type.startsWith('orrery:'));
      assert.deepEqual(outline({ resources: components }), [
        'orrery:data:ClickHouse clickhouse',
        'orrery:cluster:ControlPlane cluster',
        'orrery:compute:NodePool gpu-pool',
        'orrery:security:Key key',
        'orrery:network:Vpc network',
        'orrery:cluster:Addons network-addons',
        'orrery:cluster:Addons node-addons',
        'orrery:service:Service orchestrator',
        'orrery:platform:Namespace platform',
        'orrery:data:Valkey redis-cache',
        'orrery:data:Valkey redis-state',
        'orrery:service:Service scoring',
        'orrery:compute:NodePool spot-pool',
        'orrery:data:ObjectStore store',
        'orrery:compute:NodePool system-pool',
        'orrery:security:Token token',
      ]);
    });

    it('has a component above every resource, named after it, and each component completes', () => {
      const components = platform.resources.filter(({ type }) => type.startsWith('orrery:')).map(({ name }) => name);
      for (const { name, parent } of platform.resources.filter(({ custom }) => custom)) {
        if (name === 'aws') continue;
        assert.ok(parent !== undefined && components.includes(parent), `${name} hangs off ${parent ?? 'the stack'}`);
        assert.ok(name.startsWith(`${parent}-`), `${name} is not named after ${parent}`);
      }
      assert.deepEqual([...platform.completed].sort(), components.sort());
    });

    it('gives every resource of a cloud its provider, so that no ambient credentials or region are used', () => {
      for (const { type, name, providers } of platform.resources) {
        if (type.startsWith('aws:') || type.startsWith('eks:')) assert.deepEqual(providers, ['aws'], name);
        if (type.startsWith('kubernetes:')) assert.deepEqual(providers, ['cluster-kubernetes'], name);
      }
      const { inputs } = resourceNamed(platform, 'aws');
      assert.equal(inputs['region'], 'eu-west-1');
      assert.equal(inputs['allowedAccountIds'], '["000000000000"]');
      assert.deepEqual(Object.keys((JSON.parse(String(inputs['defaultTags'])) as { tags: object }).tags), [
        'project',
        'environment',
        'owner',
        'cost-center',
        'managed-by',
      ]);
    });

    it('breaks none of its policies', () => {
      assert.deepEqual(judge(platform, packOf(environment)), []);
    });

    it('lets nothing in but from the cluster’s nodes to Redis, and keeps its services inside', () => {
      const rules = resourcesOfType(platform, 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule');
      assert.deepEqual(
        rules.map(({ name, inputs }) => [name, inputs['referencedSecurityGroupId']]),
        [
          ['redis-cache-from-nodes', '${cluster-cluster-eksCluster.vpcConfig.clusterSecurityGroupId}'],
          ['redis-state-from-nodes', '${cluster-cluster-eksCluster.vpcConfig.clusterSecurityGroupId}'],
        ],
      );
      for (const { inputs } of resourcesOfType(platform, 'aws:ec2/securityGroup:SecurityGroup')) {
        assert.equal(inputs['ingress'], undefined);
      }
      for (const { inputs } of resourcesOfType(platform, 'kubernetes:core/v1:Service')) {
        assert.notEqual((inputs['spec'] as { type?: string }).type, 'LoadBalancer');
      }
    });

    it('protects nothing but what holds data', () => {
      const guarded = platform.resources.filter(({ protect, retainOnDelete }) => protect || retainOnDelete);
      assert.deepEqual(guarded.map(({ type, name }) => `${type} ${name}`).sort(), holdsData);
    });

    it('keeps spot capacity diverse', () => {
      const { inputs } = resourceNamed(platform, 'spot-pool-nodes');
      const types = inputs['instanceTypes'] as string[];
      const families = new Set(types.map((type) => type.slice(0, 1)));
      assert.equal(inputs['capacityType'], 'SPOT');
      assert.ok(new Set(types).size >= 10 && families.size >= 3, `${types.length} types, ${families.size} families`);
      assert.equal((inputs['subnetIds'] as string[]).length, 3);
    });

    it('taints GPU nodes and caps them', () => {
      const gpuMax = { dev: 1, prod: 4 }[environment];
      const { inputs } = resourceNamed(platform, 'gpu-pool-nodes');
      assert.deepEqual(inputs['taints'], [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NO_SCHEDULE' }]);
      assert.deepEqual(inputs['scalingConfig'], { minSize: 0, desiredSize: 0, maxSize: gpuMax });
    });

    it('hands secrets out as secrets: none stands in the clear in what it asks for', () => {
      const text = JSON.stringify(platform.resources, (key, value: unknown) => (key === '$secret' ? 'hidden' : value));
      assert.ok(!text.includes('token-password.result'));
      const hidden = '${token-password.result}';
      assert.deepEqual(resourceNamed(platform, 'token-secret').inputs['stringData'], { $secret: { token: hidden } });
      assert.deepEqual(resourceNamed(platform, 'redis-state-group').inputs['authToken'], { $secret: hidden });
    });

    it('runs each service by digest, with the release on it, and tells it what it needs', () => {
      for (const name of ['orchestrator', 'scoring'] as const) {
        const service = release.services[name];
        assert.ok(service !== undefined);
        const spec = resourceNamed(platform, `${name}-deployment`).inputs[
          'spec'
        ] as types.output.apps.v1.DeploymentSpec;
        assert.equal(
          spec.template.spec.containers[0]?.image,
          `000000000000.dkr.ecr.eu-west-1.amazonaws.com/orrery/${name}@${service.image.digest}`,
        );
        assert.equal(spec.template.metadata.annotations['orrery.dev/release'], releaseDigest);
        const map = resourceNamed(platform, `${name}-config`).inputs['data'] as Record<string, string>;
        const config = JSON.parse(map['config.json'] ?? '{}') as Record<string, unknown>;
        assert.deepEqual(
          [config['release'], config['version']],
          [releaseDigest, { own: service.own, closure: service.closure }],
        );
      }
    });

    it('lets services add to the store and read from it, never delete', () => {
      for (const name of ['orchestrator-policy', 'scoring-policy']) {
        const policy = JSON.parse(String(resourceNamed(platform, name).inputs['policy'])) as {
          Statement: { Action: string[]; Resource: string[] }[];
        };
        assert.deepEqual(
          policy.Statement.map(({ Action, Resource }) => [Action, Resource]),
          [
            [['s3:GetObject', 's3:PutObject'], ['${store-bucket.arn}/sha256/*']],
            [['kms:Decrypt', 'kms:GenerateDataKey'], ['${key-key.arn}']],
          ],
        );
      }
    });

    it('begins with the network’s addons, then nodes, then what runs on nodes', () => {
      const dependenciesOf = (name: string) => resourceNamed(platform, name).dependencies;
      assert.ok(dependenciesOf('system-pool-nodes').includes('network-addons-vpc-cni'));
      assert.ok(dependenciesOf('node-addons-coredns').includes('spot-pool-nodes'));
      assert.ok(dependenciesOf('clickhouse-server').includes('node-addons-aws-ebs-csi-driver'));
      assert.ok(dependenciesOf('scoring-deployment').includes('clickhouse-server'));
    });

    it('is the same when it is composed again', async () => {
      const again = await recordPlatform(environment);
      assert.equal(JSON.stringify(again.resources), JSON.stringify(platform.resources));
    });
  });
}

describe('composing a platform', () => {
  it('differs between environments by what their settings say, not by what is there', async () => {
    const [dev, prod] = [await recordPlatform('dev'), await recordPlatform('prod')];
    const lines = (platform: Platform) => new Set(outline(platform));
    assert.deepEqual(
      [...lines(dev)].filter((line) => !lines(prod).has(line)),
      [],
    );
    assert.deepEqual(
      [...lines(prod)].filter((line) => !lines(dev).has(line)),
      [
        'aws:ec2/natGateway:NatGateway network-nat-eu-west-1b < network',
        'aws:ec2/eip:Eip network-nat-eu-west-1b-address < network',
        'aws:ec2/natGateway:NatGateway network-nat-eu-west-1c < network',
        'aws:ec2/eip:Eip network-nat-eu-west-1c-address < network',
      ],
    );
  });

  it('refuses settings that are wrong before it makes anything', async () => {
    await assert.rejects(
      recordPlatform('prod', settingsOfFile('dev')),
      (error) => error instanceof CommandError && error.code === 'SETTINGS_INVALID',
    );
  });

  it('refuses a release that lacks a service, and names it', async () => {
    const { orchestrator } = release.services;
    assert.ok(orchestrator !== undefined);
    const partial = { ...release, services: { orchestrator } };
    const settings = settingsOfFile('dev');
    await assert.rejects(
      record(() => composePlatform({ environment: 'dev', release: partial, releaseDigest, settings })),
      (error) =>
        error instanceof CommandError && error.code === 'SERVICE_NOT_RELEASED' && error.message.includes('"scoring"'),
    );
  });
});
