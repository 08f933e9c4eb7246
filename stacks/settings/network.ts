import Type, { type Static } from 'typebox';
import { planSubnets, zonesMax } from '#infra/planning/subnets.ts';
import type { AccountSettings } from './account.ts';
import { Choice, Cidr, closed, Text } from './fields.ts';
import { planned, problem, unless, type SettingsProblem, type SettingsRule } from './problem.ts';

export const networkSettings = {
  network: Type.Object(
    {
      cidr: Cidr('the address range, /16 to /20, such as 10.20.0.0/16'),
      zones: Type.Array(Text('^[a-z]{2}(-[a-z]+)+-\\d[a-z]$', 'a zone such as eu-west-1a'), {
        minItems: 2,
        maxItems: zonesMax,
        description: 'two or three zones by name',
      }),
      nat: Choice(['single', 'perZone'], 'single or perZone'),
    },
    closed,
  ),
};
export type NetworkSettings = Static<ReturnType<typeof Type.Object<typeof networkSettings>>>;

export const networkRules: readonly SettingsRule<NetworkSettings & AccountSettings>[] = [
  {
    reads: ['region', 'network'],
    find: ({ region, network }) =>
      network.zones
        .filter((zone) => zone.slice(0, -1) !== region)
        .map((zone) => problem('network.zones', zone, `lies outside ${region}`, `name a zone such as ${region}a`)),
  },
  { reads: ['network'], find: ({ network }) => planned('network', network, () => planSubnets(network)) },
  { reads: ['network'], find: findProductionProblems },
];

function findProductionProblems({ network: { zones, nat } }: NetworkSettings, environment: string): SettingsProblem[] {
  if (environment !== 'prod') return [];
  return [
    ...unless(
      zones.length === 3,
      problem('network.zones', zones, 'are not three', 'prod survives the loss of a zone: name three'),
    ),
    ...unless(nat === 'perZone', problem('network.nat', nat, 'falls with its zone', 'perZone in prod')),
  ];
}
