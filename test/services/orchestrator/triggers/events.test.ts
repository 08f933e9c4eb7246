import assert from 'node:assert/strict';
import { silentLog } from '@orrery/kit/log';
import { describe, it } from 'mocha';
import { EventTriggers } from '#services/orchestrator/src/triggers/events.ts';
import type { EventHappening, RunHappening } from '#services/orchestrator/src/triggers/matching.ts';
import type { Trigger, TriggerScope } from '#services/orchestrator/src/triggers/types.ts';
import { FakeCore } from './fake-core.ts';
import { SimClock } from './sim-clock.ts';

const nowMs = Date.parse('2026-01-01T12:00:00Z');

function setUp(triggers: Record<string, Trigger[]>, live: readonly string[] = ['a']) {
  const core = new FakeCore();
  const clock = new SimClock(nowMs);
  const updates = new Map<string, number>();
  const deps = {
    ...{ submitter: core, watermarks: core, clock, log: silentLog(), onFired: () => undefined },
    datasets: {
      updatedAt: (tenant: string, names: readonly string[]) =>
        Promise.resolve(names.map((name) => updates.get(`${tenant}/${name}`))),
    },
    peers: { self: 'a', live: () => live },
    resolve: (parameters: Readonly<Record<string, unknown>>, scope: TriggerScope) => {
      if (parameters['refuses'] === true) throw new Error('there is no "x" in the event');
      return { ...parameters, scope };
    },
    shardOf: () => 's00',
  };
  const open = () => {
    const events = new EventTriggers(deps);
    events.rebuild(Object.entries(triggers).map(([name, list]) => ({ tenant: 'main', name, triggers: list })));
    return events;
  };
  const fired = () => core.accepted.map(({ workflow }) => workflow);
  return { core, clock, updates, events: open(), open, fired };
}

const event = (parts: Partial<EventHappening>): EventHappening => ({
  ...{ kind: 'event', id: 'e1', tenant: 'main', name: 'landed', atMs: nowMs, payload: { flight: 'LH1' } },
  ...parts,
});
const ended = (parts: Partial<RunHappening>): RunHappening => ({
  ...{ kind: 'run', id: 's00-up', tenant: 'main', workflow: 'up', state: 'succeeded' },
  ...{ logicalMs: nowMs - 60_000, atMs: nowMs, ...parts },
});

describe('an event', () => {
  it('starts each workflow that names it, and its key where it names one', async () => {
    const { core, events, fired } = setUp({
      any: [{ event: 'landed', parameters: { day: 'x' } }],
      munich: [{ event: 'landed', key: 'EDDM' }],
      other: [{ event: 'started' }, { webhook: 'landed' }],
    });
    assert.deepEqual(await events.handle([event({ key: 'EDDF' }), event({ id: 'e2', key: 'EDDM' })]), []);
    assert.deepEqual(fired(), ['any', 'any', 'munich']);
    const [first] = core.accepted;
    assert.equal(first?.logicalMs, nowMs);
    assert.equal(first.trigger, 'event landed');
    assert.equal(first.actor, 'event');
    assert.equal(first.fired, undefined);
    const scope = { run: { id: first.run, tenant: 'main', logicalMs: nowMs }, event: { flight: 'LH1' } };
    assert.deepEqual(first.parameters, { day: 'x', scope });
  });

  it('starts nothing for another tenant', async () => {
    const { events, fired } = setUp({ any: [{ event: 'landed' }] });
    await events.handle([event({ tenant: 'other' })]);
    assert.deepEqual(fired(), []);
  });

  it('fires once, however often and to whomever it is delivered', async () => {
    const { events, open, core, fired } = setUp({ any: [{ event: 'landed' }] });
    await Promise.all([events.handle([event({}), event({})]), open().handle([event({}), event({ id: 'e2' })])]);
    assert.deepEqual(fired(), ['any', 'any']);
    assert.equal(new Set(core.accepted.map(({ run }) => run)).size, 2);
  });

  it('is handed back when a run of it was refused, and not for parameters that have no value', async () => {
    const { events, core, fired } = setUp({
      any: [{ event: 'landed' }],
      full: [{ event: 'landed' }],
      bad: [{ event: 'landed', parameters: { refuses: true } }],
    });
    core.decide = ({ workflow }) => (workflow === 'full' ? 'refused' : 'accepted');
    const first = event({});
    assert.deepEqual(await events.handle([first, event({ id: 'e2', name: 'unknown' })]), [first]);
    core.decide = () => 'accepted';
    assert.deepEqual(await events.handle([first]), []);
    assert.deepEqual(fired(), ['any', 'full']);
    core.submit = () => Promise.reject(new Error('no connection'));
    assert.deepEqual(await events.handle([first]), [first]);
  });
});

describe('a delivery to a webhook', () => {
  it('fires once, although it was signed again later', async () => {
    const { events, core } = setUp({ any: [{ webhook: 'git' }], other: [{ event: 'git' }] });
    const delivery = event({ kind: 'webhook', name: 'git' });
    await events.handle([delivery]);
    await events.handle([{ ...delivery, atMs: nowMs + 60_000 }]);
    assert.deepEqual(
      core.answers.map(({ outcome }) => outcome),
      ['accepted', 'known'],
    );
    assert.equal(core.accepted[0]?.logicalMs, nowMs);
  });
});

