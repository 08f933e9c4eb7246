import { digest, resource } from './exemplar.ts';
import { cloudFaults } from './faults/cloud.ts';
import { computeFaults } from './faults/compute.ts';
import { dataFaults } from './faults/data.ts';
import { networkFaults } from './faults/network.ts';
import { workloadFaults } from './faults/workloads.ts';
import { add, set, type Mutant, type Variant } from './mutant.ts';

export const mutants: readonly Mutant[] = [
  ...networkFaults,
  ...cloudFaults,
  ...dataFaults,
  ...computeFaults,
  ...workloadFaults,
];

const kubernetesToken = add('kubernetes:rbac.authorization.k8s.io/v1:RoleBinding', 'jobs', {
  subjects: [{ kind: 'ServiceAccount', name: 'scoring' }],
});

export const variants: readonly Variant[] = [
  {
    change: 'a load balancer for one range',
    environment: 'prod',
    plant: add('kubernetes:core/v1:Service', 'door', {
      spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['203.0.113.0/24'] },
    }),
  },
  {
    change: 'a security group that lets traffic out to everywhere',
    environment: 'prod',
    plant: {
      add: resource('aws:ec2/securityGroupRule:SecurityGroupRule', 'out', {
        type: 'egress',
        cidrBlocks: ['0.0.0.0/0'],
      }),
    },
  },
  {
    change: 'a version beside an image’s digest',
    environment: 'prod',
    plant: set('scoring', { 'spec.template.spec.containers[0].image': `registry.example/scoring:1.2@${digest}` }),
  },
  {
    change: 'a quota of something other than GPUs',
    environment: 'prod',
    plant: add('kubernetes:core/v1:ResourceQuota', 'pods', { spec: { hard: { pods: '10' } } }),
  },
  {
    change: 'a budget that lets one pod go',
    environment: 'prod',
    plant: set('scoring-budget', { spec: { maxUnavailable: 1 } }),
  },
  {
    change: 'a role bound to an account that hands out no token',
    environment: 'prod',
    plant: kubernetesToken,
  },
  {
    change: 'an action of AWS that knows no resource',
    environment: 'prod',
    plant: set('role-policy', {
      policy:
        '{"Statement":{"Effect":"Allow","Action":["ecr:GetAuthorizationToken","ec2:DescribeImages"],"Resource":"*"}}',
    }),
  },
  {
    change: 'nodes that are never consolidated',
    environment: 'prod',
    plant: set('spot-pool', { 'spec.disruption.consolidateAfter': 'Never' }),
  },
  {
    change: 'a lock of a day that can be lifted',
    environment: 'dev',
    plant: set('store-lock', { 'rule.defaultRetention': { mode: 'GOVERNANCE', days: 1 } }),
  },
  { change: 'a cluster that may be deleted', environment: 'dev', plant: set('cluster', { deletionProtection: false }) },
  { change: 'a ClickHouse without backups', environment: 'dev', plant: { remove: 'clickhouse-backup' } },
];
