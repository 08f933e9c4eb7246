import Type, { type Static } from 'typebox';
import { closed, LogRetention, Text } from './fields.ts';
import { problem, unless, type SettingsRule } from './problem.ts';

const RoleName = Text('^[\\w+=,.@/-]{1,512}$', 'the name of an IAM role of this account');

export const clusterSettings = {
  cluster: Type.Object(
    {
      administrators: Type.Array(RoleName, {
        minItems: 1,
        uniqueItems: true,
        description: 'at least one role beside the one that creates the cluster, which EKS admits by itself',
      }),
      viewers: Type.Array(RoleName, {
        uniqueItems: true,
        description: 'roles that may look at everything but secrets; empty: none',
      }),
      publicAccessCidrs: Type.Array(
        Text('^\\d+\\.\\d+\\.\\d+\\.\\d+/([1-9]|[12]\\d|3[0-2])$', 'a range of your own, never 0.0.0.0/0'),
        { description: 'who may reach the API from outside; empty: nobody' },
      ),
      logRetentionDays: LogRetention,
    },
    closed,
  ),
};
export type ClusterSettings = Static<ReturnType<typeof Type.Object<typeof clusterSettings>>>;

export const clusterRules: readonly SettingsRule<ClusterSettings>[] = [
  {
    reads: ['cluster'],
    find: ({ cluster: { administrators, viewers } }) =>
      viewers
        .filter((role) => administrators.includes(role))
        .map((role) => problem('cluster.viewers', role, 'administers the cluster too', 'name it in one of the two')),
  },
  {
    reads: ['cluster'],
    find: ({ cluster: { publicAccessCidrs: cidrs } }, environment) =>
      unless(
        environment !== 'prod' || cidrs.length === 0,
        problem('cluster.publicAccessCidrs', cidrs, 'opens the API of prod', 'leave it empty: private only'),
      ),
  },
];
