import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isTooLate, timesToFire } from '#services/orchestrator/src/triggers/catch-up.ts';
import { readClock } from '#services/orchestrator/src/triggers/clock.ts';

const s = 1000;
const everyTen = readClock({ everySeconds: 10 });
const nowMs = 1003 * s;
const after = (settledMs: number) => ({ settledMs, untilMs: nowMs, nowMs });

describe('logical times that nobody fired', () => {
  it('fire all, in order, as far back as the policy says', () => {
    assert.deepEqual(timesToFire(everyTen, { runs: 'all', withinSeconds: 33 }, after(900 * s)), {
      fire: [970 * s, 980 * s, 990 * s, 1000 * s],
      settledMs: nowMs,
    });
    assert.deepEqual(timesToFire(everyTen, { runs: 'all', withinSeconds: 33 }, after(980 * s)).fire, [
      990 * s,
      1000 * s,
    ]);
  });

  it('fire the latest only, and none of them when a punctual one is there', () => {
    const policy = { runs: 'latest', withinSeconds: 60 } as const;
    assert.deepEqual(timesToFire(everyTen, policy, after(900 * s)).fire, [1000 * s]);
    const later = { settledMs: 900 * s, untilMs: 1008 * s, nowMs: 1008 * s };
    assert.deepEqual(timesToFire(everyTen, policy, later), { fire: [1000 * s], settledMs: 1008 * s });
    assert.deepEqual(timesToFire(everyTen, { runs: 'latest', withinSeconds: 7 }, later).fire, []);
  });

  it("don't fire at all under none, but for those of the last five seconds", () => {
    const policy = { runs: 'none', withinSeconds: 60 } as const;
    assert.deepEqual(timesToFire(everyTen, policy, after(900 * s)).fire, [1000 * s]);
    const later = { settledMs: 900 * s, untilMs: 1006 * s, nowMs: 1006 * s };
    assert.deepEqual(timesToFire(everyTen, policy, later), { fire: [], settledMs: 1006 * s });
  });

  it('are all of the last five seconds, also under latest: a busy moment is no outage', () => {
    const everySecond = readClock({ everySeconds: 1 });
    const { fire } = timesToFire(everySecond, { runs: 'latest', withinSeconds: 60 }, after(1000 * s));
    assert.deepEqual(fire, [1001 * s, 1002 * s, 1003 * s]);
  });

  it('come a thousand at a time, and what is left is not decided', () => {
    const everySecond = readClock({ everySeconds: 1 });
    const window = { settledMs: 0, untilMs: 5000 * s, nowMs: 5000 * s };
    const { fire, settledMs } = timesToFire(everySecond, { runs: 'all', withinSeconds: 100_000 }, window);
    assert.deepEqual([fire.length, fire[0], fire.at(-1), settledMs], [1000, 1 * s, 1000 * s, 1000 * s]);
  });
});

describe('what is delivered late', () => {
  it('fires, unless the trigger names a policy', () => {
    assert.equal(isTooLate(undefined, 0, nowMs), false);
    assert.equal(isTooLate({ runs: 'all' }, nowMs - 60 * s, nowMs), false);
    assert.equal(isTooLate({ runs: 'all' }, nowMs - 61 * s, nowMs), true);
    assert.equal(isTooLate({ withinSeconds: 3600 }, nowMs - 61 * s, nowMs), false);
    assert.equal(isTooLate({ runs: 'none', withinSeconds: 3600 }, nowMs - 6 * s, nowMs), true);
  });
});
