import { randomUUID } from 'node:crypto';
import { runEventsTopic } from '@orrery/contracts/run-event';
import { consume } from '@orrery/kit/bus/consume';
import { openBus } from '@orrery/kit/bus/open';
import { Kafka, logLevel } from 'kafkajs';
import { eventually } from '#test/support/eventually.ts';

const readTimeoutMs = 60_000;

/** Every entry of the log that the broker has, in order, as text. */
export async function readKafkaLog(brokers: readonly string[]): Promise<string[]> {
  const bus = await openBus({ driver: 'kafka', brokers: [...brokers] }, { name: 'audit' });
  const group = `audit-${randomUUID().slice(0, 8)}`;
  const texts: string[] = [];
  const consumption = await consume(bus.consumer({ topic: runEventsTopic, group }), {
    lingerMs: 10,
    handle: (_range, events) => Promise.resolve(void texts.push(...events.map(({ value }) => value.toString()))),
    onError: (error) => process.stderr.write(`${error.message}\n`),
  });
  try {
    const isRead = async () => {
      const positions = await bus.positions(runEventsTopic, group);
      // A partition without an event is never committed.
      return positions.every(({ lagEvents }) => lagEvents === 0);
    };
    await eventually(isRead, { timeoutMs: readTimeoutMs, intervalMs: 100, what: 'the log of the broker read' });
  } finally {
    await consumption.stop();
    await bus.removeGroup(runEventsTopic, group);
    await bus.close();
  }
  return texts;
}

/** The topic's name is fixed: what an earlier test left there would be the log of this test's shard. */
export async function dropKafkaLog(brokers: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const { groups } = await admin.listGroups();
    const own = groups.map(({ groupId }) => groupId).filter((groupId) => groupId.includes(runEventsTopic));
    if (own.length > 0) await admin.deleteGroups(own).catch(() => undefined);
    if ((await admin.listTopics()).includes(runEventsTopic)) {
      await admin.deleteTopics({ topics: [runEventsTopic] });
      const isGone = async () => !(await admin.listTopics()).includes(runEventsTopic);
      await eventually(isGone, { timeoutMs: readTimeoutMs, intervalMs: 200, what: 'the topic being gone' });
    }
  } finally {
    await admin.disconnect();
  }
}
