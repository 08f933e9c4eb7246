import assert from 'node:assert/strict';
import { OrreryError } from '@orrery/kit/errors';
import { eventually } from '#test/support/eventually.ts';
import {
  BusSession,
  codeOf,
  handledIds,
  idsOf,
  lagOf,
  makeEvents,
  takeoverTimeoutMs,
  type BusUnderTest,
} from './bus-under-test.ts';
import { describeCrashes, describeRestarts } from './crash-conformance.ts';
import type { OutgoingEvent } from '@orrery/kit/bus/types';

const readAll = { eventsMax: 1000, bytesMax: 8 * 1024 * 1024, waitMs: takeoverTimeoutMs };

export interface Driver {
  readonly name: string;
  /** Whether the broker is ours to kill: then `BusUnderTest` has `restart`. */
  readonly restarts: boolean;
  setUp(): Promise<BusUnderTest>;
}

/** What every driver of the bus guarantees. */
export function describeBus(driver: Driver): void {
  describe(`event bus on ${driver.name}`, function () {
    this.timeout(90_000);
    let under: BusUnderTest;
    let session: BusSession;
    before(async () => {
      under = await driver.setUp();
    });
    after(() => under.close());
    beforeEach(async () => {
      session = await BusSession.open(under.config);
    });
    afterEach(() => session.close());

    describePublishing(() => session);
    describeSteps(() => session);
    describeLoop(() => session);
    describeCrashes(() => ({ under, session }));
    if (driver.restarts) describeRestarts(() => ({ under, session }));
  });
}

function describePublishing(open: () => BusSession): void {
  it('delivers key, value and headers as they were published', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    const headers = { tenant: 'acme', actor: 'ana', type: 'order.placed', id: 'o-1', traceparent: '00-ab-cd-01' };
    const value = Buffer.from([0, 255, 195, 40]);
    await session.bus.publish(topic, [{ key: 'schlüssel', value, headers }]);
    const { consumer, claim } = await session.claim(topic, 'readers');
    const [event, ...more] = await consumer.read(claim, claim.position, readAll);
    assert.deepEqual(more, []);
    assert.equal(event?.key, 'schlüssel');
    assert.deepEqual(event.value, value);
    assert.deepEqual({ ...event.headers }, headers);
    assert.ok(Math.abs(event.timestampMs - Date.now()) < 60_000);
  });

  it('keeps the order of each key over all partitions', async () => {
    const session = open();
    const topic = await session.makeTopic(4);
    const { recorded } = await session.consume(topic, 'readers', { rowsMax: 37 });
    for (let first = 0; first < 600; first += 100) {
      await session.bus.publish(topic, makeEvents({ first, count: 100, keys: 7 }));
    }
    await eventually(() => handledIds(recorded).length >= 600, { timeoutMs: takeoverTimeoutMs });
    const events = recorded.flatMap((handled) => handled.events);
    for (let key = 0; key < 7; key += 1) {
      const numbers = events
        .filter((event) => event.key === `key-${key}`)
        .map((event) => Number(event.headers.id.slice(1)));
      assert.deepEqual(
        numbers,
        numbers.toSorted((one, other) => one - other),
      );
    }
    assert.equal(new Set(idsOf(events)).size, 600);
    assert.ok(new Set(recorded.map(({ range }) => range.partition)).size > 1);
  });

  it('refuses events, calls and names beyond their bounds, before it takes anything', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    const [event] = makeEvents({ count: 1 });
    assert.ok(event);
    const publish = (events: OutgoingEvent[]) => codeOf(session.bus.publish(topic, events));
    const manyHeaders = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`h${index}`, 'x']));
    assert.equal(await publish([event, { ...event, value: 'x'.repeat(600_000) }]), 'BUS_BOUND_EXCEEDED');
    assert.equal(await publish([{ ...event, key: 'k'.repeat(1025) }]), 'BUS_BOUND_EXCEEDED');
    assert.equal(await publish([{ ...event, headers: { ...event.headers, ...manyHeaders } }]), 'BUS_BOUND_EXCEEDED');
    assert.equal(await publish(makeEvents({ count: 10_001 })), 'BUS_BOUND_EXCEEDED');
    assert.equal(
      await publish(Array.from({ length: 20 }, () => ({ ...event, value: 'x'.repeat(500_000) }))),
      'BUS_BOUND_EXCEEDED',
    );
    assert.equal(await publish([{ ...event, headers: { ...event.headers, tenant: '' } }]), 'BUS_INVALID');
    assert.equal(await codeOf(session.bus.ensureTopic({ topic: 'Über', partitions: 1 })), 'BUS_INVALID');
    assert.equal(await codeOf(session.bus.ensureTopic({ topic: 'wide', partitions: 65 })), 'BUS_BOUND_EXCEEDED');
    assert.equal(await lagOf(session.bus, topic, 'readers'), 0);
  });

  it('takes as much as the bounds allow in one call', async () => {
    const session = open();
    const topic = await session.makeTopic(2);
    const large = makeEvents({ count: 14, keys: 4 }).map((event) => ({
      ...event,
      value: 'x'.repeat(512 * 1024 - 200),
    }));
    await session.bus.publish(topic, large);
    const { recorded } = await session.consume(topic, 'readers');
    await eventually(() => handledIds(recorded).length >= 14, { timeoutMs: takeoverTimeoutMs });
    assert.equal(new Set(handledIds(recorded)).size, 14);
  });

  it('refuses a topic that is missing, and another count of partitions', async () => {
    const session = open();
    const topic = await session.makeTopic(2);
    assert.equal(await codeOf(session.bus.publish('test.nowhere', makeEvents({ count: 1 }))), 'BUS_TOPIC_MISSING');
    assert.equal(await codeOf(session.claim('test.nowhere', 'readers')), 'BUS_TOPIC_MISSING');
    assert.equal(await codeOf(session.bus.positions('test.nowhere', 'readers')), 'BUS_TOPIC_MISSING');
    assert.equal(await codeOf(session.bus.ensureTopic({ topic, partitions: 3 })), 'BUS_TOPIC_DIFFERS');
    assert.equal(await codeOf(session.bus.ensureTopic({ topic, partitions: 2 })), 'none');
  });
}

