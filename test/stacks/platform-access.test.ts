import assert from 'node:assert/strict';
import { digestOfBytes } from '@orrery/contracts/digest';
import { resourceNamed, resourcesOfType, type Recording } from '#test/support/pulumi.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import { cloudRelease, digestOfRelease } from '#test/support/cloud-release.ts';

const release = cloudRelease();
const releaseDigest = digestOfRelease(release);

type Platform = Recording<unknown>;

const nodes = '${cluster-cluster-eksCluster.vpcConfig.clusterSecurityGroupId}';
/** Who gets in at a network interface: its rules, from where and at which port. */
const ingress: Readonly<Record<string, readonly unknown[]>> = {
  dev: [
    ['cluster-api-from-network', '10.20.0.0/16', 443],
    ['redis-cache-from-nodes', nodes, 6379],
    ['redis-state-from-nodes', nodes, 6379],
  ],
  prod: [
    ['cluster-api-from-network', '10.30.0.0/16', 443],
    ['metabase-database-from-nodes', nodes, 5432],
    ['network-endpoints-from-network', '10.30.0.0/16', 443],
    ['redis-cache-from-nodes', nodes, 6379],
    ['redis-state-from-nodes', nodes, 6379],
  ],
};

/** Every secret that the program makes, and who is told it. */
const secrets: Readonly<Record<string, readonly string[]>> = {
  'clickhouse-operator-password': ['clickhouse-operator-chart'],
  'database-accounts-bi-password': ['database-accounts-bi-secret'],
  'database-accounts-telemetry-password': [
    'database-accounts-telemetry-secret',
    'log-agent-secret',
    'trace-gateway-secret',
  ],
  'metabase-encryption': ['metabase-secret'],
  'metrics-grafana-password': ['metrics-grafana-secret'],
  'token-password': [
    'redis-cache-group',
    'redis-exporter-cache-secret',
    'redis-exporter-state-secret',
    'redis-state-group',
    'token-secret',
  ],
};
const secretsOf: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  dev: secrets,
  prod: { ...secrets, 'metabase-database-password': ['metabase-database-instance', 'metabase-secret'] },
};

interface NodePoolSpec {
  readonly limits: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly template: {
    readonly spec: {
      readonly requirements: readonly { readonly key: string; readonly values: readonly string[] }[];
      readonly taints: unknown;
    };
  };
}

function poolNamed(platform: Platform, name: string): NodePoolSpec {
  return resourceNamed(platform, `${name}-nodes`).inputs['spec'] as NodePoolSpec;
}

function required(pool: NodePoolSpec, key: string): readonly string[] {
  return pool.template.spec.requirements.find((one) => one.key === key)?.values ?? [];
}

function quotaOf(platform: Platform, name: string): string | undefined {
  const { hard } = resourceNamed(platform, name).inputs['spec'] as { hard: Record<string, string> };
  return hard['requests.nvidia.com/gpu'];
}

const withoutSecrets = (value: unknown) =>
  JSON.stringify(value, (key, part: unknown) => (key === '$secret' ? 'hidden' : part));

