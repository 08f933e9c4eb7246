import { isGiven, isTrue, unmet } from './demand.ts';
import { ofType } from './graph.ts';
import type { Rule } from './rule.ts';

export const providersSafe: Rule = {
  name: 'providers-safe',
  why: 'while the API is away the engine forgets what lives in the cluster; a changed address replaces everything in it',
  remedy: 'the provider of Kubernetes has clusterIdentifier, enableServerSideApply, and never deleteUnreachable',
  scope: 'resource',
  check: (graph) =>
    ofType(graph, 'pulumi:providers:kubernetes')
      // A remote component makes one for itself, and makes nothing with it.
      .filter(({ expanded }) => expanded !== true)
      .flatMap((provider) =>
        unmet(provider, [
          {
            property: 'deleteUnreachable',
            accepts: (value) => !isTrue(value),
            problem: 'forgets what it can not reach',
          },
          { property: 'clusterIdentifier', accepts: isGiven, problem: 'takes a new address for a new cluster' },
          { property: 'enableServerSideApply', accepts: isTrue, problem: 'overwrites what others manage' },
        ]),
      ),
};
