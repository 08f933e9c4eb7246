import { isOneOf, isTrue, unmet, type Demand } from './demand.ts';
import type { Rule } from './rule.ts';

const on = (property: string): Demand => ({ property, accepts: isTrue, problem: 'must be on' });

/** Where the cloud itself can be told to refuse. */
const demandsOfType: Readonly<Record<string, readonly Demand[]>> = {
  'aws:dynamodb/table:Table': [on('deletionProtectionEnabled')],
  'aws:eks/cluster:Cluster': [on('deletionProtection')],
  'aws:lb/loadBalancer:LoadBalancer': [on('enableDeletionProtection')],
  'aws:rds/cluster:Cluster': [
    on('deletionProtection'),
    { property: 'skipFinalSnapshot', accepts: isOneOf(undefined, false), problem: 'goes without a last snapshot' },
  ],
  'aws:rds/instance:Instance': [
    on('deletionProtection'),
    { property: 'skipFinalSnapshot', accepts: isOneOf(undefined, false), problem: 'goes without a last snapshot' },
  ],
  'eks:index:Cluster': [on('deletionProtection')],
};

export const deletionRefused: Rule = {
  name: 'deletion-refused',
  why: 'protect stops the engine; a hand in the console, or another program, it does not stop',
  remedy: 'deletionProtection: true, as Pulumi.prod.yaml says',
  scope: 'resource',
  check: ({ resources }, { deletion }) =>
    deletion === 'allowed' ? [] : resources.flatMap((resource) => unmet(resource, demandsOfType[resource.type])),
};
