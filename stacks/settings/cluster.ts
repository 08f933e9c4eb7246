import Type, { type Static } from 'typebox';
import { closed, LogRetention, Text } from './fields.ts';
import { problem, unless, type SettingsRule } from './problem.ts';

export const clusterSettings = {
  cluster: Type.Object(
    {
      administrators: Type.Array(Text('^[\\w+=,.@/-]{1,512}$', 'the name of an IAM role of this account'), {
        minItems: 1,
        uniqueItems: true,
        description: 'at least the role that runs pulumi up',
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
    find: ({ cluster: { publicAccessCidrs: cidrs } }, environment) =>
      unless(
        environment !== 'prod' || cidrs.length === 0,
        problem('cluster.publicAccessCidrs', cidrs, 'opens the API of prod', 'leave it empty: private only'),
      ),
  },
];
