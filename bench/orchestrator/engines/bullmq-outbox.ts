import { setTimeout as sleep } from 'node:timers/promises';
import type { CrewMessage, CrewOrder } from '../work.ts';
import { loadBullmq, outboxKeys } from './bullmq-library.ts';

/**
 * The outbox of BullMQ's users: a process of its own, forked by engines/bullmq.ts, that publishes each event of the queue on another
 * stream, and notes how far it is. Batches and plain commands in place of QueueEvents, which reads and hands on one event at a time.
 */
const order = JSON.parse(process.argv[2] ?? '{}') as CrewOrder;
const redis = loadBullmq().connect(order.redisUrl, order.password);

const batchMax = 1000;
/** As long as our own relay lets entries gather. */
const idleMs = 25;

let position = (await redis.get(outboxKeys.position)) ?? '0';
process.send?.({ kind: 'ready' } satisfies CrewMessage);
while (true) {
  const [read] = (await redis.xread('COUNT', batchMax, 'STREAMS', outboxKeys.events, position)) ?? [];
  const events = read?.[1] ?? [];
  if (events.length > 0) position = await publish(events);
  // Few events at a time would cost as many calls as they are.
  if (events.length < batchMax) await sleep(idleMs);
}

/** Returns the id of the last. */
async function publish(events: readonly [id: string, fields: string[]][]): Promise<string> {
  const last = events.at(-1)?.[0] ?? '0';
  const batch = redis.pipeline();
  for (const [, fields] of events) batch.xadd(outboxKeys.published, '*', ...fields);
  const answers = (await batch.set(outboxKeys.position, last).exec()) ?? [];
  for (const [error] of answers) if (error !== null) throw error;
  return last;
}
