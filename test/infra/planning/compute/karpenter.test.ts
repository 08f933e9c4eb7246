import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planDisruption } from '#infra/planning/compute/disruption.ts';
import { planGpuOverlay, planNodeClass, planNodePool } from '#infra/planning/compute/karpenter.ts';
import { planNodeSettings } from '#infra/planning/compute/node-settings.ts';
import { planGeneralPool, planGpuPool, planSpotPools, planSystemPool } from '#infra/planning/compute/pools.ts';

const diverse = [
  ...['m5.large', 'm6i.large', 'm6a.large', 'm7i.large'],
  ...['c6i.xlarge', 'c6a.xlarge', 'c7i.xlarge'],
  ...['r5.large', 'r6i.large', 'r6a.large'],
];
const size = { instanceTypes: diverse, nodesMin: 0, nodesMax: 6, diskGiB: 50 };
const [spot, fallback] = planSpotPools({ ...size, fallbackNodesMax: 2 });
const general = planGeneralPool({ ...size, instanceTypes: ['m7i.2xlarge', 'r7i.2xlarge'], nodesMax: 3 });
const gpuOf = (sharesPerGpu: number) =>
  planGpuPool({ gpuMax: 9, instanceTypes: ['g6.12xlarge'], diskGiB: 100, capacityType: 'spot', sharesPerGpu });

/** Minutes of what Karpenter calls a duration. */
function minutesOf(duration: string): number {
  const [, count = '', unit = ''] = /^(\d+)([mh])$/.exec(duration) ?? [];
  return Number(count) * (unit === 'h' ? 60 : 1);
}

describe('a pool of Karpenter’s', () => {
  it('is bounded by the cores and the memory of its nodes, and says what they are', () => {
    assert.deepEqual(planNodePool(spot), {
      weight: 50,
      limits: { cpu: '24', memory: '96Gi' },
      disruption: {
        consolidationPolicy: 'WhenEmptyOrUnderutilized',
        consolidateAfter: '5m',
        budgets: [{ nodes: '10%' }],
      },
      template: {
        metadata: { labels: { 'orrery.dev/pool': 'spot' } },
        spec: {
          nodeClassRef: { group: 'karpenter.k8s.aws', kind: 'EC2NodeClass', name: 'spot' },
          taints: [],
          requirements: [
            { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['spot'] },
            { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] },
            { key: 'kubernetes.io/os', operator: 'In', values: ['linux'] },
            { key: 'node.kubernetes.io/instance-type', operator: 'In', values: diverse },
          ],
          expireAfter: '168h',
          terminationGracePeriod: '24h',
        },
      },
    });
  });

  it('of spot capacity is tried before what stands in for it, and that before where data lies', () => {
    const weights = [spot, fallback, general].map((plan) => planNodePool(plan).weight);
    assert.deepEqual(
      weights,
      weights.toSorted((left, right) => right - left),
    );
    assert.equal(new Set(weights).size, 3);
    const { limits, template } = planNodePool(fallback);
    assert.deepEqual(limits, { cpu: '8', memory: '32Gi' });
    assert.deepEqual(template.metadata.labels, { 'orrery.dev/pool': 'spot' });
    assert.deepEqual(template.spec.requirements[0]?.values, ['on-demand']);
  });

  it('of GPUs is tainted and counts them as pods ask for them', () => {
    const { limits, template } = planNodePool(gpuOf(4));
    assert.deepEqual(limits, { cpu: '96', memory: '384Gi', 'nvidia.com/gpu': '36' });
    assert.deepEqual(planNodePool(gpuOf(1)).limits['nvidia.com/gpu'], '9');
    assert.deepEqual(template.spec.taints, [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }]);
    assert.deepEqual(template.metadata.labels, { 'orrery.dev/pool': 'gpu', 'orrery.dev/gpu-shares': '4' });
  });

  it('is refused where it would keep nodes without pods', () => {
    assert.throws(
      () => planNodePool({ ...general, nodesMin: 1 }),
      (error) =>
        error instanceof PlanError && error.code === 'POOL_SIZE_INVALID' && error.message.includes('nodesMin 1'),
    );
  });

  it('waits at least five minutes, has a budget for every node, and lets none grow old', () => {
    for (const plan of [spot, fallback, general, gpuOf(1)]) {
      const { budgets, consolidateAfter, expireAfter } = planDisruption(plan);
      assert.ok(minutesOf(consolidateAfter) >= 5, plan.name);
      assert.ok(budgets.length > 0, plan.name);
      assert.ok(minutesOf(expireAfter) > 0 && minutesOf(expireAfter) <= 30 * 24 * 60, plan.name);
    }
  });

  it('loses nodes to consolidation only when they are empty, where data lies or a GPU works', () => {
    assert.equal(planDisruption(general).consolidationPolicy, 'WhenEmpty');
    assert.equal(planDisruption(gpuOf(1)).consolidationPolicy, 'WhenEmpty');
    assert.equal(planDisruption(general).terminationGracePeriod, undefined);
  });

  it('is never the system pool, on which Karpenter runs', () => {
    assert.throws(() => planDisruption(planSystemPool({ ...size, nodesMin: 2 })), TypeError);
  });
});

