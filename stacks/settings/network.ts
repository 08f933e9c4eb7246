import Type, { type Static } from 'typebox';
import { interfaceServices, planEndpoints } from '#infra/planning/network/endpoints.ts';
import { natModes, planNat } from '#infra/planning/network/nat.ts';
import { planSubnets, zonesMax } from '#infra/planning/network/subnets.ts';
import type { AccountSettings } from './account.ts';
import { Choice, Cidr, closed, LogRetention, Text } from './fields.ts';
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
      nat: Choice(natModes, 'how private subnets reach out: none, instance, single, regional or perAz'),
      natInstance: Type.Optional(
        Type.Object(
          {
            instanceType: Text('^[a-z0-9-]+\\.[a-z0-9-]+$', 'a small instance type such as t4g.nano'),
            imageId: Text(
              '^ami-[0-9a-f]{8,17}$',
              'an image of the region, of a Linux with nftables, such as ami-0123abcd',
            ),
          },
          { ...closed, description: 'the machine that leads out where nat is instance, and nowhere else' },
        ),
      ),
      interfaceEndpoints: Type.Array(Choice(interfaceServices, `one of ${interfaceServices.join(', ')}`), {
        description: 'AWS services that are reached without NAT, each by the hour and zone; empty: none',
      }),
      flowLogs: Type.Object(
        {
          traffic: Choice(['ALL', 'REJECT'], 'ALL traffic, or what was turned away alone: REJECT'),
          retentionDays: LogRetention,
        },
        { ...closed, description: 'who spoke to whom: its traffic and its retentionDays' },
      ),
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
  {
    reads: ['network'],
    find: ({ network }) => planned('network.natInstance', network.natInstance ?? null, () => planNat(network)),
  },
  {
    reads: ['region', 'network'],
    find: ({ region, network }) =>
      planned('network.interfaceEndpoints', network.interfaceEndpoints, () => planEndpoints({ region, ...network })),
  },
  { reads: ['network'], find: findProductionProblems },
];

function findProductionProblems({ network: { zones, nat } }: NetworkSettings, environment: string): SettingsProblem[] {
  if (environment !== 'prod') return [];
  const survives = nat === 'regional' || nat === 'perAz';
  return [
    ...unless(
      zones.length === 3,
      problem('network.zones', zones, 'are not three', 'prod survives the loss of a zone: name three'),
    ),
    ...unless(
      survives,
      problem('network.nat', nat, 'does not survive the loss of a zone', 'regional or perAz in prod'),
    ),
  ];
}
