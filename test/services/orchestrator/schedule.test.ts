import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Workflow } from '@orrery/contracts/definitions/workflow';
import { checkSchedule, lastDueMs } from '#services/orchestrator/src/schedule.ts';

const at = (text: string) => Date.parse(text);
const due = (cron: string, timezone: string | undefined, now: string) => {
  const ms = lastDueMs({ cron, ...(timezone === undefined ? {} : { timezone }) }, at(now));
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

function withTriggers(...triggers: Workflow['triggers']): Workflow {
  const steps: Workflow['steps'] = [{ name: 'a', uses: 'sleep', with: { milliseconds: 1 } }];
  return { kind: 'Workflow', schema: 1, name: 'demo', owner: 'people', triggers, steps };
}

describe('a schedule', () => {
  it('is in UTC unless it names a zone, and keeps the hour of its zone over a change of clocks', () => {
    assert.equal(due('0 6 * * *', undefined, '2026-03-29T12:00:00Z'), '2026-03-29T06:00:00.000Z');
    assert.equal(due('0 6 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z'), '2026-03-28T05:00:00.000Z');
    assert.equal(due('0 6 * * *', 'Europe/Berlin', '2026-03-29T12:00:00Z'), '2026-03-29T04:00:00.000Z');
  });

  it('is due at its very moment, and not a millisecond before', () => {
    assert.equal(due('0 6 * * *', undefined, '2026-01-02T06:00:00.000Z'), '2026-01-02T06:00:00.000Z');
    assert.equal(due('0 6 * * *', undefined, '2026-01-02T05:59:59.999Z'), '2026-01-01T06:00:00.000Z');
  });

  it('is refused with its place when it can not be read or never comes', () => {
    const problems = checkSchedule(
      withTriggers(
        { manual: true },
        { cron: '61 * * * *' },
        { cron: '* * * *' },
        { cron: '0 0 31 2 *' },
        { cron: '0 6 * * *', timezone: 'Europe/Berln' },
        { cron: '0 6 * * *' },
      ),
      at('2026-01-01T00:00:00Z'),
    );
    assert.deepEqual(
      problems.map(({ path }) => path.join('.')),
      ['triggers.1.cron', 'triggers.2.cron', 'triggers.3.cron', 'triggers.4.timezone'],
    );
    assert.match(problems[0]?.message ?? '', /minute: 61/);
    assert.match(problems[2]?.message ?? '', /never comes/);
  });
});
