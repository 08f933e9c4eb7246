import { Kafka, logLevel, type Admin, type KafkaConfig, type LogEntry, type Producer, type SASLOptions } from 'kafkajs';
import type { Log } from '../log.ts';
import { retry } from '../retry.ts';
import { checkEvents, checkName, checkTopic, publishesWaitingMax, sendBytesMax, sendEventsMax } from './bounds.ts';
import { full, isUnavailable, topicDiffers, topicMissing } from './errors.ts';
import { decodeIntent, encodeMessage, messageBytes } from './kafka-codec.ts';
import { KafkaConsumer, type KafkaConsumerSettings } from './kafka-consumer.ts';
import { mapKafkaError, mapTopicError } from './kafka-errors.ts';
import { groupByPartition, splitBySize } from './partitioning.ts';
import type { BusConsumer, ConsumerOptions, EventBus, OutgoingEvent, PartitionPosition, TopicSpec } from './types.ts';

export interface KafkaBusSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** TLS: by public authorities, or by those of `ca`. */
  readonly ssl?: boolean | { readonly ca: string[] };
  readonly sasl?: SASLOptions;
  /** A member that does not answer for so long loses its partitions. Default 10,000 ms. */
  readonly sessionTimeoutMs?: number;
  /** How long a rebalance waits for a silent member. Default 10,000 ms. */
  readonly rebalanceTimeoutMs?: number;
  /** Bytes fetched ahead of the handler for each partition. Default 8 MiB. */
  readonly prefetchBytesMax?: number;
  readonly log?: Pick<Log, 'warn' | 'error'>;
}

const defaultSessionTimeoutMs = 10_000;
const defaultRebalanceTimeoutMs = 10_000;
const defaultPrefetchBytesMax = 8 * 1024 * 1024;
const defaultRetentionMs = 24 * 3600 * 1000;
const requestTimeoutMs = 30_000;
const clientRetry = { retries: 8, initialRetryTime: 100, maxRetryTime: 2000 };
/** The broker's own default.replication.factor. */
const replicationOfBroker = -1;
const adminRetry = { attemptsMax: 10, backoffMs: 200, backoffMaxMs: 2000, retryable: isUnavailable };

/** The name of a group in Kafka: one for each topic, because a position belongs to (topic, group). */
export function kafkaGroupId(topic: string, group: string): string {
  return `${group}.${topic}`;
}

/** The event bus on Kafka. */
export class KafkaBus implements EventBus {
  readonly #kafka: Kafka;
  readonly #settings: KafkaBusSettings;
  readonly #partitions = new Map<string, number>();
  #admin: Promise<Admin> | undefined;
  #producer: Promise<Producer> | undefined;
  #publishing = 0;

  constructor(settings: KafkaBusSettings) {
    const config: KafkaConfig = {
      clientId: settings.clientId,
      brokers: [...settings.brokers],
      requestTimeout: requestTimeoutMs,
      retry: clientRetry,
      logLevel: settings.log === undefined ? logLevel.NOTHING : logLevel.WARN,
      logCreator: () => (entry) => writeLog(entry, settings.log),
      ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
      ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    };
    this.#kafka = new Kafka(config);
    this.#settings = settings;
  }

