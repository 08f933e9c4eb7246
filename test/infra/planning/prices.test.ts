import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { monthlyUsd, parsePrices, type Price } from '#infra/planning/prices.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';

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
    it(`has a price for everything that ${environment} is billed for by size`, () => {
      const { region, system, spot, gpu, redis } = settingsOfFile(environment) as {
        region: string;
        system: { instanceTypes: string[] };
        spot: { instanceTypes: string[] };
        gpu: { instanceTypes: string[] };
        redis: Record<string, { nodeType: string }>;
      };
      const wanted = [
        'aws:eks/cluster',
        ...system.instanceTypes.map((type) => `ec2:${region}:${type}:on-demand`),
        ...[...spot.instanceTypes, ...gpu.instanceTypes].flatMap((type) => [
          `ec2:${region}:${type}:spot`,
          `ec2:${region}:${type}:on-demand`,
        ]),
        ...Object.values(redis).map(({ nodeType }) => `elasticache:${region}:${nodeType}`),
        `ec2:${region}:nat-gateway`,
        `ec2:${region}:public-ipv4`,
        `ebs:${region}:gp3`,
        `kms:${region}:key`,
        `s3:${region}:standard`,
        `logs:${region}:ingest`,
      ];
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
    for (const broken of [{ usd: -1 }, { unit: 'day' }, { source: '' }, { date: 'today' }, { estimate: 'yes' }]) {
      assert.throws(() => parsePrices(write({ ...whole, ...broken })), { code: 'PRICES_INVALID', message: /"b"/ });
    }
    assert.throws(() => parsePrices(write(whole, whole)), { code: 'PRICES_INVALID', message: /"b" stands after "b"/ });
    assert.throws(() => parsePrices('{"schema":2}'), { code: 'PRICES_INVALID' });
  });

  it('reckons a month of 730 hours, and no month of what is billed by the GiB', () => {
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
  });
});
