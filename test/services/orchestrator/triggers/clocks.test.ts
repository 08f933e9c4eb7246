import assert from 'node:assert/strict';
import { silentLog } from '@orrery/kit/log';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { Clocks, type ClocksDeps } from '#services/orchestrator/src/triggers/clocks.ts';
import { readClock } from '#services/orchestrator/src/triggers/clock.ts';
import type { ClockTrigger, Trigger, TriggeredWorkflow } from '#services/orchestrator/src/triggers/types.ts';
import { FakeCore } from './fake-core.ts';
import { SimClock } from './sim-clock.ts';

const startMs = Date.parse('2026-01-01T00:00:00.500Z');
const second = 1000;

const workflow = (name: string, ...triggers: Trigger[]): TriggeredWorkflow => ({ tenant: 'main', name, triggers });
const seconds = (ms: number) => (ms - startMs + 500) / second;

function setUp(parts: Partial<ClocksDeps> = {}) {
  const core = new FakeCore();
  const clock = new SimClock(startMs);
  const lags: number[] = [];
  const live = ['a'];
  const clocks = new Clocks({
    ...{ submitter: core, watermarks: core, clock, log: silentLog() },
    peers: { self: 'a', live: () => live },
    resolve: (parameters) => parameters,
    shardOf: () => 's00',
    onFired: (_, lagMs) => lags.push(lagMs),
    ...parts,
  });
  const fired = () => core.accepted.map(({ workflow: name, logicalMs }) => `${name} ${seconds(logicalMs)}`);
  return { core, clock, clocks, lags, fired };
}

