import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { readBusLibrary } from '../bus-library.ts';
import { retry } from '../retry.ts';
import { makeRange } from './batch.ts';
import {
  checkBound,
  checkEvents,
  checkName,
  checkTopic,
  eventBytes,
  leaseMaxMs,
  leaseMinMs,
  publishesWaitingMax,
  sendBytesMax,
  sendEventsMax,
} from './bounds.ts';
import { full, isUnavailable, topicDiffers, topicMissing } from './errors.ts';
import { groupByPartition, splitBySize } from './partitioning.ts';
import { decodeNumbers, encodeEvent } from './redis-codec.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisConsumer, type RedisConsumerSettings } from './redis-consumer.ts';
import { groupKey, membersKey, partitionKeys, producerKey, topicKey, wakeChannel } from './redis-keys.ts';
import type { BusConsumer, ConsumerOptions, EventBus, OutgoingEvent, PartitionPosition, TopicSpec } from './types.ts';

export interface RedisBusSettings {
  /** How long a consumer that fell silent keeps its partitions. Default 10,000 ms. */
  readonly leaseMs?: number;
  /** Share of maxmemory above which `publish` refuses, so that other keys can still be written. Default 0.8. */
  readonly memoryShareMax?: number;
}

const defaultLeaseMs = 10_000;
const defaultMemoryShareMax = 0.8;
const defaultRetentionMs = 24 * 3600 * 1000;
const defaultPartitionEventsMax = 1_000_000;
const producerRememberedMs = 24 * 3600 * 1000;
const publishRetry = { attemptsMax: 6, backoffMs: 100, backoffMaxMs: 2000, retryable: isUnavailable };

interface StoredTopic {
  readonly partitions: number;
  readonly retentionMs: number;
  readonly partitionEventsMax: number;
}

/** Sends to one partition go one after another, so that a repeated send is known by its sequence. */
interface Lane {
  sequence: number;
  waiting: number;
  last: Promise<unknown>;
}

/** The event bus on Redis Streams: one stream a partition, all state changes in Redis functions. */
export class RedisStreamsBus implements EventBus {
  readonly #connection: RedisConnection;
  readonly #settings: RedisConsumerSettings;
  readonly #memoryShareMax: number;
  readonly #producer = randomUUID();
  readonly #topics = new Map<string, StoredTopic>();
  readonly #lanes = new Map<string, Lane>();

  /** The bus takes the client over: `close` closes it. */
  constructor(client: Redis, settings: RedisBusSettings = {}) {
    this.#connection = new RedisConnection(client, readBusLibrary());
    const { leaseMs = defaultLeaseMs } = settings;
    checkBound('leaseMs', leaseMs, { min: leaseMinMs, max: leaseMaxMs });
    this.#settings = { leaseMs };
    this.#memoryShareMax = settings.memoryShareMax ?? defaultMemoryShareMax;
  }

