import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { shardOfRun } from '#services/orchestrator/src/core/keys.ts';
import { actorOf, triggeredRunName, triggerNames } from '#services/orchestrator/src/triggers/identity.ts';

const place = { tenant: 'main', workflow: 'daily', trigger: 'cron 0 6 * * * UTC' };

describe('the name of a triggered run', () => {
  it('is the same on every machine: shard, time, and a hash of the trigger', () => {
    const name = triggeredRunName('s00', { ...place, logicalMs: Date.parse('2026-01-01T06:00:00Z') });
    // printf '%s' 'main/daily/cron 0 6 * * * UTC' | sha256sum, its first 67 bits in base 36.
    assert.equal(name, 's00-0mjv1cqo081is4jaopevbr');
  });

  it('differs by tenant, workflow, trigger and time, and begins with its shard', () => {
    const names = [
      triggeredRunName('s00', { ...place, logicalMs: 1 }),
      triggeredRunName('s00', { ...place, logicalMs: 2 }),
      triggeredRunName('s00', { ...place, tenant: 'other', logicalMs: 1 }),
      triggeredRunName('s00', { ...place, workflow: 'other', logicalMs: 1 }),
      triggeredRunName('s00', { ...place, trigger: 'other', logicalMs: 1 }),
    ];
    assert.equal(new Set(names).size, 5);
    assert.deepEqual(new Set(names.map(shardOfRun)), new Set(['s00']));
  });

  it('sorts by its logical time and has 26 characters', () => {
    const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
    fc.assert(
      fc.property(time, time, fc.string(), (left, right, trigger) => {
        const name = (logicalMs: number) => triggeredRunName('s07', { ...place, trigger, logicalMs });
        assert.equal(name(left).length, 26);
        assert.equal(name(left) < name(right), left < right);
      }),
    );
  });

  it('is refused for times that it can not hold', () => {
    for (const logicalMs of [-1, 1.5, Number.NaN, 36 ** 9]) {
      assert.throws(() => triggeredRunName('s00', { ...place, logicalMs }), RangeError);
    }
  });
});

describe('the name of a trigger', () => {
  it('says what it fires on, not where it stands', () => {
    assert.deepEqual(
      triggerNames([
        { manual: true },
        { cron: '0 6 * * *' },
        { cron: '0 6 * * *', timezone: 'Europe/Berlin' },
        { cron: '0 6 * * *', parameters: { a: 1 } },
        { everySeconds: 60, offsetSeconds: 70 },
        { event: 'landed', key: 'EDDM' },
        { dataset: ['b', 'a'] },
        { dataset: 'a', olderThanSeconds: 3600 },
        { webhook: 'git' },
        { workflow: 'up' },
      ]),
      [
        'manual',
        'cron 0 6 * * * UTC',
        'cron 0 6 * * * Europe/Berlin',
        'cron 0 6 * * * UTC #2',
        'interval 60+10',
        'event landed EDDM',
        'dataset a b',
        'dataset a >3600',
        'webhook git',
        'workflow up succeeded',
      ],
    );
    assert.equal(actorOf('cron 0 6 * * * UTC'), 'cron');
  });
});
