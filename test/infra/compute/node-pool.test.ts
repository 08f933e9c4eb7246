import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { NodePool, type NodePoolArgs } from '#infra/compute/node-pool.ts';
import { planGpuPool } from '#infra/planning/compute/pools.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const gpu = { gpuMax: 4, instanceTypes: ['g6.xlarge', 'g5.xlarge'], diskGiB: 200, capacityType: 'spot' } as const;
const plan = planGpuPool({ ...gpu, sharesPerGpu: 1 });

const args: NodePoolArgs = {
  clusterName: 'orrery-test',
  version: '1.34',
  subnetIds: ['subnet-1', 'subnet-2'],
  plan,
  tags: { environment: 'test' },
  after: [],
};

function recordPool(over: Partial<NodePoolArgs> = {}) {
  return record(() => new NodePool('gpu-pool', { ...args, ...over }));
}

describe('a pool of nodes', () => {
  it('is a node group with a launch template and a role that may join and pull, and nothing else', async () => {
    const recording = await recordPool();
    assert.deepEqual(outline(recording), [
      'orrery:compute:NodePool gpu-pool',
      'aws:iam/rolePolicyAttachment:RolePolicyAttachment gpu-pool-AmazonEC2ContainerRegistryPullOnly < gpu-pool',
      'aws:iam/rolePolicyAttachment:RolePolicyAttachment gpu-pool-AmazonEKSWorkerNodePolicy < gpu-pool',
      'aws:eks/nodeGroup:NodeGroup gpu-pool-nodes < gpu-pool',
      'aws:iam/role:Role gpu-pool-role < gpu-pool',
      'aws:ec2/launchTemplate:LaunchTemplate gpu-pool-template < gpu-pool',
    ]);
    assert.deepEqual([...recording.completed], ['gpu-pool']);
  });

  it('carries its plan out: types, bounds, label and taint', async () => {
    const { inputs, dependencies } = resourceNamed(await recordPool(), 'gpu-pool-nodes');
    assert.deepEqual(inputs, {
      clusterName: 'orrery-test',
      version: '1.34',
      nodeRoleArn: '${gpu-pool-role.arn}',
      subnetIds: ['subnet-1', 'subnet-2'],
      amiType: 'BOTTLEROCKET_x86_64_NVIDIA',
      capacityType: 'SPOT',
      instanceTypes: ['g6.xlarge', 'g5.xlarge'],
      scalingConfig: { minSize: 0, desiredSize: 0, maxSize: 4 },
      labels: { 'orrery.dev/pool': 'gpu', 'orrery.dev/gpu-shares': '1' },
      taints: [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NO_SCHEDULE' }],
      launchTemplate: { id: '${gpu-pool-template.id}', version: '${gpu-pool-template.latestVersion}' },
      updateConfig: { maxUnavailable: 1 },
      nodeRepairConfig: { enabled: true },
    });
    assert.deepEqual(dependencies, [
      'gpu-pool-AmazonEC2ContainerRegistryPullOnly',
      'gpu-pool-AmazonEKSWorkerNodePolicy',
      'gpu-pool-role',
      'gpu-pool-template',
    ]);
  });

  it('encrypts its disks, hides instance credentials from pods and tags what it starts', async () => {
    const { inputs } = resourceNamed(await recordPool(), 'gpu-pool-template');
    assert.deepEqual(inputs['metadataOptions'], {
      httpEndpoint: 'enabled',
      httpTokens: 'required',
      httpPutResponseHopLimit: 1,
    });
    assert.deepEqual(inputs['blockDeviceMappings'], [
      {
        deviceName: '/dev/xvda',
        ebs: { volumeSize: 4, volumeType: 'gp3', encrypted: 'true', deleteOnTermination: 'true' },
      },
      {
        deviceName: '/dev/xvdb',
        ebs: { volumeSize: 200, volumeType: 'gp3', encrypted: 'true', deleteOnTermination: 'true' },
      },
    ]);
    assert.deepEqual(inputs['tagSpecifications'], [
      { resourceType: 'instance', tags: { environment: 'test', Name: 'gpu-pool' } },
      { resourceType: 'volume', tags: { environment: 'test', Name: 'gpu-pool' } },
    ]);
  });

  it('tells its operating system how a GPU is shared, where it is', async () => {
    assert.equal(resourceNamed(await recordPool(), 'gpu-pool-template').inputs['userData'], undefined);
    const shared = planGpuPool({ ...gpu, sharesPerGpu: 4 });
    const { inputs } = resourceNamed(await recordPool({ plan: shared }), 'gpu-pool-template');
    assert.match(Buffer.from(String(inputs['userData']), 'base64').toString(), /^replicas = 4$/m);
  });

  it('is bent where a user has a reason', async () => {
    const recording = await recordPool({
      transform: {
        nodeGroup: (group) => ({ ...group, updateConfig: { maxUnavailablePercentage: 50 } }),
        launchTemplate: (template) => ({ ...template, ebsOptimized: 'true' }),
      },
    });
    assert.deepEqual(resourceNamed(recording, 'gpu-pool-nodes').inputs['updateConfig'], {
      maxUnavailablePercentage: 50,
    });
    assert.equal(resourceNamed(recording, 'gpu-pool-template').inputs['ebsOptimized'], 'true');
  });
});
