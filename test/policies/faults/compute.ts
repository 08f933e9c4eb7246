import { add, mutantsOf, set } from '../mutant.ts';
import { resource } from '../exemplar.ts';

const gpuTaint = { key: 'nvidia.com/gpu', value: 'true', effect: 'NO_SCHEDULE' };
const requirements = 'spec.template.spec.requirements';

function gpuGroup(inputs: Record<string, unknown>) {
  return {
    add: resource('aws:eks/nodeGroup:NodeGroup', 'gpu-group', {
      version: '1.34',
      amiType: 'BOTTLEROCKET_x86_64_NVIDIA',
      launchTemplate: { id: '${template.id}', version: '${template.latestVersion}' },
      nodeRepairConfig: { enabled: true },
      taints: [gpuTaint],
      ...inputs,
    }),
  };
}

export const computeFaults = [
  ...mutantsOf('gpu-cap-agrees', [
    [
      'Karpenter may grow beyond the quota',
      set('gpu-pool', { 'spec.limits': { 'nvidia.com/gpu': '5' } }),
      'gpu-pool spec.limits.nvidia.com/gpu',
      'gpu-quota spec.hard.requests.nvidia.com/gpu',
    ],
    [
      'Karpenter’s pool has no limit of GPUs',
      set('gpu-pool', { 'spec.limits': { cpu: '1000' } }),
      'gpu-pool spec.limits.nvidia.com/gpu',
    ],
    [
      'the quota allows what the pool can not hold',
      set('gpu-quota', { 'spec.hard': { 'requests.nvidia.com/gpu': '8' } }),
      'gpu-pool spec.limits.nvidia.com/gpu',
      'gpu-quota spec.hard.requests.nvidia.com/gpu',
      'inference-scaler spec.maxReplicaCount',
    ],
    [
      'workers may outgrow the quota',
      set('inference-scaler', { 'spec.maxReplicaCount': 12 }),
      'inference-scaler spec.maxReplicaCount',
    ],
    [
      'workers leave GPUs idle',
      set('inference-scaler', { 'spec.maxReplicaCount': 2 }),
      'inference-scaler spec.maxReplicaCount',
    ],
    [
      'GPUs are cut in four, and the quota counts them whole',
      add('kubernetes:core/v1:ConfigMap', 'slices', {
        data: { any: 'sharing:\n  timeSlicing:\n    resources:\n      - name: nvidia.com/gpu\n        replicas: 4\n' },
      }),
      'gpu-pool spec.limits.nvidia.com/gpu',
      'gpu-quota spec.hard.requests.nvidia.com/gpu',
    ],
    [
      'a second pool, of managed nodes, is not counted',
      gpuGroup({ instanceTypes: ['g6.xlarge'], scalingConfig: { maxSize: 2 } }),
      'gpu-group scalingConfig.maxSize',
      'gpu-pool spec.limits.nvidia.com/gpu',
      'gpu-quota spec.hard.requests.nvidia.com/gpu',
    ],
    [
      'a pool mixes one GPU with four',
      gpuGroup({ instanceTypes: ['g6.xlarge', 'g6.12xlarge'], scalingConfig: { maxSize: 0 } }),
      'gpu-group instanceTypes',
    ],
    [
      'a pool is of a type whose GPUs nobody has counted',
      gpuGroup({ instanceTypes: ['p9.giant'], scalingConfig: { maxSize: 0 } }),
      'gpu-group instanceTypes',
    ],
  ]),
  ...mutantsOf('gpu-pools-tainted', [
    [
      'Karpenter’s GPU pool takes any pod',
      set('gpu-pool', { 'spec.template.spec.taints': [] }),
      'gpu-pool spec.template.spec.taints',
    ],
    [
      'the taint only prefers',
      set('gpu-pool', { 'spec.template.spec.taints[0].effect': 'PreferNoSchedule' }),
      'gpu-pool spec.template.spec.taints',
    ],
    [
      'a managed GPU pool takes any pod',
      gpuGroup({ instanceTypes: ['g6.xlarge'], scalingConfig: { maxSize: 0 }, taints: undefined }),
      'gpu-group taints',
    ],
    [
      'work on a GPU is ended to save',
      set('gpu-pool', { 'spec.disruption.consolidationPolicy': 'WhenEmptyOrUnderutilized' }),
      'gpu-pool spec.disruption.consolidationPolicy',
    ],
  ]),
  ...mutantsOf('spot-is-diverse', [
    [
      'a managed pool takes two types',
      set('spot-group', { instanceTypes: ['m6g.large', 'm7g.large'] }),
      'spot-group instanceTypes',
    ],
    [
      'a managed pool takes ten types of one family',
      set('spot-group', { instanceTypes: Array.from({ length: 10 }, (_, size) => `m6g.${size}xlarge`) }),
      'spot-group instanceTypes',
    ],
    [
      'Karpenter takes one category',
      set('spot-pool', { [`${requirements}[2].values`]: ['m'] }),
      'spot-pool spec.template.spec.requirements',
    ],
    [
      'Karpenter takes one zone',
      set('spot-pool', { [`${requirements}[1].values`]: ['a'] }),
      'spot-pool spec.template.spec.requirements',
    ],
    ['there is nothing to fall back to', { remove: 'general-pool' }, 'spot-pool spec.template.spec.requirements'],
    [
      'the fallback comes first',
      set('general-pool', { 'spec.weight': 90 }),
      'spot-pool spec.template.spec.requirements',
    ],
  ]),
  ...mutantsOf('pools-calm', [
    [
      'nodes go after half a minute',
      set('spot-pool', { 'spec.disruption.consolidateAfter': '30s' }),
      'spot-pool spec.disruption.consolidateAfter',
    ],
    [
      'all nodes may go at once',
      set('general-pool', { 'spec.disruption.budgets': [{ nodes: '100%' }] }),
      'general-pool spec.disruption.budgets',
    ],
    [
      'the budget is of the night alone',
      set('spot-pool', { 'spec.disruption.budgets': [{ nodes: '10%', schedule: '@daily', duration: '8h' }] }),
      'spot-pool spec.disruption.budgets',
    ],
    ['a pool has no limit', set('spot-pool', { 'spec.limits': undefined }), 'spot-pool spec.limits'],
  ]),
  ...mutantsOf('nodes-guarded', [
    [
      'metadata answers without a token',
      set('template', { 'metadataOptions.httpTokens': 'optional' }),
      'template metadataOptions.httpTokens',
    ],
    [
      'pods on Karpenter’s machines reach the metadata',
      set('node-class', { 'spec.metadataOptions.httpPutResponseHopLimit': 2 }),
      'node-class spec.metadataOptions.httpPutResponseHopLimit',
    ],
    ['a broken node stays', set('spot-group', { nodeRepairConfig: undefined }), 'spot-group nodeRepairConfig.enabled'],
    [
      'machines have addresses outside',
      set('node-class', { 'spec.associatePublicIPAddress': true }),
      'node-class spec.associatePublicIPAddress',
    ],
  ]),
];
