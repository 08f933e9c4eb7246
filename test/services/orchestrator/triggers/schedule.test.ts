import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkSchedule } from '#services/orchestrator/src/triggers/schedule.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');

describe('a schedule', () => {
  it('is refused with its place when it can not be read or never comes', () => {
    const problems = checkSchedule(
      {
        triggers: [
          { manual: true },
          { cron: '61 * * * *' },
          { cron: '* * * *' },
          { cron: '0 0 31 2 *' },
          { cron: '0 6 * * *', timezone: 'Europe/Berln' },
          { cron: '0 6 * * *' },
        ],
      },
      nowMs,
    );
    assert.deepEqual(
      problems.map(({ path }) => path.join('.')),
      ['triggers.1.cron', 'triggers.2.cron', 'triggers.3.cron', 'triggers.4.timezone'],
    );
    assert.match(problems[0]?.message ?? '', /minute: 61/);
    assert.match(problems[2]?.message ?? '', /never comes/);
    assert.equal(problems[3]?.hint, 'did you mean "Europe/Berlin"?');
  });
});
