import assert from 'node:assert/strict';
import { kafkaGroupId } from '@orrery/kit/bus/kafka';
import type { PartitionClaim } from '@orrery/kit/bus/types';
import { Kafka, logLevel } from 'kafkajs';
import { eventually } from '#test/support/eventually.ts';
import { BusSession, codeOf, handledIds, makeEvents, takeoverTimeoutMs, type BusUnderTest } from './bus-under-test.ts';

/** What only Kafka does: rebalances under a working member, foreign producers, gaps in the log, retention. */
export function describeKafkaLog(brokers: readonly string[], config: BusUnderTest['config']): void {
  describe('event bus on what Kafka does by itself', function () {
    this.timeout(60_000);
    const kafka = new Kafka({ clientId: 'foreign', brokers: [...brokers], logLevel: logLevel.NOTHING });
    let session: BusSession;
    beforeEach(async () => {
      session = await BusSession.open(config);
    });
    afterEach(() => session.close());

    it('refuses the intent of a claim from before a rebalance, although its member is in the group', async () => {
      const topic = await session.makeTopic(2);
      await session.bus.publish(topic, makeEvents({ count: 40, keys: 20 }));
      const claims: PartitionClaim[] = [];
      const one = session.bus.consumer({ topic, group: 'readers' });
      session.onClose(() => one.stop(0));
      const onClaim = async (claim: PartitionClaim) => void claims.push(claim);
      const onFailure = (error: Error) => assert.fail(error);
      await one.start({ onClaim, onFailure });
      await eventually(() => claims.length === 2, { timeoutMs: takeoverTimeoutMs });
      const [first, second] = claims;
      assert.ok(first !== undefined && second !== undefined);
      const bounds = { eventsMax: 5, bytesMax: 1_000_000, waitMs: takeoverTimeoutMs };
      for (const claim of [first, second]) assert.equal((await one.read(claim, claim.position, bounds)).length, 5);

      const other: PartitionClaim[] = [];
      const two = session.bus.consumer({ topic, group: 'readers' });
      session.onClose(() => two.stop(0));
      await two.start({ onClaim: async (claim) => void other.push(claim), onFailure });
      await eventually(() => other.length > 0 && claims.length > 2, { timeoutMs: takeoverTimeoutMs });
      for (const claim of [first, second]) {
        const { partition } = claim;
        assert.ok(claim.signal.aborted);
        const range = { topic, partition, from: 0, to: 4, count: 5, token: `${topic}:${partition}:0-4` };
        assert.equal(await codeOf(one.intent(claim, range)), 'BUS_FENCED');
      }
      const positions = await session.bus.positions(topic, 'readers');
      assert.deepEqual(
        positions.map((position) => position.committed),
        [null, null],
      );
    });

    it('reads what another producer wrote without headers, key or text', async () => {
      const topic = await session.makeTopic(1);
      const producer = await opened(session, kafka.producer({ allowAutoTopicCreation: false }));
      await producer.send({
        topic,
        messages: [{ value: Buffer.from([255, 0]) }, { key: 'k', value: null, headers: { tenant: 'acme' } }],
      });
      const { recorded } = await session.consume(topic, 'readers');
      await eventually(() => handledIds(recorded).length === 2, { timeoutMs: takeoverTimeoutMs });
      const [bare, keyed] = recorded.flatMap(({ events }) => events);
      assert.deepEqual(bare?.value, Buffer.from([255, 0]));
      assert.equal(bare.key, '');
      assert.deepEqual({ ...bare.headers }, { tenant: 'main', actor: 'unknown', type: topic, id: `${topic}:0:0` });
      assert.deepEqual(keyed?.value, Buffer.alloc(0));
      assert.equal(keyed.headers.tenant, 'acme');
    });

    it('reads over the gaps that transactions leave in the log', async () => {
      const topic = await session.makeTopic(1);
      const transactional = { transactionalId: `tx-${topic}`, maxInFlightRequests: 1, idempotent: true };
      const producer = await opened(session, kafka.producer(transactional));
      const { recorded } = await session.consume(topic, 'readers', { rowsMax: 1 });
      for (let round = 0; round < 3; round += 1) {
        const aborted = await producer.transaction();
        await aborted.send({ topic, messages: [{ value: 'never seen' }] });
        await aborted.abort();
        const committed = await producer.transaction();
        await committed.send({ topic, messages: [{ value: `kept ${round}` }] });
        await committed.commit();
        // One by one, so that a fetch begins in a gap.
        await eventually(() => recorded.length === round + 1, { timeoutMs: takeoverTimeoutMs });
      }
      const values = recorded.flatMap(({ events }) => events.map((event) => event.value.toString()));
      assert.deepEqual(values, ['kept 0', 'kept 1', 'kept 2']);
    });

    it('stops when retention has removed events that the group had yet to read', async () => {
      const topic = await session.makeTopic(1);
      await session.bus.publish(topic, makeEvents({ count: 10 }));
      const reading = await session.consume(topic, 'readers', { rowsMax: 2 });
      await eventually(() => handledIds(reading.recorded).length === 10, { timeoutMs: takeoverTimeoutMs });
      await reading.consumption.stop();
      await session.bus.publish(topic, makeEvents({ first: 10, count: 10 }));
      const admin = await opened(session, kafka.admin());
      // kafkajs finds the partition's leader only after it has asked for something else of the topic.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '15' }] });
      const { errors, recorded } = await session.consume(topic, 'readers');
      await eventually(() => errors.length > 0, { timeoutMs: takeoverTimeoutMs });
      assert.deepEqual(errors, ['BUS_EVENTS_EXPIRED']);
      assert.deepEqual(recorded, []);
    });

    it('takes the words that other tools leave beside a position for no intent', async () => {
      const topic = await session.makeTopic(1);
      await session.bus.publish(topic, makeEvents({ count: 4 }));
      const groupId = kafkaGroupId(topic, 'readers');
      const tool = kafka.consumer({ groupId, maxWaitTimeInMs: 100, rebalanceTimeout: 1000 });
      await tool.connect();
      await tool.subscribe({ topic, fromBeginning: true });
      await tool.run({ autoCommit: false, eachBatch: async () => undefined });
      await tool.commitOffsets([{ topic, partition: 0, offset: '2', metadata: 'moved by hand' }]);
      await tool.disconnect();
      const { recorded } = await session.consume(topic, 'readers');
      await eventually(() => handledIds(recorded).length === 2, { timeoutMs: takeoverTimeoutMs });
      assert.deepEqual(handledIds(recorded), ['e2', 'e3']);
    });
  });
}

/** Connects a client, and disconnects it at the end of the test. */
async function opened<T extends { connect(): Promise<void>; disconnect(): Promise<void> }>(
  session: BusSession,
  client: T,
): Promise<T> {
  await client.connect();
  session.onClose(() => client.disconnect());
  return client;
}
