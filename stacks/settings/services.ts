import Type, { type Static } from 'typebox';
import { closed, Count, Text } from './fields.ts';
import { problem, type SettingsRule } from './problem.ts';

const Replicas = Type.Object(
  {
    min: Count(1, 100, 'replicas that are always there'),
    max: Count(1, 100, 'replicas that are never exceeded; the same as min for a service that does not scale'),
  },
  closed,
);

export const serviceSettings = {
  registry: Text('^[a-z0-9.-]+(/[a-z0-9._-]+)+$', 'where images lie, without scheme and tag'),
  services: Type.Object({ orchestrator: Replicas, scoring: Replicas }, closed),
};
export type ServiceSettings = Static<ReturnType<typeof Type.Object<typeof serviceSettings>>>;

export const serviceRules: readonly SettingsRule<ServiceSettings>[] = [
  {
    reads: ['services'],
    find: ({ services }) =>
      Object.entries(services)
        .filter(([, { min, max }]) => min > max)
        .map(([name, replicas]) => problem(`services.${name}`, replicas, 'has min above max', 'raise max')),
  },
];
