import assert from 'node:assert/strict';
import { KarpenterPool, type KarpenterPoolArgs } from '#infra/compute/karpenter-pool.ts';
import { PlanError } from '#infra/errors.ts';
import { planGeneralPool, planGpuPool } from '#infra/planning/compute/pools.ts';
import { outline, record, resourceNamed, type Recording } from '#test/support/pulumi.ts';

const gpuOf = (sharesPerGpu: number) =>
  planGpuPool({ gpuMax: 4, instanceTypes: ['g6.xlarge'], diskGiB: 100, capacityType: 'spot', sharesPerGpu });

const args: KarpenterPoolArgs = {
  plan: gpuOf(1),
  instanceProfile: 'profile-1',
  subnetIds: ['subnet-1', 'subnet-2', 'subnet-3'],
  securityGroupId: 'sg-1',
  tags: { environment: 'test' },
  after: [],
};

function recordPool(over: Partial<KarpenterPoolArgs> = {}) {
  return record(() => new KarpenterPool('gpu-pool', { ...args, ...over }));
}

function specOf(recording: Recording<unknown>, name: string): Record<string, unknown> {
  return resourceNamed(recording, name).inputs['spec'] as Record<string, unknown>;
}

describe('a pool of Karpenter’s nodes', () => {
  it('is a class of nodes and how many there may be of it', async () => {
    const recording = await recordPool();
    assert.deepEqual(outline(recording), [
      'orrery:compute:KarpenterPool gpu-pool',
      'kubernetes:karpenter.k8s.aws/v1:EC2NodeClass gpu-pool-class < gpu-pool',
      'kubernetes:karpenter.sh/v1:NodePool gpu-pool-nodes < gpu-pool',
    ]);
    assert.deepEqual(resourceNamed(recording, 'gpu-pool-nodes').dependencies, ['gpu-pool-class']);
    assert.deepEqual([...recording.completed], ['gpu-pool']);
  });

  it('carries its plan out under the name that people and alerts know', async () => {
    const recording = await recordPool();
    assert.deepEqual(resourceNamed(recording, 'gpu-pool-nodes').inputs['metadata'], { name: 'gpu' });
    assert.deepEqual(specOf(recording, 'gpu-pool-nodes')['limits'], {
      cpu: '16',
      memory: '64Gi',
      'nvidia.com/gpu': '4',
    });
    const spec = specOf(recording, 'gpu-pool-class');
    assert.deepEqual(spec['subnetSelectorTerms'], [{ id: 'subnet-1' }, { id: 'subnet-2' }, { id: 'subnet-3' }]);
    assert.deepEqual(spec['securityGroupSelectorTerms'], [{ id: 'sg-1' }]);
    assert.equal(spec['instanceProfile'], 'profile-1');
  });

  it('tells Karpenter of shared GPUs before there is a pool of them', async () => {
    const recording = await recordPool({ plan: gpuOf(4) });
    assert.equal(resourceNamed(recording, 'gpu-pool-shares').type, 'kubernetes:karpenter.sh/v1alpha1:NodeOverlay');
    assert.deepEqual(specOf(recording, 'gpu-pool-shares')['capacity'], { 'nvidia.com/gpu': '4' });
    assert.deepEqual(resourceNamed(recording, 'gpu-pool-nodes').dependencies, ['gpu-pool-class', 'gpu-pool-shares']);
  });

  it('refuses nodes without pods before it makes anything', async () => {
    const size = { instanceTypes: ['m7i.large'], nodesMin: 1, nodesMax: 2, diskGiB: 50 };
    await assert.rejects(
      recordPool({ plan: planGeneralPool(size) }),
      (error) => error instanceof PlanError && error.code === 'POOL_SIZE_INVALID',
    );
  });

  it('is bent where a user has a reason', async () => {
    const recording = await recordPool({
      transform: {
        nodeClass: (nodeClass) => ({ ...nodeClass, tags: { team: 'vision' } }),
        nodePool: (nodePool) => ({ ...nodePool, weight: 99 }),
      },
    });
    assert.deepEqual(specOf(recording, 'gpu-pool-class')['tags'], { team: 'vision' });
    assert.equal(specOf(recording, 'gpu-pool-nodes')['weight'], 99);
  });
});
