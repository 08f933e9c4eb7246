import Type, { type Static } from 'typebox';
import { closed, Count, Text } from './fields.ts';
import { problem, unless, type SettingsRule } from './problem.ts';

const Redis = Type.Object(
  {
    nodeType: Text('^cache\\.[a-z0-9]+\\.[a-z0-9]+$', 'an ElastiCache node type such as cache.r7g.large'),
    replicas: Count(0, 5, 'copies beside the primary, in other zones'),
    snapshotDays: Count(0, 35, 'days that daily snapshots are kept; 0: none'),
  },
  closed,
);

export const dataSettings = {
  redis: Type.Object({ state: Redis, cache: Redis }, closed),
  clickhouse: Type.Object(
    {
      cpu: Type.Number({ minimum: 0.25, maximum: 64, description: 'cores' }),
      memoryMiB: Count(1024, 524_288, 'memory in MiB'),
      volumeGiB: Count(10, 16_000, 'the volume in GiB: it can grow, never shrink'),
    },
    closed,
  ),
  store: Type.Object(
    {
      lock: Type.Object(
        {
          mode: Type.Union([Type.Literal('GOVERNANCE'), Type.Literal('COMPLIANCE')]),
          days: Count(1, 3650, 'days in which an object of the store can not be deleted'),
        },
        closed,
      ),
    },
    closed,
  ),
};
export type DataSettings = Static<ReturnType<typeof Type.Object<typeof dataSettings>>>;

/** What `prod` promises and the others need not. */
export const dataRules: readonly SettingsRule<DataSettings>[] = [
  {
    reads: ['redis'],
    find: ({ redis: { state } }, environment) =>
      environment !== 'prod'
        ? []
        : [
            ...unless(
              state.replicas >= 1,
              problem('redis.state.replicas', state.replicas, 'loses runs with one node', 'at least 1 in prod'),
            ),
            ...unless(
              state.snapshotDays >= 7,
              problem('redis.state.snapshotDays', state.snapshotDays, 'forgets too soon', 'at least 7 in prod'),
            ),
          ],
  },
  {
    reads: ['store'],
    find: ({ store: { lock } }, environment) =>
      unless(
        environment !== 'prod' || lock.mode === 'COMPLIANCE',
        problem('store.lock.mode', lock.mode, 'can be lifted', 'COMPLIANCE in prod: releases outlive their owners'),
      ),
  },
];
