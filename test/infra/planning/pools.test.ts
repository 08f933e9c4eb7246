import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planGpuCaps, planGpuPool, planSpotPool, planSystemPool } from '#infra/planning/pools.ts';

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

  it('refuses a system pool of one node', () => {
    const size = { instanceTypes: ['t3.large'], nodesMin: 1, nodesMax: 4, diskGiB: 50 };
    assert.throws(() => planSystemPool(size), refusedAs('POOL_SIZE_INVALID'));
  });

  it('takes a spot pool of 10 types of 3 families, open to everyone', () => {
    assert.deepEqual(planSpotPool({ instanceTypes: diverse, nodesMin: 0, nodesMax: 6, diskGiB: 50 }), {
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
  });

  it('keeps the GPU pool tainted, empty at rest and below the cap', () => {
    assert.deepEqual(planGpuPool({ gpuMax: 4, instanceTypes: ['g6.xlarge', 'g5.xlarge'], diskGiB: 100 }), {
      kind: 'gpu',
      amiType: 'BOTTLEROCKET_x86_64_NVIDIA',
      capacityType: 'SPOT',
      instanceTypes: ['g6.xlarge', 'g5.xlarge'],
      nodesMin: 0,
      nodesMax: 4,
      diskGiB: 100,
      taints: [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NO_SCHEDULE' }],
    });
  });

  it('derives every cap of GPUs from one number, never above it', () => {
    assert.deepEqual(planGpuCaps({ gpuMax: 4, instanceTypes: ['g6.xlarge'] }), {
      nodesMax: 4,
      quotaGpus: 4,
      workersMax: 4,
    });
    assert.deepEqual(planGpuCaps({ gpuMax: 10, instanceTypes: ['g6.12xlarge'] }), {
      nodesMax: 2,
      quotaGpus: 10,
      workersMax: 10,
    });
  });

  it('refuses GPU types that it can not count', () => {
    const caps = (gpuMax: number, instanceTypes: string[]) => () => planGpuCaps({ gpuMax, instanceTypes });
    assert.throws(caps(4, ['m7i.large']), refusedAs('GPU_TYPE_UNKNOWN'));
    assert.throws(caps(4, ['g6.xlarge', 'g6.12xlarge']), refusedAs('GPU_TYPES_UNEQUAL'));
    assert.throws(caps(4, []), refusedAs('GPU_TYPES_UNEQUAL'));
    assert.throws(caps(3, ['g6.12xlarge']), refusedAs('GPU_CAP_INVALID'));
    assert.throws(caps(1.5, ['g6.xlarge']), refusedAs('GPU_CAP_INVALID'));
  });
});
