import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import {
  planGeneralPool,
  planGpuCaps,
  planGpuPool,
  planSpotPool,
  planSpotPools,
  planSystemPool,
} from '#infra/planning/compute/pools.ts';

const diverse = [
  ...['m5.large', 'm6i.large', 'm6a.large', 'm7i.large'],
  ...['c6i.xlarge', 'c6a.xlarge', 'c7i.xlarge'],
  ...['r5.large', 'r6i.large', 'r6a.large'],
];

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

describe('planning pools of nodes', () => {
  it('keeps the system pool on demand and to those who tolerate it', () => {
    const size = { instanceTypes: ['t3.large'], nodesMin: 2, nodesMax: 4, diskGiB: 50 };
    assert.deepEqual(planSystemPool(size), {
      name: 'system',
      kind: 'system',
      amiType: 'BOTTLEROCKET_x86_64',
      capacityType: 'ON_DEMAND',
      instanceTypes: ['t3.large'],
      nodesMin: 2,
      nodesMax: 4,
      diskGiB: 50,
      taints: [{ key: 'CriticalAddonsOnly', value: 'true', effect: 'NO_SCHEDULE' }],
    });
  });

  it('takes a system pool that never grows', () => {
    const size = { instanceTypes: ['t3.large'], nodesMin: 2, nodesMax: 2, diskGiB: 50 };
    assert.deepEqual([planSystemPool(size).nodesMin, planSystemPool(size).nodesMax], [2, 2]);
  });

  it('refuses a system pool of one node', () => {
    const size = { instanceTypes: ['t3.large'], nodesMin: 1, nodesMax: 4, diskGiB: 50 };
    assert.throws(() => planSystemPool(size), refusedAs('POOL_SIZE_INVALID'));
  });

  it('takes a spot pool of 10 types of 3 families, open to everyone', () => {
    assert.deepEqual(planSpotPool({ instanceTypes: diverse, nodesMin: 0, nodesMax: 6, diskGiB: 50 }), {
      name: 'spot',
      kind: 'spot',
      amiType: 'BOTTLEROCKET_x86_64',
      capacityType: 'SPOT',
      instanceTypes: diverse,
      nodesMin: 0,
      nodesMax: 6,
      diskGiB: 50,
      taints: [],
    });
  });

  it('refuses a spot pool of 9 types, of 10 with one twice, and of 10 types of 2 families', () => {
    const plan = (instanceTypes: string[]) => () =>
      planSpotPool({ instanceTypes, nodesMin: 0, nodesMax: 6, diskGiB: 50 });
    assert.throws(plan(diverse.slice(1)), refusedAs('SPOT_NOT_DIVERSE'));
    assert.throws(plan([...diverse.slice(1), 'm6i.large']), refusedAs('SPOT_NOT_DIVERSE'));
    const narrow = ['m5', 'm5a', 'm6i', 'm6a', 'm7i', 'm7a', 'c6i', 'c6a', 'c7i', 'c7a'].map((type) => `${type}.large`);
    assert.throws(plan(narrow), refusedAs('SPOT_NOT_DIVERSE'));
  });

  it('refuses a pool without types, and one whose least is above its most', () => {
    const none = { instanceTypes: [], nodesMin: 0, nodesMax: 6, diskGiB: 50 };
    assert.throws(() => planSpotPool(none), refusedAs('POOL_SIZE_INVALID'));
    assert.throws(() => planSpotPool({ ...none, instanceTypes: diverse, nodesMin: 7 }), refusedAs('POOL_SIZE_INVALID'));
    assert.throws(() => planSpotPool({ ...none, instanceTypes: diverse, nodesMax: 0 }), refusedAs('POOL_SIZE_INVALID'));
  });

  it('admits a list that is just diverse enough, and no narrower one', () => {
    const ten = ['m5', 'm5a', 'm6i', 'm6a', 'm7i', 'm7a', 'c6i', 'c6a', 'c7i', 'r6i'].map((type) => `${type}.large`);
    const plan = (instanceTypes: string[]) => planSpotPool({ instanceTypes, nodesMin: 0, nodesMax: 6, diskGiB: 50 });
    assert.equal(plan(ten).instanceTypes.length, 10);
    assert.throws(() => plan(ten.slice(1)), refusedAs('SPOT_NOT_DIVERSE'));
  });

  it('lets nodes on demand stand in for spot, as many as it is told and none that wait', () => {
    const size = { instanceTypes: diverse, nodesMin: 1, nodesMax: 6, diskGiB: 50 };
    const [spot, fallback] = planSpotPools({ ...size, fallbackNodesMax: 2 });
    assert.deepEqual(spot, planSpotPool(size));
    assert.deepEqual(fallback, {
      name: 'spot-fallback',
      kind: 'spot',
      amiType: 'BOTTLEROCKET_x86_64',
      capacityType: 'ON_DEMAND',
      instanceTypes: diverse,
      nodesMin: 0,
      nodesMax: 2,
      diskGiB: 50,
      taints: [],
    });
  });

  it('keeps data on demand, on nodes that are open to everyone', () => {
    assert.deepEqual(planGeneralPool({ instanceTypes: ['m7i.2xlarge'], nodesMin: 0, nodesMax: 3, diskGiB: 100 }), {
      name: 'general',
      kind: 'general',
      amiType: 'BOTTLEROCKET_x86_64',
      capacityType: 'ON_DEMAND',
      instanceTypes: ['m7i.2xlarge'],
      nodesMin: 0,
      nodesMax: 3,
      diskGiB: 100,
      taints: [],
    });
  });

  it('refuses nodes of another architecture than the images of the services', () => {
    const arm = { instanceTypes: ['m7g.large'], nodesMin: 2, nodesMax: 3, diskGiB: 100 };
    assert.throws(() => planGeneralPool(arm), refusedAs('INSTANCE_TYPE_UNKNOWN'));
    assert.throws(() => planSystemPool(arm), refusedAs('INSTANCE_TYPE_UNKNOWN'));
  });

  const gpu = { gpuMax: 4, instanceTypes: ['g6.xlarge', 'g5.xlarge'], diskGiB: 100 } as const;

  it('keeps the GPU pool tainted, empty at rest and below the cap', () => {
    assert.deepEqual(planGpuPool({ ...gpu, capacityType: 'spot', sharesPerGpu: 1 }), {
      name: 'gpu',
      kind: 'gpu',
      amiType: 'BOTTLEROCKET_x86_64_NVIDIA',
      capacityType: 'SPOT',
      instanceTypes: ['g6.xlarge', 'g5.xlarge'],
      nodesMin: 0,
      nodesMax: 4,
      diskGiB: 100,
      taints: [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NO_SCHEDULE' }],
      gpus: { perNode: 1, sharesPerGpu: 1, quotaGpus: 4 },
    });
  });

  it('takes GPUs on demand where it is told to', () => {
    assert.equal(planGpuPool({ ...gpu, capacityType: 'on-demand', sharesPerGpu: 1 }).capacityType, 'ON_DEMAND');
  });

  it('derives every cap of GPUs from one number, never above it', () => {
    assert.deepEqual(planGpuCaps({ gpuMax: 4, instanceTypes: ['g6.xlarge'], sharesPerGpu: 1 }), {
      nodesMax: 4,
      quotaGpus: 4,
      workersMax: 4,
    });
    assert.deepEqual(planGpuCaps({ gpuMax: 10, instanceTypes: ['g6.12xlarge'], sharesPerGpu: 1 }), {
      nodesMax: 2,
      quotaGpus: 10,
      workersMax: 10,
    });
  });

  it('shares a GPU among more pods without starting a node more', () => {
    assert.deepEqual(planGpuCaps({ gpuMax: 10, instanceTypes: ['g6.12xlarge'], sharesPerGpu: 4 }), {
      nodesMax: 2,
      quotaGpus: 40,
      workersMax: 40,
    });
  });

  it('refuses GPU types that it can not count', () => {
    const caps = (gpuMax: number, instanceTypes: string[]) => () =>
      planGpuCaps({ gpuMax, instanceTypes, sharesPerGpu: 1 });
    assert.throws(caps(4, ['m7i.large']), refusedAs('GPU_TYPE_UNKNOWN'));
    assert.throws(caps(4, ['g6.xlarge', 'g6.12xlarge']), refusedAs('GPU_TYPES_UNEQUAL'));
    assert.throws(caps(4, []), refusedAs('GPU_TYPES_UNEQUAL'));
    assert.throws(caps(3, ['g6.12xlarge']), refusedAs('GPU_CAP_INVALID'));
    assert.throws(caps(1.5, ['g6.xlarge']), refusedAs('GPU_CAP_INVALID'));
    assert.equal(caps(4, ['g6.12xlarge'])().nodesMax, 1);
  });

  it('refuses to share a GPU among none, among parts of a pod, or among more than 16', () => {
    const shared = (sharesPerGpu: number) => () =>
      planGpuCaps({ gpuMax: 1, instanceTypes: ['g6.xlarge'], sharesPerGpu });
    for (const shares of [0, 1.5, 17]) assert.throws(shared(shares), refusedAs('GPU_SHARES_INVALID'), String(shares));
    assert.equal(shared(16)().quotaGpus, 16);
  });
});
