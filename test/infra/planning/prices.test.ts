import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { monthlyUsd, parsePrices, type Price } from '#infra/planning/prices.ts';
import { estimate } from '#stacks/cost/estimate.ts';
import { recordPlatform } from '#test/support/cloud-platform.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';
import { resource } from '#test/stacks/cost/graph.ts';

const text = readFileSync(new URL('../../../infra/planning/prices.json', import.meta.url), 'utf8');
const list = parsePrices(text);
const keys = new Set(list.entries.map(({ key }) => key));

describe('the price list', () => {
  it('says of every price where it is from, and calls what nobody looked up an estimate', () => {
    const remembered = list.entries.filter(({ source }) => /not looked up|half of on demand/.test(source));
    assert.ok(remembered.length > 0);
    assert.deepEqual(
      remembered.filter(({ estimate }) => !estimate),
      [],
    );
  });

  for (const environment of ['dev', 'prod']) {
    it(`has a price for everything that ${environment} is billed for, and knows every type that it is made of`, async () => {
      const { resources } = await recordPlatform(environment);
      const graph = resources.map(({ type, name, inputs, custom }) => resource(type, name, inputs, { custom }));
      const { costs, metered, unpriced } = estimate(graph, list);
      assert.deepEqual(
        unpriced.map(({ resource: { type, name } }) => `${type} ${name}`),
        [],
      );
      assert.deepEqual(
        metered.flatMap((one) => one.keys).filter((key) => !keys.has(key)),
        [],
      );
      const billed = new Set(costs.map((one) => one.resource.type));
      for (const type of ['kubernetes:karpenter.sh/v1:NodePool', 'aws:eks/nodeGroup:NodeGroup', 'aws:kms/key:Key']) {
        assert.ok(billed.has(type), type);
      }
    });

    it(`has what ${environment} would be billed for if its spot nodes became nodes on demand`, () => {
      const { region, spot, gpu } = settingsOfFile(environment) as Record<
        'spot' | 'gpu',
        { instanceTypes: string[] }
      > & {
        region: string;
      };
      const wanted = [...spot.instanceTypes, ...gpu.instanceTypes].map((type) => `ec2:${region}:${type}:on-demand`);
      assert.deepEqual(
        wanted.filter((key) => !keys.has(key)),
        [],
      );
    });
  }

  it('refuses an entry that is not whole, a doubled key and another form', () => {
    const whole = { key: 'b', unit: 'hour', usd: 1, source: 'seen', date: '2026-11-20', estimate: false };
    const write = (...entries: object[]) => JSON.stringify({ schema: 1, asOf: '2026-11-20', currency: 'USD', entries });
    assert.equal(parsePrices(write(whole)).entries.length, 1);
    assert.equal(parsePrices(write({ ...whole, usd: 0 })).entries[0]?.usd, 0);
    for (const broken of [{ usd: -1 }, { unit: 'day' }, { source: '' }, { date: 'today' }, { estimate: 'yes' }]) {
      assert.throws(() => parsePrices(write({ ...whole, ...broken })), { code: 'PRICES_INVALID', message: /"b"/ });
    }
    assert.throws(() => parsePrices(write(whole, whole)), { code: 'PRICES_INVALID', message: /"b" stands after "b"/ });
    assert.throws(() => parsePrices('{"schema":2}'), { code: 'PRICES_INVALID' });
  });

  it('reckons a month of 730 hours, and no month of what is billed once', () => {
    const price = (unit: Price['unit']): Price => ({
      key: 'a',
      unit,
      usd: 0.1,
      source: 'seen',
      date: '2026-11-20',
      estimate: false,
    });
    assert.equal(monthlyUsd(price('hour'), 2), 146);
    assert.equal(monthlyUsd(price('GiB-month'), 50), 5);
    assert.equal(monthlyUsd(price('GiB'), 50), undefined);
    assert.equal(monthlyUsd(price('each'), 50), undefined);
  });
});