  async ensureTopic(spec: TopicSpec): Promise<void> {
    checkTopic(spec);
    const key = topicKey(spec.topic);
    await this.#connection.run(`making topic ${spec.topic}`, async (client) => {
      await client.hsetnx(key, 'partitions', spec.partitions);
      await client.hset(key, {
        retentionMs: spec.retentionMs ?? defaultRetentionMs,
        partitionEventsMax: spec.partitionEventsMax ?? defaultPartitionEventsMax,
      });
    });
    this.#topics.delete(spec.topic);
    const stored = await this.#topic(spec.topic);
    if (stored.partitions !== spec.partitions) throw topicDiffers(spec.topic, stored.partitions, spec.partitions);
  }

  async publish(topic: string, events: readonly OutgoingEvent[]): Promise<void> {
    checkName('topic', topic);
    checkEvents(events);
    const { partitions } = await this.#topic(topic);
    const groups = groupByPartition(events, partitions);
    await Promise.all([...groups].map(([partition, group]) => this.#publishToPartition(topic, partition, group)));
  }

  consumer(options: ConsumerOptions): BusConsumer {
    checkName('topic', options.topic);
    checkName('group', options.group);
    return new RedisConsumer(this.#connection, options, {
      ...this.#settings,
      countPartitions: async () => (await this.#topic(options.topic)).partitions,
    });
  }

  async positions(topic: string, group: string): Promise<readonly PartitionPosition[]> {
    const { partitions } = await this.#topic(topic);
    return this.#connection.run(`reading positions of ${topic}`, (client) =>
      Promise.all(
        Array.from({ length: partitions }, (_, partition) => readPosition(client, { topic, partition, group })),
      ),
    );
  }

  async removeGroup(topic: string, group: string): Promise<void> {
    const { partitions } = await this.#topic(topic);
    await this.#connection.run(`removing group ${group} of ${topic}`, async (client) => {
      for (let partition = 0; partition < partitions; partition += 1) {
        const { groups } = partitionKeys(topic, partition);
        await client
          .multi()
          .del(groupKey(topic, partition, group))
          .hdel(groups, group)
          .exec();
      }
      await client.del(membersKey(topic, group));
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  async #topic(topic: string): Promise<StoredTopic> {
    const known = this.#topics.get(topic);
    if (known !== undefined) return known;
    const stored = await this.#connection.run(`reading topic ${topic}`, (client) => client.hgetall(topicKey(topic)));
    if (stored['partitions'] === undefined) throw topicMissing(topic);
    const read = {
      partitions: Number(stored['partitions']),
      retentionMs: Number(stored['retentionMs'] ?? defaultRetentionMs),
      partitionEventsMax: Number(stored['partitionEventsMax'] ?? defaultPartitionEventsMax),
    };
    this.#topics.set(topic, read);
    return read;
  }

  async #publishToPartition(topic: string, partition: number, events: readonly OutgoingEvent[]): Promise<void> {
    const place = `${topic}:${partition}`;
    const lane = this.#lanes.get(place) ?? { sequence: 0, waiting: 0, last: Promise.resolve() };
    this.#lanes.set(place, lane);
    if (lane.waiting >= publishesWaitingMax) throw full(`${lane.waiting} calls wait to publish to ${place}`);
    lane.waiting += 1;
    const send = async () => {
      const chunks = splitBySize(events, eventBytes, { countMax: sendEventsMax, bytesMax: sendBytesMax });
      for (const chunk of chunks) await this.#append({ topic, partition, sequence: (lane.sequence += 1) }, chunk);
    };
    const sent = lane.last.then(send);
    lane.last = sent.catch(() => undefined);
    try {
      await sent;
    } finally {
      lane.waiting -= 1;
    }
  }

  /** Repeats the send under the same sequence as long as Redis does not answer: a send that had arrived is not taken twice. */
  async #append(
    place: { readonly topic: string; readonly partition: number; readonly sequence: number },
    events: readonly OutgoingEvent[],
  ): Promise<void> {
    const { topic, partition, sequence } = place;
    const keys = partitionKeys(topic, partition);
    const stored = await this.#topic(topic);
    const args = [
      ...[sequence, producerRememberedMs, stored.partitionEventsMax, stored.retentionMs, this.#memoryShareMax],
      ...[wakeChannel(topic), partition],
      ...events.flatMap(encodeEvent),
    ];
    const call = () =>
      this.#connection.call(
        'publish',
        [keys.events, keys.tail, keys.groups, producerKey(topic, partition, this.#producer)],
        args,
      );
    const answer = await retry(call, publishRetry);
    const [code, held, maximum] = decodeNumbers(answer, `publishing to ${topic}`);
    if (code === -1)
      throw full(`partition ${partition} of ${topic} holds ${held ?? 0} events that a group has yet to read`);
    if (code === -2)
      throw full(`Redis uses ${held ?? 0} of ${maximum ?? 0} bytes, the bus may use ${this.#memoryShareMax} of it`);
  }
}

async function readPosition(
  client: Redis,
  place: { readonly topic: string; readonly partition: number; readonly group: string },
): Promise<PartitionPosition> {
  const { topic, partition, group } = place;
  const keys = partitionKeys(topic, partition);
  const [added, held, state] = await Promise.all([
    client.hget(keys.tail, 'added'),
    client.xlen(keys.events),
    client.hgetall(groupKey(topic, partition, group)),
  ]);
  const { position, handled, from, to, count } = state;
  const pending =
    from === undefined ? null : makeRange(place, { from: Number(from), to: Number(to), count: Number(count) });
  return {
    partition,
    committed: position === undefined ? null : Number(position),
    pending,
    lagEvents: handled === undefined ? held : Number(added ?? 0) - Number(handled),
  };
}