function describeSteps(open: () => BusSession): void {
  it('hands an uncommitted intent to the next owner first, as the same range of the same events', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 10 }));
    const first = await session.claim(topic, 'readers');
    const events = (await first.consumer.read(first.claim, first.claim.position, readAll)).slice(0, 7);
    const [from = 0, to = 0] = [events[0]?.position, events[6]?.position];
    const range = { topic, partition: 0, from, to, count: 7, token: `${topic}:0:${from}-${to}` };
    await first.consumer.intent(first.claim, range);
    await first.release();
    await session.bus.publish(topic, makeEvents({ first: 10, count: 10 }));

    const { recorded } = await session.consume(topic, 'readers', { rowsMax: 3 });
    await eventually(() => handledIds(recorded).length >= 20, { timeoutMs: takeoverTimeoutMs });
    assert.deepEqual(recorded[0]?.range, range);
    assert.deepEqual(handledIds(recorded.slice(0, 1)), ['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6']);
    assert.deepEqual(handledIds(recorded.slice(1, 2)), ['e7', 'e8', 'e9']);
    assert.deepEqual(
      handledIds(recorded),
      makeEvents({ count: 20 }).map((event) => event.headers.id),
    );
  });

  it('delivers again what was handled and not committed, and never what was committed', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 3 }));
    const first = await session.claim(topic, 'readers');
    const events = await first.consumer.read(first.claim, first.claim.position, readAll);
    const positions = events.map((event) => event.position);
    const cut = (index: number) => {
      const position = positions[index] ?? 0;
      return {
        topic,
        partition: 0,
        from: position,
        to: position,
        count: 1,
        token: `${topic}:0:${position}-${position}`,
      };
    };
    await first.consumer.intent(first.claim, cut(0));
    await first.consumer.commit(first.claim, cut(0));
    await first.consumer.intent(first.claim, cut(1));
    await first.release();

    const second = await session.claim(topic, 'readers');
    assert.deepEqual(second.claim.pending, cut(1));
    assert.ok(second.claim.fence >= 1);
    assert.deepEqual(idsOf(await second.consumer.read(second.claim, second.claim.position, readAll)), ['e1', 'e2']);
  });

  it('takes the same intent and the same commit twice, and no other in between', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 4 }));
    const { consumer, claim } = await session.claim(topic, 'readers');
    const events = await consumer.read(claim, claim.position, readAll);
    const [p0 = 0, p1 = 0, p2 = 0, p3 = 0] = events.map((event) => event.position);
    const early = { topic, partition: 0, from: p0, to: p1, count: 2, token: `${topic}:0:${p0}-${p1}` };
    const late = { topic, partition: 0, from: p2, to: p3, count: 2, token: `${topic}:0:${p2}-${p3}` };
    assert.equal(await codeOf(consumer.commit(claim, early)), 'BUS_INTENT_CONFLICT');
    await consumer.intent(claim, early);
    await consumer.intent(claim, early);
    assert.equal(await codeOf(consumer.intent(claim, late)), 'BUS_INTENT_CONFLICT');
    assert.equal(await codeOf(consumer.commit(claim, late)), 'BUS_INTENT_CONFLICT');
    await consumer.commit(claim, early);
    await consumer.commit(claim, early);
    assert.equal(await codeOf(consumer.intent(claim, early)), 'BUS_INTENT_CONFLICT');
    await consumer.intent(claim, late);
    const [position] = await session.bus.positions(topic, 'readers');
    assert.deepEqual(position?.pending, late);
    assert.equal(position.lagEvents, 2);
  });

  it('gives every group all events', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 5 }));
    const one = await session.claim(topic, 'one');
    const two = await session.claim(topic, 'two');
    assert.equal((await one.consumer.read(one.claim, one.claim.position, readAll)).length, 5);
    assert.equal((await two.consumer.read(two.claim, two.claim.position, readAll)).length, 5);
  });

  it('lets a group be removed and begin again', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 5 }));
    const { consumption } = await session.consume(topic, 'readers');
    await eventually(async () => (await lagOf(session.bus, topic, 'readers')) === 0, { timeoutMs: takeoverTimeoutMs });
    await consumption.stop();
    await session.bus.removeGroup(topic, 'readers');
    const [position] = await session.bus.positions(topic, 'readers');
    assert.equal(position?.committed, null);
    assert.equal(position.lagEvents, 5);
  });
}

