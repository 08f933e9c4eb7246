import assert from 'node:assert/strict';
import { Provider as Aws } from '@pulumi/aws';
import { Provider as Kubernetes } from '@pulumi/kubernetes';
import { createCapacity, type CapacityRequest } from '#infra/compute/capacity.ts';
import { planGeneralPool, planGpuPool, planSpotPools } from '#infra/planning/compute/pools.ts';
import { Key } from '#infra/security/key.ts';
import { record, resourceNamed } from '#test/support/pulumi.ts';

const diverse = [
  ...['m5.large', 'm6i.large', 'm6a.large', 'm7i.large'],
  ...['c6i.xlarge', 'c6a.xlarge', 'c7i.xlarge'],
  ...['r5.large', 'r6i.large', 'r6a.large'],
];
const size = { instanceTypes: diverse, nodesMin: 0, nodesMax: 6, diskGiB: 50 };
const gpuOf = (sharesPerGpu: number) =>
  planGpuPool({ gpuMax: 1, instanceTypes: ['g6.xlarge'], diskGiB: 100, capacityType: 'spot', sharesPerGpu });

function recordCapacity(backend: CapacityRequest['backend'], sharesPerGpu = 1) {
  return record(() => {
    const providers = { aws: new Aws('aws', { region: 'eu-west-1' }), kubernetes: new Kubernetes('kubernetes', {}) };
    const first = new Key('first', { description: 'stands for addons', accountId: '111122223333' }, { providers });
    const [spot, fallback] = planSpotPools({ ...size, fallbackNodesMax: 2 });
    return createCapacity(
      {
        backend,
        plans: [planGeneralPool(size), spot, fallback, gpuOf(sharesPerGpu)],
        cluster: {
          clusterName: 'orrery-test',
          version: '1.34',
          securityGroupId: 'sg-1',
          region: 'eu-west-1',
          accountId: '111122223333',
        },
        subnetIds: ['subnet-1'],
        namespace: 'orrery-system',
        isolated: false,
        tags: {},
        after: [first],
      },
      { providers },
    );
  });
}

async function componentsOf(backend: CapacityRequest['backend']): Promise<string[]> {
  const { resources } = await recordCapacity(backend);
  return resources.filter(({ type }) => type.startsWith('orrery:compute')).map(({ type, name }) => `${type} ${name}`);
}

describe('the capacity of a cluster', () => {
  it('is made by Karpenter, or by node groups, of the same pools under the same names', async () => {
    assert.deepEqual(await componentsOf('karpenter'), [
      'orrery:compute:KarpenterPool general-pool',
      'orrery:compute:KarpenterPool gpu-pool',
      'orrery:compute:Karpenter karpenter',
      'orrery:compute:KarpenterPool spot-fallback-pool',
      'orrery:compute:KarpenterPool spot-pool',
    ]);
    assert.deepEqual(await componentsOf('managed'), [
      'orrery:compute:NodePool general-pool',
      'orrery:compute:NodePool gpu-pool',
      'orrery:compute:NodePool spot-fallback-pool',
      'orrery:compute:NodePool spot-pool',
    ]);
  });

  it('labels its nodes alike, whoever makes them', async () => {
    const byKarpenter = resourceNamed(await recordCapacity('karpenter'), 'spot-fallback-pool-nodes').inputs as {
      spec?: { template: { metadata: { labels: object } } };
    };
    const byGroup = resourceNamed(await recordCapacity('managed'), 'spot-fallback-pool-nodes').inputs;
    assert.deepEqual(byKarpenter.spec?.template.metadata.labels, byGroup['labels']);
    assert.deepEqual(byGroup['labels'], { 'orrery.dev/pool': 'spot' });
  });

  it('begins after what it is told to wait for, and with Karpenter before its pools', async () => {
    const karpenter = await recordCapacity('karpenter');
    assert.ok(resourceNamed(karpenter, 'karpenter-definitions').dependencies.includes('first-key'));
    for (const pool of ['general', 'spot', 'spot-fallback', 'gpu']) {
      assert.ok(resourceNamed(karpenter, `${pool}-pool-nodes`).dependencies.includes('karpenter-chart'), pool);
      assert.ok(resourceNamed(karpenter, `${pool}-pool-class`).dependencies.includes('karpenter-chart'), pool);
    }
    const managed = await recordCapacity('managed');
    assert.ok(resourceNamed(managed, 'spot-pool-nodes').dependencies.includes('first-key'));
  });

  it('lets Karpenter count shares only where a GPU has some', async () => {
    const gateOf = async (sharesPerGpu: number) => {
      const { inputs } = resourceNamed(await recordCapacity('karpenter', sharesPerGpu), 'karpenter-chart');
      const { settings } = inputs['values'] as { settings: { featureGates: { nodeOverlay: boolean } } };
      return settings.featureGates.nodeOverlay;
    };
    assert.deepEqual([await gateOf(1), await gateOf(2)], [false, true]);
  });
});
