import Type, { type Static } from 'typebox';
import { Choice, closed, Count, Text, VolumeGiB } from './fields.ts';
import { problem, unless, type SettingsRule } from './problem.ts';

const Replicas = Type.Object(
  {
    min: Count(1, 100, 'replicas that are always there'),
    max: Count(1, 100, 'replicas that are never exceeded; the same as min for a service that does not scale'),
  },
  { ...closed, description: 'min and max replicas' },
);

/** One replica with a folder of its own. */
const Stateful = Type.Object({ volumeGiB: VolumeGiB }, { ...closed, description: 'its one replica’s volume' });

export const serviceSettings = {
  registry: Text('^[a-z0-9.-]+(:\\d+)?(/[a-z0-9._-]+)+$', 'where images lie, without scheme and tag'),
  bus: Choice(['redis', 'kafka'], 'redis (streams in the state Redis) or kafka, which the environment then runs'),
  services: Type.Object(
    { orchestrator: Replicas, scoring: Replicas, features: Replicas, ingest: Replicas, registry: Stateful },
    { ...closed, description: 'each service by its name' },
  ),
};
export type ServiceSettings = Static<ReturnType<typeof Type.Object<typeof serviceSettings>>>;

/** Kafka is the data layer's; a target that knows none has none. */
type WithKafka = ServiceSettings & { readonly kafka?: { readonly kind: string } };

export const serviceRules: readonly SettingsRule<WithKafka>[] = [
  {
    reads: ['services'],
    find: ({ services: { registry: _registry, ...scaled } }) =>
      Object.entries(scaled)
        .filter(([, { min, max }]) => min > max)
        .map(([name, replicas]) => problem(`services.${name}`, replicas, 'has min above max', 'raise max')),
  },
  {
    reads: ['bus'],
    find: ({ bus, kafka }) =>
      unless(
        bus !== 'kafka' || (kafka !== undefined && kafka.kind !== 'none'),
        problem('bus', bus, 'has no brokers here', 'say redis, or give kafka another kind than none'),
      ),
  },
];