function describeLoop(open: () => BusSession): void {
  it('calls a failing handler again with the same range, and goes on when it succeeds', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 6 }));
    const calls: string[] = [];
    const { recorded, errors } = await session.consume(topic, 'readers', {
      rowsMax: 3,
      handle: async (range, events, { attempt }) => {
        calls.push(`${idsOf(events).join()} ${attempt}`);
        if (calls.length < 3) throw new Error('not yet');
        assert.equal(range.count, 3);
      },
    });
    await eventually(() => recorded.length >= 2, { timeoutMs: takeoverTimeoutMs });
    assert.deepEqual(calls, ['e0,e1,e2 1', 'e0,e1,e2 2', 'e0,e1,e2 3', 'e3,e4,e5 1']);
    assert.deepEqual(errors, []);
  });

  it('stops with the error after the last attempt, and skips nothing', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 6 }));
    let calls = 0;
    const failing = await session.consume(topic, 'readers', {
      rowsMax: 4,
      attemptsMax: 3,
      handle: async () => {
        calls += 1;
        throw new Error('never');
      },
    });
    await eventually(() => failing.errors.length > 0, { timeoutMs: takeoverTimeoutMs });
    assert.deepEqual(failing.errors, ['BUS_HANDLER_FAILED']);
    assert.equal(calls, 3);

    const next = await session.consume(topic, 'readers');
    await eventually(() => handledIds(next.recorded).length >= 6, { timeoutMs: takeoverTimeoutMs });
    assert.deepEqual(handledIds(next.recorded.slice(0, 1)), ['e0', 'e1', 'e2', 'e3']);
    assert.deepEqual(handledIds(next.recorded), ['e0', 'e1', 'e2', 'e3', 'e4', 'e5']);
  });

  it('stops at once when the handler says that trying again cannot help', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 1 }));
    let calls = 0;
    const { errors } = await session.consume(topic, 'readers', {
      handle: async () => {
        calls += 1;
        throw new OrreryError({ code: 'TABLE_MISSING', message: 'no table', hint: 'make it' });
      },
    });
    await eventually(() => errors.length > 0, { timeoutMs: takeoverTimeoutMs });
    assert.equal(calls, 1);
  });

  it('cuts no batch above its rows or its bytes, and below them only after lingerMs', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    const large = makeEvents({ count: 8 }).map((event) => ({ ...event, value: 'x'.repeat(300_000) }));
    await session.bus.publish(topic, large);
    const { recorded } = await session.consume(topic, 'readers', { rowsMax: 5, bytesMax: 1_000_000, lingerMs: 60_000 });
    await eventually(() => handledIds(recorded).length >= 6, { timeoutMs: takeoverTimeoutMs });
    assert.deepEqual(
      recorded.map(({ events }) => events.length),
      [3, 3],
    );
    await session.bus.publish(topic, makeEvents({ first: 8, count: 20 }));
    await eventually(() => handledIds(recorded).length >= 26, { timeoutMs: takeoverTimeoutMs });
    assert.deepEqual(
      recorded.map(({ events }) => events.length),
      [3, 3, 5, 5, 5, 5],
    );
    const patient = await session.consume(topic, 'patient', { rowsMax: 5, lingerMs: 50 });
    await eventually(() => handledIds(patient.recorded).length === 28, { timeoutMs: takeoverTimeoutMs });
    assert.equal(patient.recorded.at(-1)?.events.length, 3);
    assert.equal(await codeOf(session.consume(topic, 'other', { rowsMax: 0 })), 'BUS_BOUND_EXCEEDED');
    assert.equal(await codeOf(session.consume(topic, 'other', { bytesMax: 9_000_000 })), 'BUS_BOUND_EXCEEDED');
  });

  it('begins no range while paused, and misses none when it resumes', async () => {
    const session = open();
    const topic = await session.makeTopic(1);
    const { consumption, recorded } = await session.consume(topic, 'readers');
    await session.bus.publish(topic, makeEvents({ count: 1 }));
    await eventually(() => recorded.length === 1, { timeoutMs: takeoverTimeoutMs });
    consumption.pause();
    await session.bus.publish(topic, makeEvents({ first: 1, count: 300 }));
    await eventually(async () => (await lagOf(session.bus, topic, 'readers')) === 300);
    // A second group reads to the end: whatever the paused one would have taken, it could have taken by then.
    const other = await session.consume(topic, 'others');
    await eventually(() => handledIds(other.recorded).length === 301, { timeoutMs: takeoverTimeoutMs });
    assert.equal(recorded.length, 1);
    consumption.resume();
    await eventually(() => handledIds(recorded).length === 301, { timeoutMs: takeoverTimeoutMs });
  });

  it('shares partitions among the members of a group, and takes over from one that leaves', async () => {
    const session = open();
    const topic = await session.makeTopic(4);
    const one = await session.consume(topic, 'readers');
    const two = await session.consume(topic, 'readers');
    let published = 0;
    const publishMore = async () => {
      await session.bus.publish(topic, makeEvents({ first: published, count: 40, keys: 40 }));
      published += 40;
    };
    const bothWork = async () => {
      await publishMore();
      return one.recorded.length > 0 && two.recorded.length > 0;
    };
    await eventually(bothWork, { timeoutMs: takeoverTimeoutMs, intervalMs: 100 });
    await one.consumption.stop();
    await publishMore();
    await eventually(async () => (await lagOf(session.bus, topic, 'readers')) === 0, { timeoutMs: takeoverTimeoutMs });
    const ids = [...handledIds(one.recorded), ...handledIds(two.recorded)];
    assert.deepEqual(new Set(ids).size, published);
    assert.deepEqual([...one.errors, ...two.errors], []);
  });

  it('loses nothing that is published while a consumer restarts', async () => {
    const session = open();
    const topic = await session.makeTopic(2);
    const ids: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { consumption, recorded } = await session.consume(topic, 'readers', { rowsMax: 50 });
      const publishing = session.bus.publish(topic, makeEvents({ first: round * 200, count: 200, keys: 9 }));
      await eventually(() => recorded.length > 0, { timeoutMs: takeoverTimeoutMs });
      await consumption.stop();
      await publishing;
      ids.push(...handledIds(recorded));
    }
    const { recorded } = await session.consume(topic, 'readers');
    await eventually(async () => (await lagOf(session.bus, topic, 'readers')) === 0, { timeoutMs: takeoverTimeoutMs });
    ids.push(...handledIds(recorded));
    assert.equal(ids.length, 600);
    assert.equal(new Set(ids).size, 600);
  });
}