describe('a class of Karpenter’s nodes', () => {
  const place = {
    instanceProfile: 'profile-1',
    subnetIds: ['subnet-1', 'subnet-2'],
    securityGroupId: 'sg-1',
    tags: { environment: 'test' },
  };

  it('is Bottlerocket at one version, encrypted, private, with credentials out of the reach of pods', () => {
    assert.deepEqual(planNodeClass({ plan: general, ...place }), {
      amiSelectorTerms: [{ alias: 'bottlerocket@v1.63.0' }],
      instanceProfile: 'profile-1',
      subnetSelectorTerms: [{ id: 'subnet-1' }, { id: 'subnet-2' }],
      securityGroupSelectorTerms: [{ id: 'sg-1' }],
      associatePublicIPAddress: false,
      metadataOptions: {
        httpEndpoint: 'enabled',
        httpProtocolIPv6: 'disabled',
        httpTokens: 'required',
        httpPutResponseHopLimit: 1,
      },
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: { volumeSize: '4Gi', volumeType: 'gp3', encrypted: true, deleteOnTermination: true },
        },
        {
          deviceName: '/dev/xvdb',
          ebs: { volumeSize: '50Gi', volumeType: 'gp3', encrypted: true, deleteOnTermination: true },
        },
      ],
      kubelet: {
        imageGCHighThresholdPercent: 80,
        imageGCLowThresholdPercent: 60,
        evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '10%', 'pid.available': '10%' },
      },
      tags: { environment: 'test', Name: 'general-pool' },
    });
  });

  it('shares its GPUs in the operating system’s own plugin, and tells Karpenter how many that makes', () => {
    assert.equal(
      planNodeClass({ plan: gpuOf(4), ...place }).userData,
      [
        '[settings.kubelet-device-plugins.nvidia]',
        'device-sharing-strategy = "time-slicing"',
        '',
        '[settings.kubelet-device-plugins.nvidia.time-slicing]',
        'replicas = 4',
        'rename-by-default = false',
        'fail-requests-greater-than-one = true',
        '',
      ].join('\n'),
    );
    assert.deepEqual(planGpuOverlay(gpuOf(4)), {
      requirements: [{ key: 'karpenter.sh/nodepool', operator: 'In', values: ['gpu'] }],
      capacity: { 'nvidia.com/gpu': '16' },
    });
  });

  it('says nothing of shares where nothing is shared', () => {
    for (const plan of [general, gpuOf(1)]) {
      assert.equal(planNodeSettings(plan), undefined);
      assert.equal(planGpuOverlay(plan), undefined);
    }
    assert.ok(planNodeSettings(gpuOf(2)) !== undefined);
  });
});