describe('clocks', () => {
  it('fire at the due time itself, those that are due together in one call', async () => {
    const { core, clock, clocks, lags, fired } = setUp();
    clocks.rebuild([
      workflow('ten', { everySeconds: 10 }),
      workflow('minutes', { cron: '* * * * *' }),
      workflow('hand', { manual: true }),
    ]);
    clocks.start();
    await clock.moveTo(startMs + 60 * second);
    assert.deepEqual(fired(), ['ten 10', 'ten 20', 'ten 30', 'ten 40', 'ten 50', 'minutes 60', 'ten 60']);
    assert.equal(core.calls, 6);
    assert.deepEqual(new Set(lags), new Set([0]));
    const minute = core.accepted.at(-2);
    assert.deepEqual(minute, {
      ...{ tenant: 'main', workflow: 'minutes', trigger: 'cron * * * * * UTC', actor: 'cron' },
      ...{ run: minute?.run, logicalMs: startMs - 500 + 60 * second },
      ...{ parameters: {}, overlap: 'queue', fired: { after: startMs - 500 + 60 * second - 1 } },
    });
    await clocks.stop();
  });

  it("don't make up for times before a trigger that has never fired was there", async () => {
    const { clock, clocks, fired } = setUp();
    clocks.rebuild([workflow('second', { everySeconds: 1, catchUp: { runs: 'all', withinSeconds: 3600 } })]);
    clocks.start();
    await clock.moveTo(startMs + 1600);
    assert.deepEqual(fired(), ['second 1', 'second 2']);
    await clocks.stop();
  });

  it('go on from the watermark after everybody was away, as the policy says', async () => {
    const { core, clock, clocks, fired } = setUp();
    const catchUp = (runs: 'latest' | 'all' | 'none', withinSeconds = 60) => ({ catchUp: { runs, withinSeconds } });
    const triggers = [
      workflow('latest', { everySeconds: 10, offsetSeconds: 1, ...catchUp('latest') }),
      workflow('all', { everySeconds: 10, offsetSeconds: 1, ...catchUp('all', 25) }),
      workflow('none', { everySeconds: 10, offsetSeconds: 1, ...catchUp('none') }),
      workflow('late', { everySeconds: 3600, offsetSeconds: 1, ...catchUp('latest', 60) }),
    ];
    for (const name of ['latest', 'all', 'none']) {
      core.watermarks.set(`main/${name}|interval 10+1`, startMs - 500 - 49 * second);
    }
    core.watermarks.set('main/late|interval 3600+1', startMs - 500 - 9000 * second);
    clocks.rebuild(triggers);
    clocks.start();
    await clock.moveTo(startMs);
    assert.deepEqual(fired(), ['latest -9', 'all -19', 'all -9']);
    await clocks.stop();
  });

  it('send a time that was refused again, and no later one before it', async () => {
    const { core, clock, clocks, fired } = setUp();
    core.decide = () => (clock.now() < startMs + 3200 ? 'refused' : 'accepted');
    clocks.rebuild([workflow('second', { everySeconds: 1 })]);
    clocks.start();
    await clock.moveTo(startMs + 3000);
    assert.deepEqual(fired(), []);
    await clock.moveTo(startMs + 4600);
    assert.deepEqual(fired(), ['second 1', 'second 2', 'second 3', 'second 4', 'second 5']);
    await clocks.stop();
  });

  it('send again what may not have arrived, and leave out what could not start', async () => {
    const { core, clock, clocks, fired } = setUp({});
    const submit = core.submit.bind(core);
    let failures = 1;
    core.submit = async (list) => {
      const answers = await submit(list);
      if (failures-- > 0) throw new Error('the connection broke after the call');
      return answers;
    };
    core.decide = ({ logicalMs }) => (seconds(logicalMs) === 2 ? 'paused' : 'accepted');
    clocks.rebuild([workflow('second', { everySeconds: 1 })]);
    clocks.start();
    await clock.moveTo(startMs + 3600);
    assert.deepEqual(fired(), ['second 1', 'second 3', 'second 4']);
    await clocks.stop();
  });

  it('leave a trigger of another orchestrator to it for a tenth of a second, and then fire it', async () => {
    const live = ['other'];
    const { core, clock, clocks, fired } = setUp({ peers: { self: 'a', live: () => live } });
    clocks.rebuild([workflow('minute', { everySeconds: 60 })]);
    clocks.start();
    await clock.moveTo(startMs - 500 + 60_090);
    assert.deepEqual(fired(), []);
    await clock.moveTo(startMs - 500 + 60_110);
    assert.deepEqual(fired(), ['minute 60']);
    core.watermarks.set('main/minute|interval 60+0', startMs - 500 + 120 * second);
    await clock.moveTo(startMs + 150 * second);
    assert.equal(core.calls, 1, 'what the other one fired is not submitted');
    await clocks.stop();
  });

  it('keep what is decided over a change of the catalogue', async () => {
    const { core, clock, clocks, fired } = setUp();
    clocks.rebuild([workflow('one', { everySeconds: 2 })]);
    clocks.start();
    await clock.moveTo(startMs + 2000);
    clocks.rebuild([workflow('two', { everySeconds: 2 }), workflow('one', { everySeconds: 2 })]);
    await clock.moveTo(startMs + 4000);
    clocks.rebuild([workflow('two', { everySeconds: 2 })]);
    await clock.moveTo(startMs + 6000);
    assert.deepEqual(fired(), ['one 2', 'two 4', 'one 4', 'two 6']);
    assert.ok(core.answers.every(({ outcome }) => outcome === 'accepted'));
    await clocks.stop();
  });
});