  async ensureTopic(spec: TopicSpec): Promise<void> {
    checkTopic(spec);
    await this.#administer(`making topic ${spec.topic}`, async (admin) => {
      await admin.createTopics({
        waitForLeaders: true,
        topics: [
          {
            topic: spec.topic,
            numPartitions: spec.partitions,
            replicationFactor: replicationOfBroker,
            configEntries: [
              // A compacted log would change what lies between the ends of a range.
              { name: 'cleanup.policy', value: 'delete' },
              { name: 'retention.ms', value: String(spec.retentionMs ?? defaultRetentionMs) },
            ],
          },
        ],
      });
    });
    const found = await this.#countPartitions(spec.topic);
    if (found !== spec.partitions) throw topicDiffers(spec.topic, found, spec.partitions);
  }

  async publish(topic: string, events: readonly OutgoingEvent[]): Promise<void> {
    checkName('topic', topic);
    checkEvents(events);
    if (this.#publishing >= publishesWaitingMax) throw full(`${this.#publishing} calls wait to publish`);
    this.#publishing += 1;
    try {
      const groups = groupByPartition(events, await this.#countPartitions(topic));
      const lanes = [...groups].map(([partition, group]) => {
        const chunks = splitBySize(group, messageBytes, { countMax: sendEventsMax, bytesMax: sendBytesMax });
        return chunks.map((chunk) => chunk.map((event) => encodeMessage(event, partition)));
      });
      const waves = Math.max(0, ...lanes.map((chunks) => chunks.length));
      // At most one chunk for each partition in a send: kafkajs would join two of them beyond what a broker takes.
      for (let wave = 0; wave < waves; wave += 1) {
        await this.#send(
          topic,
          lanes.flatMap((chunks) => chunks[wave] ?? []),
        );
      }
    } finally {
      this.#publishing -= 1;
    }
  }

  consumer(options: ConsumerOptions): BusConsumer {
    checkName('topic', options.topic);
    checkName('group', options.group);
    const settings: KafkaConsumerSettings = {
      groupId: kafkaGroupId(options.topic, options.group),
      sessionTimeoutMs: this.#settings.sessionTimeoutMs ?? defaultSessionTimeoutMs,
      rebalanceTimeoutMs: this.#settings.rebalanceTimeoutMs ?? defaultRebalanceTimeoutMs,
      prefetchBytesMax: this.#settings.prefetchBytesMax ?? defaultPrefetchBytesMax,
    };
    return new KafkaConsumer(
      { kafka: this.#kafka, admin: () => this.#openAdmin(), checkTopic: () => this.#countPartitions(options.topic) },
      options,
      settings,
    );
  }

  async positions(topic: string, group: string): Promise<readonly PartitionPosition[]> {
    await this.#countPartitions(topic);
    return this.#administer(`reading positions of ${topic}`, async (admin) => {
      const [offsets] = await admin.fetchOffsets({ groupId: kafkaGroupId(topic, group), topics: [topic] });
      const logs = await admin.fetchTopicOffsets(topic);
      return logs
        .toSorted((one, other) => one.partition - other.partition)
        .map(({ partition, low, high }) => {
          const found = offsets?.partitions.find((recorded) => recorded.partition === partition);
          const offset = Number(found?.offset ?? -1);
          return {
            partition,
            committed: offset < 0 ? null : offset,
            pending: offset < 0 ? null : decodeIntent({ topic, partition }, offset, found?.metadata ?? null),
            lagEvents: Number(high) - Math.max(offset, Number(low)),
          };
        });
    });
  }

  async removeGroup(topic: string, group: string): Promise<void> {
    await this.#administer(`removing group ${group} of ${topic}`, async (admin) => {
      const { groups } = await admin.listGroups();
      const groupId = kafkaGroupId(topic, group);
      if (groups.some((found) => found.groupId === groupId)) await admin.deleteGroups([groupId]);
    });
  }

  async close(): Promise<void> {
    const [producer, admin] = [this.#producer, this.#admin];
    this.#producer = undefined;
    this.#admin = undefined;
    await disconnect(producer);
    await disconnect(admin);
  }

  async #send(topic: string, messages: ReturnType<typeof encodeMessage>[]): Promise<void> {
    this.#producer ??= this.#openProducer();
    const opening = this.#producer;
    try {
      const producer = await opening;
      await producer.send({ topic, messages, acks: -1, timeout: requestTimeoutMs });
    } catch (error) {
      // After a failed send nobody knows which sequence the broker expects: the next send begins with another producer.
      if (this.#producer === opening) this.#producer = undefined;
      void disconnect(opening).catch(() => undefined);
      throw mapTopicError(error, topic, `publishing to ${topic}`);
    }
  }

  async #openProducer(): Promise<Producer> {
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: clientRetry,
      createPartitioner: () => (place) => place.message.partition ?? 0,
    });
    await producer.connect();
    return producer;
  }

  async #countPartitions(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    const count = await this.#administer(`reading topic ${topic}`, async (admin) => {
      const names = await admin.listTopics();
      if (!names.includes(topic)) throw topicMissing(topic);
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.length ?? 0;
    });
    this.#partitions.set(topic, count);
    return count;
  }

  #openAdmin(): Promise<Admin> {
    this.#admin ??= connectAdmin(this.#kafka).catch((error: unknown) => {
      this.#admin = undefined;
      throw error;
    });
    return this.#admin;
  }

  async #administer<T>(doing: string, work: (admin: Admin) => Promise<T>): Promise<T> {
    return retry(async () => {
      try {
        return await work(await this.#openAdmin());
      } catch (error) {
        throw mapKafkaError(error, doing);
      }
    }, adminRetry);
  }
}

/** A client that never connected has nothing to close. */
async function disconnect(opening: Promise<{ disconnect(): Promise<void> }> | undefined): Promise<void> {
  const client = await opening?.catch(() => undefined);
  await client?.disconnect();
}

async function connectAdmin(kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin({ retry: { ...clientRetry, retries: 3 } });
  await admin.connect();
  return admin;
}

function writeLog(entry: LogEntry, log: KafkaBusSettings['log']): void {
  const { message, ...fields } = entry.log;
  if (entry.level === logLevel.ERROR) log?.error({ namespace: entry.namespace, ...fields }, message);
  else log?.warn({ namespace: entry.namespace, ...fields }, message);
}
