import assert from 'node:assert/strict';
import { openBus, type BusConfig } from '@orrery/kit/bus/open';
import { partitionKeys, producerKey } from '@orrery/kit/bus/redis-keys';
import { RedisStreamsBus } from '@orrery/kit/bus/redis-streams';
import { Redis } from 'ioredis';
import { eventually } from '#test/support/eventually.ts';
import { startRedis, type RedisServer } from '#test/support/redis.ts';
import { BusSession, codeOf, handledIds, lagOf, makeEvents } from './bus-under-test.ts';

describe('bounds of the event bus in Redis', function () {
  this.timeout(30_000);
  let server: RedisServer;
  let config: BusConfig;
  let session: BusSession;
  let redis: Redis;
  before(async () => {
    server = await startRedis();
    config = { driver: 'redis', url: server.url, password: server.password, leaseMs: 600 };
  });
  after(() => server.stop());
  beforeEach(async () => {
    session = await BusSession.open(config);
    redis = new Redis(server.url, { password: server.password });
  });
  afterEach(async () => {
    await session.close();
    redis.disconnect();
  });

  it('refuses to publish rather than drop what the slowest group has yet to read, and takes more when it has', async () => {
    const topic = 'bounded';
    await session.bus.ensureTopic({ topic, partitions: 1, partitionEventsMax: 100, retentionMs: 0 });
    const slow = await session.claim(topic, 'slow');
    await slow.release();
    await session.bus.publish(topic, makeEvents({ count: 100 }));
    await session.consume(topic, 'fast');
    await eventually(async () => (await lagOf(session.bus, topic, 'fast')) === 0);
    assert.equal(await codeOf(session.bus.publish(topic, makeEvents({ first: 100, count: 1 }))), 'BUS_FULL');

    const { recorded } = await session.consume(topic, 'slow');
    await eventually(async () => (await lagOf(session.bus, topic, 'slow')) === 0);
    await session.bus.publish(topic, makeEvents({ first: 100, count: 100 }));
    await eventually(() => handledIds(recorded).length === 200);
    assert.equal(new Set(handledIds(recorded)).size, 200);
    assert.equal(await redis.xlen(partitionKeys(topic, 0).events), 100);
  });

  it('lets a group that will never read again be removed, so that publishing goes on', async () => {
    const topic = 'abandoned';
    await session.bus.ensureTopic({ topic, partitions: 1, partitionEventsMax: 10 });
    const dead = await session.claim(topic, 'dead');
    await dead.release();
    await session.bus.publish(topic, makeEvents({ count: 10 }));
    assert.equal(await codeOf(session.bus.publish(topic, makeEvents({ first: 10, count: 1 }))), 'BUS_FULL');
    await session.consume(topic, 'alive');
    await eventually(async () => (await lagOf(session.bus, topic, 'alive')) === 0);
    await session.bus.removeGroup(topic, 'dead');
    assert.equal(await codeOf(session.bus.publish(topic, makeEvents({ first: 10, count: 1 }))), 'none');
  });

  it('keeps what is read for its retention and no longer', async () => {
    await session.bus.ensureTopic({ topic: 'kept', partitions: 1, retentionMs: 3_600_000 });
    await session.bus.ensureTopic({ topic: 'dropped', partitions: 1, retentionMs: 0 });
    for (const topic of ['kept', 'dropped']) {
      await session.bus.publish(topic, makeEvents({ count: 1000 }));
      await session.consume(topic, 'readers');
      await eventually(async () => (await lagOf(session.bus, topic, 'readers')) === 0);
      await session.bus.publish(topic, makeEvents({ first: 1000, count: 1 }));
    }
    assert.equal(await redis.xlen(partitionKeys('kept', 0).events), 1001);
    // Whole nodes of the stream are dropped, so a few of the last ones may stay.
    assert.ok((await redis.xlen(partitionKeys('dropped', 0).events)) < 200);
  });

  it('refuses to publish when Redis has used its share of memory, and lets consumers go on', async () => {
    const small = await startRedis({ maxmemory: '20mb' });
    const other = await BusSession.open({ driver: 'redis', url: small.url, password: small.password, leaseMs: 600 });
    try {
      const topic = await other.makeTopic(1);
      const large = (first: number) =>
        makeEvents({ first, count: 4 }).map((event) => ({ ...event, value: 'x'.repeat(500_000) }));
      let taken = 0;
      let code = 'none';
      while (code === 'none' && taken < 100) {
        code = await codeOf(other.bus.publish(topic, large(taken)));
        if (code === 'none') taken += 4;
      }
      assert.equal(code, 'BUS_FULL');
      // Each send is 1 event: a call of four may have been cut in the middle.
      const { recorded } = await other.consume(topic, 'readers');
      await eventually(async () => (await lagOf(other.bus, topic, 'readers')) === 0);
      assert.ok(handledIds(recorded).length >= taken);
      assert.ok(taken >= 20 && taken <= 40, `${taken} events of 0.5 MB were taken in 16 of 20 MB`);
    } finally {
      await other.close();
      await small.stop();
    }
  });

  it('takes a send that arrives twice once', async () => {
    const topic = await session.makeTopic(1);
    const client = new Redis(server.url, { password: server.password });
    const bus = new RedisStreamsBus(client);
    await bus.publish(topic, makeEvents({ count: 3 }));
    const [producer] = await redis.keys(producerKey(topic, 0, '*').replaceAll('{', '\\{'));
    assert.ok(producer);
    assert.equal(await redis.get(producer), '1');
    // As if this send had arrived and its answer had not.
    await redis.set(producer, '2');
    await bus.publish(topic, makeEvents({ first: 3, count: 3 }));
    await bus.publish(topic, makeEvents({ first: 6, count: 3 }));
    await bus.close();
    const { recorded } = await session.consume(topic, 'readers');
    await eventually(() => handledIds(recorded).length >= 6);
    assert.deepEqual(handledIds(recorded), ['e0', 'e1', 'e2', 'e6', 'e7', 'e8']);
  });

  it('goes on when Redis has lost its functions', async () => {
    const topic = await session.makeTopic(1);
    const { recorded, errors } = await session.consume(topic, 'readers');
    await session.bus.publish(topic, makeEvents({ count: 1 }));
    await eventually(() => recorded.length === 1);
    await redis.function('FLUSH');
    await session.bus.publish(topic, makeEvents({ first: 1, count: 1 }));
    await eventually(() => recorded.length === 2);
    assert.deepEqual(errors, []);
  });

  it('never uses a position twice, even where the last writes were lost', async () => {
    const topic = await session.makeTopic(1);
    await session.bus.publish(topic, makeEvents({ count: 5 }));
    const keys = partitionKeys(topic, 0);
    const last = Number(await redis.hget(keys.tail, 'position'));
    await redis.del(keys.tail, keys.events);
    await session.bus.publish(topic, makeEvents({ first: 5, count: 1 }));
    const [entry] = await redis.xrange(keys.events, '-', '+');
    assert.ok(Number.parseInt(entry?.[0] ?? '', 10) > last);
  });

  it('refuses a Redis that may evict events', async () => {
    const evicting = await startRedis({ policy: 'volatile-lru' });
    try {
      const opening = openBus({ driver: 'redis', url: evicting.url, password: evicting.password }, { name: 'test' });
      assert.equal(await codeOf(opening), 'REDIS_POLICY_WRONG');
    } finally {
      await evicting.stop();
    }
  });
});