for (const environment of ['dev', 'prod']) {
  describe(`the platform of ${environment}`, () => {
    let platform: Platform;

    before(async () => {
      platform = await recordPlatform(environment);
    });

    describe('its doors and secrets', () => {
      it('let in the cluster’s nodes alone, and the network where AWS is reached inside', () => {
        const rules = resourcesOfType(platform, 'aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule');
        assert.deepEqual(
          rules.map(({ name, inputs }) => [
            name,
            inputs['referencedSecurityGroupId'] ?? inputs['cidrIpv4'],
            inputs['fromPort'],
          ]),
          ingress[environment],
        );
        for (const { inputs, name } of rules) assert.equal(inputs['fromPort'], inputs['toPort'], name);
        // AWS lets everyone in a default group reach each other: ours is emptied, and no other group has rules of its own.
        for (const { name, inputs } of resourcesOfType(platform, 'aws:ec2/securityGroup:SecurityGroup')) {
          assert.equal(inputs['ingress'], undefined, name);
        }
        assert.deepEqual(resourceNamed(platform, 'network-default').inputs['ingress'], []);
      });

      it('let requests in by the gateway alone, from inside the network, with TLS', () => {
        for (const { name, inputs } of resourcesOfType(platform, 'kubernetes:core/v1:Service')) {
          assert.equal((inputs['spec'] as { type?: string }).type, 'ClusterIP', name);
        }
        const balancer = resourceNamed(platform, 'gateway-balancer').inputs['spec'] as Record<string, unknown>;
        const cidr = { dev: '10.20.0.0/16', prod: '10.30.0.0/16' }[environment];
        assert.deepEqual([balancer['scheme'], balancer['sourceRanges']], ['internal', [cidr]]);
        const routes = resourcesOfType(platform, 'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute');
        assert.deepEqual(
          routes.map(({ name, inputs }) => {
            const { parentRefs } = inputs['spec'] as { parentRefs: { sectionName: string }[] };
            return [name, parentRefs.map(({ sectionName }) => sectionName)];
          }),
          [
            ['gateway-redirect', ['http']],
            ['orchestrator-route', ['https']],
          ],
        );
      });

      it('are told to those who need them, and in the clear to nobody', () => {
        const random = resourcesOfType(platform, 'random:index/randomPassword:RandomPassword').map(({ name }) => name);
        const told = random.map((name) => {
          const readers = platform.resources.filter(({ inputs }) => JSON.stringify(inputs).includes(`\${${name}.`));
          return [name, readers.map((reader) => reader.name)] as const;
        });
        assert.deepEqual(Object.fromEntries(told), secretsOf[environment]);
        const clear = withoutSecrets(platform.resources);
        for (const name of random) assert.ok(!clear.includes(`\${${name}.`), `${name} stands in the clear`);
        const hidden = '${token-password.result}';
        assert.deepEqual(resourceNamed(platform, 'token-secret').inputs['stringData'], { $secret: { token: hidden } });
        assert.deepEqual(resourceNamed(platform, 'redis-state-group').inputs['authToken'], { $secret: hidden });
      });

      it('lie in a Secret of Kubernetes only as secrets of the state', () => {
        for (const { name, inputs } of resourcesOfType(platform, 'kubernetes:core/v1:Secret')) {
          assert.deepEqual(Object.keys(inputs['stringData'] as object), ['$secret'], name);
          assert.equal(inputs['data'], undefined, name);
        }
      });

      it('let services add to the store and read from it, never delete', () => {
        const objects = '${store-bucket.arn}/sha256/*';
        for (const name of ['features-policy', 'orchestrator-policy', 'registry-policy', 'scoring-policy']) {
          const policy = JSON.parse(String(resourceNamed(platform, name).inputs['policy'])) as {
            Statement: { Effect: string; Action: string[]; Resource: string[] }[];
          };
          assert.deepEqual(
            policy.Statement.map(({ Effect, Action, Resource }) => [Effect, Action, Resource]),
            [
              ['Allow', ['s3:GetObject', 's3:PutObject'], [objects]],
              ['Allow', ['s3:ListBucket'], ['${store-bucket.arn}']],
              ['Allow', ['kms:Decrypt', 'kms:GenerateDataKey'], ['${key-key.arn}']],
            ],
          );
        }
      });

      it('let in images by digest alone, with the release on the Deployment and not on its pods', () => {
        for (const name of ['orchestrator', 'scoring', 'features', 'ingest', 'registry']) {
          const service = release.services[name];
          const { metadata, spec } = resourceNamed(platform, `${name}-deployment`).inputs;
          const text = JSON.stringify(spec);
          const image = digestOfBytes(`image of ${name}`);
          assert.ok(text.includes(`"000000000000.dkr.ecr.eu-west-1.amazonaws.com/orrery/${name}@${image}"`), name);
          // A release that leaves a service as it was leaves its pods alone: they read the release from a map.
          assert.ok(!text.includes(releaseDigest) && JSON.stringify(metadata).includes(releaseDigest), name);
          const map = resourceNamed(platform, `${name}-config`).inputs['data'] as Record<string, string>;
          const config = JSON.parse(map['config.json'] ?? '{}') as Record<string, unknown>;
          assert.deepEqual(
            [config['release'], config['releaseFile'], config['version']],
            [undefined, '/etc/orrery-release/release', { own: service?.own, closure: service?.closure }],
          );
        }
        assert.deepEqual(resourceNamed(platform, 'release-map').inputs['data'], { release: releaseDigest });
      });
    });

    describe('its nodes', () => {
      it('come from many spot markets in three zones, and on demand where none has any', () => {
        const [spot, fallback] = [poolNamed(platform, 'spot-pool'), poolNamed(platform, 'spot-fallback-pool')];
        const types = required(spot, 'node.kubernetes.io/instance-type');
        const families = new Set(types.map((type) => type.slice(0, 1)));
        assert.deepEqual(required(spot, 'karpenter.sh/capacity-type'), ['spot']);
        assert.ok(new Set(types).size >= 10 && families.size >= 3, `${types.length} types, ${families.size} families`);
        assert.deepEqual(required(fallback, 'karpenter.sh/capacity-type'), ['on-demand']);
        assert.ok(spot.weight > fallback.weight);
        const zones = resourceNamed(platform, 'spot-pool-class').dependencies.filter((name) =>
          name.includes('private'),
        );
        assert.deepEqual(zones, [
          'network-private-eu-west-1a',
          'network-private-eu-west-1b',
          'network-private-eu-west-1c',
        ]);
      });

      it('keep data on demand', () => {
        assert.deepEqual(required(poolNamed(platform, 'general-pool'), 'karpenter.sh/capacity-type'), ['on-demand']);
      });

      it('have GPUs behind a taint, and one number of them everywhere', () => {
        const gpuMax = { dev: '1', prod: '4' }[environment];
        const pool = poolNamed(platform, 'gpu-pool');
        assert.deepEqual(pool.template.spec.taints, [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }]);
        assert.equal(pool.limits['nvidia.com/gpu'], gpuMax);
        assert.equal(quotaOf(platform, 'platform-gpu-quota'), gpuMax);
        for (const name of ['nodes', 'observability', 'system']) {
          assert.equal(quotaOf(platform, `${name}-gpu-quota`), '0', name);
        }
        assert.equal(quotaOf(platform, 'tenant-demo-quota'), '0');
      });
    });
  });
}
