import assert from 'node:assert/strict';
import type { PriceList } from '#infra/planning/prices.ts';
import { costByComponent } from '#stacks/cost/by-component.ts';
import { estimate } from '#stacks/cost/estimate.ts';
import { cloud, resource } from './graph.ts';

const network = 'urn:pulumi:dev::orrery::orrery:network:Vpc::network';

const graph = [
  ...cloud,
  resource('orrery:network:Vpc', 'network', {}, { urn: network, custom: false }),
  resource('aws:ec2/natGateway:NatGateway', 'network-nat', {}, { parent: network }),
  resource('aws:ec2/eip:Eip', 'network-nat-address', {}, { parent: network }),
  resource('aws:ec2/subnet:Subnet', 'network-private', {}, { parent: network }),
  resource('aws:kms/key:Key', 'key'),
  resource('aws:quantum/computer:Computer', 'oracle'),
];

function price(
  key: string,
  usd: number,
  over: Partial<PriceList['entries'][number]> = {},
): PriceList['entries'][number] {
  return { key, unit: 'month', usd, source: 'a test', date: '2026-11-21', estimate: false, ...over };
}

const prices: PriceList = {
  schema: 1,
  asOf: '2026-11-21',
  currency: 'USD',
  entries: [
    price('ec2:eu-west-1:nat-gateway', 35, { estimate: true }),
    price('ec2:eu-west-1:public-ipv4', 3),
    price('kms:eu-west-1:key', 1),
  ],
};

describe('the cost of an environment by component', () => {
  const components = costByComponent(graph, estimate(graph, prices));

  it('sums up what lies below each component of the stack, the dearest first', () => {
    assert.deepEqual(
      components.map(({ component, usd, mostUsd, estimatedUsd }) => [component, usd, mostUsd, estimatedUsd]),
      [
        ['network', 38, 38, 35],
        ['key', 1, 1, 0],
        ['oracle', 0, 0, 0],
      ],
    );
  });

  it('tells what drives each, the dearest first, with the amounts and unit prices of the bill', () => {
    assert.deepEqual(
      components[0]?.drivers.map(({ resource: { name }, lines }) => [name, lines]),
      [
        ['network-nat', [{ keys: ['ec2:eu-west-1:nat-gateway'], least: 1, most: 1, unitUsd: 35, estimate: true }]],
        [
          'network-nat-address',
          [{ keys: ['ec2:eu-west-1:public-ipv4'], least: 1, most: 1, unitUsd: 3, estimate: false }],
        ],
      ],
    );
  });

  it('lists what is billed by use, and a type that nobody has thought about as without a price', () => {
    const [nat, , oracle] = components;
    assert.deepEqual(
      nat?.metered.map(({ resource: { name }, keys }) => [name, keys]),
      [['network-nat', ['ec2:eu-west-1:nat-gateway-data']]],
    );
    assert.deepEqual(
      oracle?.unpriced.map(({ resource: { name } }) => name),
      ['oracle'],
    );
  });
});
