import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlanError } from '#infra/errors.ts';
import { planSubnets } from '#infra/planning/network/subnets.ts';

const zones = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'];

describe('planning subnets', () => {
  it('gives each zone a quarter for its private subnet and a sixteenth for its public one', () => {
    assert.deepEqual(planSubnets({ cidr: '10.20.0.0/16', zones }), [
      { zone: 'eu-west-1a', tier: 'private', cidr: '10.20.0.0/18' },
      { zone: 'eu-west-1a', tier: 'public', cidr: '10.20.192.0/20' },
      { zone: 'eu-west-1b', tier: 'private', cidr: '10.20.64.0/18' },
      { zone: 'eu-west-1b', tier: 'public', cidr: '10.20.208.0/20' },
      { zone: 'eu-west-1c', tier: 'private', cidr: '10.20.128.0/18' },
      { zone: 'eu-west-1c', tier: 'public', cidr: '10.20.224.0/20' },
    ]);
  });

  it('reaches the smallest network that it admits', () => {
    assert.deepEqual(planSubnets({ cidr: '172.16.16.0/20', zones: ['eu-west-1a'] }), [
      { zone: 'eu-west-1a', tier: 'private', cidr: '172.16.16.0/22' },
      { zone: 'eu-west-1a', tier: 'public', cidr: '172.16.28.0/24' },
    ]);
  });

  it('never overlaps, never leaves the network, and moves nobody when a zone is appended', () => {
    const network = fc.record({
      prefix: fc.integer({ min: 16, max: 20 }),
      block: fc.nat(2 ** 16 - 1),
      count: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(network, ({ prefix, block, count }) => {
        const size = 2 ** (32 - prefix);
        const start = (block * size) % 2 ** 32;
        const cidr = `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.')}/${prefix}`;
        const plan = planSubnets({ cidr, zones: zones.slice(0, count) });
        const ranges = plan.map((subnet) => rangeOf(subnet.cidr)).sort((left, right) => left.from - right.from);
        assert.equal(plan.length, 2 * count);
        assert.ok(ranges.every((range) => range.from >= start && range.to <= start + size));
        assert.ok(ranges.every((range, index) => index === 0 || range.from >= (ranges[index - 1]?.to ?? 0)));
        assert.deepEqual(plan, planSubnets({ cidr, zones }).slice(0, 2 * count));
      }),
    );
  });

  const refused: [string, { cidr: string; zones: string[] }][] = [
    ['a range that is none', { cidr: '10.20.0.0', zones }],
    ['an address part above 255', { cidr: '10.256.0.0/16', zones }],
    ['a range just too large', { cidr: '10.20.0.0/15', zones }],
    ['a range just too small', { cidr: '10.20.0.0/21', zones }],
    ['a range that does not begin at a multiple of its size', { cidr: '10.20.1.0/16', zones }],
    ['no zone', { cidr: '10.20.0.0/16', zones: [] }],
    ['a fourth zone', { cidr: '10.20.0.0/16', zones: [...zones, 'eu-west-1d'] }],
    ['a zone twice', { cidr: '10.20.0.0/16', zones: ['eu-west-1a', 'eu-west-1a'] }],
  ];
  for (const [what, request] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => planSubnets(request),
        (error) => error instanceof PlanError && error.code === 'NETWORK_INVALID',
      );
    });
  }

  it('says how a misaligned range is meant', () => {
    assert.throws(() => planSubnets({ cidr: '10.20.1.0/16', zones }), /10\.20\.0\.0\/16/);
  });
});

function rangeOf(cidr: string): { from: number; to: number } {
  const [address = '', prefix = ''] = cidr.split('/');
  const from = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return { from, to: from + 2 ** (32 - Number(prefix)) };
}
