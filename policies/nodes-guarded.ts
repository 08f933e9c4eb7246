import { isOneOf, isTrue, unmet, type Demand } from './demand.ts';
import type { Resource } from './graph.ts';
import type { Rule } from './rule.ts';

/** Behind one hop a container can't reach the metadata of its machine, and so not the machine's role. */
const metadata = (prefix: string, hopLimit: string): Demand[] => [
  { property: `${prefix}.httpTokens`, accepts: isOneOf('required'), problem: 'must be required' },
  { property: `${prefix}.${hopLimit}`, accepts: isOneOf(1), problem: 'lets containers ask for the machine’s role' },
];

const demandsOfType: Readonly<Record<string, readonly Demand[]>> = {
  'aws:ec2/launchTemplate:LaunchTemplate': metadata('metadataOptions', 'httpPutResponseHopLimit'),
  'kubernetes:karpenter.k8s.aws/v1:EC2NodeClass': [
    ...metadata('spec.metadataOptions', 'httpPutResponseHopLimit'),
    {
      property: 'spec.associatePublicIPAddress',
      accepts: isOneOf(undefined, false),
      problem: 'has an address outside',
    },
  ],
  'aws:eks/nodeGroup:NodeGroup': [
    { property: 'nodeRepairConfig.enabled', accepts: isTrue, problem: 'a broken node is never replaced' },
    {
      property: 'launchTemplate.id',
      accepts: (value) => value !== undefined,
      problem: 'leaves disks and metadata open',
    },
  ],
};

export const nodesGuarded: Rule = {
  name: 'nodes-guarded',
  why: 'a pod that asks the machine’s metadata becomes the machine; a node whose kubelet died keeps its pods',
  remedy: 'IMDSv2 with one hop, no public address, node repair on',
  scope: 'resource',
  check: ({ resources }) => resources.flatMap((resource: Resource) => unmet(resource, demandsOfType[resource.type])),
};