describe('the end of a run', () => {
  it('starts what waits for that end, at the same logical time', async () => {
    const triggers: Record<string, Trigger[]> = {
      well: [{ workflow: 'up' }],
      badly: [{ workflow: 'up', on: 'failed' }],
      anyway: [{ workflow: 'up', on: 'ended' }],
    };
    const { events, core, fired } = setUp(triggers);
    await events.handle([ended({})]);
    assert.deepEqual(fired(), ['well', 'anyway']);
    assert.deepEqual(new Set(core.accepted.map(({ logicalMs }) => logicalMs)), new Set([nowMs - 60_000]));
    const failed = setUp(triggers);
    await failed.events.handle([ended({ state: 'failed' }), ended({ id: 's00-second', state: 'cancelled' })]);
    assert.deepEqual(failed.fired(), ['badly', 'anyway', 'anyway']);
  });

  it('is let go when it is later than a trigger allows, and never without a policy of its own', async () => {
    const { events, fired } = setUp({
      patient: [{ workflow: 'up' }],
      strict: [{ workflow: 'up', catchUp: { withinSeconds: 60 } }],
    });
    await events.handle([ended({ atMs: nowMs - 3_600_000 })]);
    assert.deepEqual(fired(), ['patient']);
  });
});

describe('datasets', () => {
  const update = (name: string, atMs: number) =>
    ({ kind: 'dataset', id: `${name} ${atMs}`, tenant: 'main', name, atMs }) as const;

  it('fire when all of them were updated since the last firing, at the time of the last update', async () => {
    const { events, core, updates } = setUp({ join: [{ dataset: ['a', 'b'] }] });
    const set = async (name: string, atMs: number) => {
      updates.set(`main/${name}`, atMs);
      assert.deepEqual(await events.handle([update(name, atMs), update(name, atMs)]), []);
    };
    await set('a', nowMs + 1);
    await set('a', nowMs + 2);
    assert.equal(core.accepted.length, 0);
    await set('b', nowMs + 3);
    await set('b', nowMs + 4);
    await set('a', nowMs + 5);
    assert.deepEqual(
      core.accepted.map(({ logicalMs, fired }) => [logicalMs - nowMs, (fired?.after ?? 0) - nowMs]),
      [
        [3, -nowMs],
        [5, 3],
      ],
    );
  });

  it('lose no update that comes while another orchestrator fires', async () => {
    const { events, open, core, updates } = setUp({ one: [{ dataset: 'a' }] });
    const last = core.last.bind(core);
    let held: (() => void) | undefined;
    core.last = async (places) => {
      const answer = await last(places);
      if (held === undefined) await new Promise<void>((resolve) => (held = resolve));
      return answer;
    };
    updates.set('main/a', nowMs + 2);
    const second = events.handle([update('a', nowMs + 2)]);
    updates.set('main/a', nowMs + 1);
    await open().handle([update('a', nowMs + 1)]);
    updates.set('main/a', nowMs + 2);
    held?.();
    assert.deepEqual(await second, []);
    assert.deepEqual(
      core.accepted.map(({ logicalMs }) => logicalMs - nowMs),
      [1, 2],
    );
    assert.deepEqual(
      core.answers.map(({ outcome }) => outcome),
      ['accepted', 'past', 'accepted'],
    );
  });

  it('fire once for each time that one of them became too old', async () => {
    const { events, clock, core, updates } = setUp({ alarm: [{ dataset: ['a', 'b'], olderThanSeconds: 60 }] });
    await events.lookForStale();
    updates.set('main/a', nowMs);
    await clock.moveTo(nowMs + 100_000);
    await events.lookForStale();
    assert.equal(core.accepted.length, 0, 'the age of what was never there has no beginning');
    updates.set('main/b', nowMs + 90_000);
    await events.lookForStale();
    await events.lookForStale();
    updates.set('main/a', nowMs + 95_000);
    await events.lookForStale();
    await clock.moveTo(nowMs + 150_000);
    await events.lookForStale();
    assert.deepEqual(
      core.accepted.map(({ logicalMs }) => logicalMs - nowMs),
      [60_000, 150_000],
    );
    await events.handle([update('a', nowMs + 95_000)]);
    assert.equal(core.accepted.length, 2, 'an update fires no trigger on age');
  });

  it('that are stale are left to the owner of the trigger for five seconds', async () => {
    const { events, clock, core, updates } = setUp({ alarm: [{ dataset: 'a', olderThanSeconds: 60 }] }, ['other']);
    updates.set('main/a', nowMs);
    await clock.moveTo(nowMs + 64_000);
    await events.lookForStale();
    assert.equal(core.accepted.length, 0);
    await clock.moveTo(nowMs + 65_000);
    await events.lookForStale();
    assert.equal(core.accepted.length, 1);
  });
});