describe('three orchestrators with random kills', function () {
  this.timeout(120_000);
  const all = { catchUp: { runs: 'all' as const, withinSeconds: 3600 } };
  const triggers: (ClockTrigger & Trigger)[] = [
    { everySeconds: 1, ...all },
    { everySeconds: 7, offsetSeconds: 3, ...all },
    { cron: '*/5 * * * * *', timezone: 'Europe/Berlin', ...all },
    { cron: '* * * * *', ...all },
  ];
  const workflows = triggers.map((trigger, index) => workflow(`w${index}`, trigger));
  const kill = fc.record({ afterMs: fc.integer({ min: 100, max: 9000 }), which: fc.nat(2), applied: fc.boolean() });

  it('fire each logical time once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(kill, { minLength: 1, maxLength: 12 }), fc.nat(40), async (kills, latencyMs) => {
        const { core, clock, endMs } = await live(kills, latencyMs);
        for (const [index, trigger] of triggers.entries()) {
          const fired = core.accepted.filter((run) => run.workflow === `w${index}`).map(({ logicalMs }) => logicalMs);
          const expected = readClock(trigger).between(startMs, endMs - 5 * second, Infinity);
          assert.deepEqual(fired.slice(0, expected.length), expected);
          assert.equal(new Set(fired).size, fired.length);
          assert.ok(fired.every((ms) => ms <= clock.now()));
        }
      }),
      { numRuns: 40 },
    );
  });

  async function live(kills: readonly { afterMs: number; which: number; applied: boolean }[], latencyMs: number) {
    const core = new FakeCore();
    const clock = new SimClock(startMs);
    const processes = ['a', 'b', 'c'].map((name) => begin(name, { core, clock, latencyMs, names: () => names() }));
    let cached: readonly string[] = [];
    const names = () => {
      // A dead one is taken for live until its heartbeat is three seconds old.
      const current = processes.filter(({ diedMs }) => clock.now() - diedMs() < 3000).map(({ name }) => name);
      if (current.join() !== cached.join()) cached = current;
      return cached;
    };
    for (const [index, { afterMs, which, applied }] of kills.entries()) {
      await clock.moveTo(clock.now() + afterMs);
      const place = processes.length - 3 + which;
      processes[place]?.kill(applied);
      const fresh = begin(`n${index}`, { core, clock, latencyMs, names });
      processes.push(...processes.splice(place, 1), fresh);
      const dead = processes.splice(processes.length - 2, 1);
      processes.unshift(...dead);
    }
    const endMs = clock.now() + 70 * second;
    await clock.moveTo(endMs);
    for (const process of processes) process.kill(false);
    return { core, clock, endMs };
  }

  function begin(
    name: string,
    parts: { core: FakeCore; clock: SimClock; latencyMs: number; names: () => readonly string[] },
  ) {
    const { core, clock, latencyMs, names } = parts;
    let diedMs = Infinity;
    let applied = false;
    const never = new Promise<never>(() => undefined);
    const alive = () => diedMs === Infinity;
    const clocks = new Clocks({
      submitter: {
        submit: async (list) => {
          await clock.sleep(latencyMs);
          if (!alive() && !applied) return never;
          const answers = await core.submit(list);
          await clock.sleep(latencyMs);
          return alive() ? answers : never;
        },
      },
      watermarks: { last: async (places) => (alive() ? core.last(places) : never) },
      clock,
      log: silentLog(),
      peers: { self: name, live: names },
      resolve: (parameters) => parameters,
      shardOf: () => 's00',
      onFired: () => undefined,
    });
    clocks.rebuild(workflows);
    clocks.start();
    return {
      name,
      diedMs: () => (diedMs === Infinity ? clock.now() : diedMs),
      kill: (finishing: boolean) => {
        if (!alive()) return;
        applied = finishing;
        diedMs = clock.now();
        void clocks.stop();
      },
    };
  }
});

describe('ten thousand schedules', function () {
  this.timeout(60_000);

  it('cost a look what is due in it, and one call for each 256 that are due together', async () => {
    const { core, clock, clocks, lags } = setUp();
    clocks.rebuild(
      Array.from({ length: 10_000 }, (_, index) =>
        workflow(`w${index}`, { cron: `${index % 60} * * * * *`, timezone: 'Europe/Berlin' }, { everySeconds: 180 }),
      ),
    );
    clocks.start();
    while (clock.sleepers === 0) await clock.moveTo(startMs);
    await clock.moveTo(startMs - 500 + 120 * second);
    assert.equal(core.accepted.length, 20_000);
    assert.equal(new Set(core.accepted.map(({ run }) => run)).size, 20_000);
    assert.deepEqual(new Set(lags), new Set([0]));
    // 166 or 167 are due in each second.
    assert.equal(core.calls, 120);
    await clock.moveTo(startMs - 500 + 179 * second);
    const { calls } = core;
    await clock.moveTo(startMs - 500 + 180 * second);
    assert.equal(core.calls - calls, 40, '10,167 are due at the third minute');
    await clocks.stop();
  });
});
