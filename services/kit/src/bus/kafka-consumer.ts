import {
  PartitionAssigners,
  type Admin,
  type Consumer,
  type EachBatchPayload,
  type Kafka,
  type PartitionAssigner,
} from 'kafkajs';
import { messageOf } from '../errors.ts';
import { retry } from '../retry.ts';
import { partitionsMax } from './bounds.ts';
import { eventsExpired, fenced, isFenced, isUnavailable } from './errors.ts';
import { KafkaAssignment } from './kafka-assignment.ts';
import { decodeIntent, decodeMessage, encodeIntent } from './kafka-codec.ts';
import { mapKafkaError } from './kafka-errors.ts';
import type {
  BusConsumer,
  BusEvent,
  ClaimListener,
  ConsumerOptions,
  EventRange,
  PartitionClaim,
  ReadBounds,
} from './types.ts';
import { Wake } from './wake.ts';

export interface KafkaConsumerSettings {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Fetching of a partition pauses above this many bytes that nobody has read, and resumes under half. */
  readonly prefetchBytesMax: number;
}

/** What the bus lends its consumers. */
export interface KafkaClients {
  readonly kafka: Kafka;
  admin(): Promise<Admin>;
  /** Throws `BUS_TOPIC_MISSING`. */
  checkTopic(): Promise<unknown>;
}

/** With kafkajs's default of 5,000 ms a consumer that pauses and resumes falls to a thirtieth of its rate. */
const fetchWaitMaxMs = 100;
/** A coordinator that is loading after the broker's start answers again within seconds. */
const positionsRetry = { attemptsMax: 30, backoffMs: 200, backoffMaxMs: 2000, retryable: isUnavailable };

/** A member of a Kafka consumer group. An intent is an offset commit at `from` whose metadata names `to`. */
export class KafkaConsumer implements BusConsumer {
  readonly topic: string;
  readonly group: string;
  readonly #options: ConsumerOptions;
  readonly #settings: KafkaConsumerSettings;
  readonly #clients: KafkaClients;
  readonly #consumer: Consumer;
  readonly #byClaim = new WeakMap<PartitionClaim, KafkaAssignment>();
  readonly #works = new Set<Promise<void>>();
  #assignments = new Map<number, KafkaAssignment>();
  #generation = 0;
  #listener: ClaimListener | undefined;

  constructor(clients: KafkaClients, options: ConsumerOptions, settings: KafkaConsumerSettings) {
    this.#options = options;
    this.#settings = settings;
    this.#clients = clients;
    this.topic = options.topic;
    this.group = options.group;
    this.#consumer = clients.kafka.consumer({
      groupId: settings.groupId,
      sessionTimeout: settings.sessionTimeoutMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      heartbeatInterval: Math.floor(settings.sessionTimeoutMs / 6),
      maxWaitTimeInMs: fetchWaitMaxMs,
      allowAutoTopicCreation: false,
      partitionAssigners: [watchJoins(PartitionAssigners.roundRobin, () => this.#endGeneration())],
    });
  }

  async start(listener: ClaimListener): Promise<void> {
    await this.#clients.checkTopic();
    this.#listener = listener;
    const { GROUP_JOIN, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#beginGeneration(payload.memberAssignment[this.topic] ?? []));
    this.#consumer.on(CRASH, ({ payload }) => {
      this.#endGeneration();
      if (!payload.restart) listener.onFailure(mapKafkaError(payload.error, `consuming ${this.topic}`));
    });
    try {
      await this.#consumer.connect();
      await this.#consumer.subscribe({ topic: this.topic, fromBeginning: this.#options.start !== 'latest' });
      await this.#consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: partitionsMax,
        eachBatch: (payload) => this.#takeBatch(payload),
      });
    } catch (error) {
      throw mapKafkaError(error, `joining group ${this.group}`);
    }
  }

  async read(claim: PartitionClaim, from: number, bounds: ReadBounds): Promise<readonly BusEvent[]> {
    const assignment = this.#byClaim.get(claim);
    const deadline = performance.now() + bounds.waitMs;
    while (assignment?.buffer !== undefined && !claim.signal.aborted) {
      const seen = assignment.arrived.count;
      const events = assignment.buffer.read(from, bounds);
      this.#resumeIfDrained(assignment);
      const leftMs = deadline - performance.now();
      if (events.length > 0 || leftMs <= 0) return events;
      await assignment.arrived.wait({ seen, timeoutMs: leftMs, signal: claim.signal });
    }
    return [];
  }

  async intent(claim: PartitionClaim, range: EventRange): Promise<void> {
    const assignment = this.#assignmentOf(claim, range);
    assignment.checkIntent(range);
    await this.#sendOffset(assignment, range, { offset: range.from, metadata: encodeIntent(range) });
    assignment.intended(range);
  }

  async commit(claim: PartitionClaim, range: EventRange): Promise<void> {
    const assignment = this.#assignmentOf(claim, range);
    assignment.checkCommit(range);
    await this.#sendOffset(assignment, range, { offset: range.to + 1, metadata: '' });
    assignment.committed(range);
  }

  async stop(drainMs: number): Promise<void> {
    for (const assignment of this.#assignments.values()) assignment.ending.abort();
    await new Wake().wait({ seen: 0, timeoutMs: drainMs, until: Promise.all(this.#works) });
    this.#endGeneration();
    await this.#consumer.disconnect().catch((error: unknown) => {
      throw mapKafkaError(error, `leaving group ${this.group}`);
    });
  }

  #endGeneration(): void {
    for (const assignment of this.#assignments.values()) assignment.end();
    this.#assignments = new Map();
  }

  #beginGeneration(partitions: readonly number[]): void {
    this.#endGeneration();
    this.#generation += 1;
    const places = partitions.map((partition) => ({ topic: this.topic, partition }));
    const assignments = places.map((place) => new KafkaAssignment(place, this.#generation));
    this.#assignments = new Map(assignments.map((assignment) => [assignment.place.partition, assignment]));
    this.#consumer.resume([{ topic: this.topic, partitions: [...partitions] }]);
    this.#openAll(assignments).catch((error: unknown) => {
      if (assignments.some((assignment) => !assignment.over)) this.#fail(error);
    });
  }

  /** Reads what the group has recorded. Whoever was an owner before can record nothing any more: the generation is closed. */
  async #openAll(assignments: readonly KafkaAssignment[]): Promise<void> {
    const recorded = await retry(() => this.#readPositions(), positionsRetry);
    for (const assignment of assignments) {
      const { partition } = assignment.place;
      const { offset, low, high, metadata } = recorded(partition);
      const subject = `group ${this.group} at ${this.topic}:${partition}`;
      if (offset >= 0 && offset < low) throw eventsExpired(subject, offset, low);
      const begin = this.#options.start === 'latest' ? high : low;
      const position = offset < 0 ? begin : offset;
      const claim = assignment.open(position, decodeIntent(assignment.place, position, metadata));
      if (claim !== undefined) this.#work(claim, assignment);
    }
  }

  async #readPositions(): Promise<
    (partition: number) => { offset: number; low: number; high: number; metadata: string | null }
  > {
    try {
      const admin = await this.#clients.admin();
      const [offsets] = await admin.fetchOffsets({ groupId: this.#settings.groupId, topics: [this.topic] });
      const logs = await admin.fetchTopicOffsets(this.topic);
      return (partition) => {
        const committed = offsets?.partitions.find((found) => found.partition === partition);
        const log = logs.find((found) => found.partition === partition);
        return {
          offset: Number(committed?.offset ?? -1),
          metadata: committed?.metadata ?? null,
          low: Number(log?.low ?? 0),
          high: Number(log?.high ?? 0),
        };
      };
    } catch (error) {
      throw mapKafkaError(error, `reading positions of group ${this.group}`);
    }
  }

  #work(claim: PartitionClaim, assignment: KafkaAssignment): void {
    this.#byClaim.set(claim, assignment);
    const work = (this.#listener?.onClaim(claim) ?? Promise.resolve()).catch((error: unknown) => this.#fail(error));
    this.#works.add(work);
    void work.finally(() => this.#works.delete(work));
  }

  async #takeBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const assignment = this.#assignments.get(batch.partition);
    await assignment?.opened;
    const buffer = assignment?.buffer;
    if (assignment === undefined || buffer === undefined) return;
    assignment.send = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    const events = batch.messages.map((message) => decodeMessage(assignment.place, message));
    const first = events.find((event) => event.position >= buffer.expected);
    if (first === undefined) return;
    if (first.position > buffer.expected && !(await this.#isGap(assignment, buffer.expected))) return;
    buffer.push(events);
    assignment.arrived.wake();
    if (buffer.bytes > this.#settings.prefetchBytesMax && !assignment.paused) {
      assignment.paused = true;
      this.#consumer.pause([{ topic: this.topic, partitions: [batch.partition] }]);
    }
  }

  /**
   * Whether no events lie between the expected position and the first one fetched. A fetch that began too late is repeated once
   * from where it should have begun; a log that begins later has lost events, which is never passed over in silence.
   */
  async #isGap(assignment: KafkaAssignment, expected: number): Promise<boolean> {
    const { partition } = assignment.place;
    if (assignment.sought !== expected) {
      assignment.sought = expected;
      this.#consumer.seek({ topic: this.topic, partition, offset: String(expected) });
      return false;
    }
    const recorded = await retry(() => this.#readPositions(), positionsRetry);
    const { low } = recorded(partition);
    if (low > expected) {
      this.#fail(eventsExpired(`group ${this.group} at ${this.topic}:${partition}`, expected, low));
      return false;
    }
    return !assignment.over;
  }

  #resumeIfDrained(assignment: KafkaAssignment): void {
    const bytes = assignment.buffer?.bytes ?? 0;
    if (!assignment.paused || bytes > this.#settings.prefetchBytesMax / 2) return;
    assignment.paused = false;
    this.#consumer.resume([{ topic: this.topic, partitions: [assignment.place.partition] }]);
  }

  #assignmentOf(claim: PartitionClaim, range: EventRange): KafkaAssignment {
    const assignment = this.#byClaim.get(claim);
    if (assignment === undefined || assignment.over) throw fenced(range.token);
    return assignment;
  }

  /** The broker refuses a generation that is over; ours is over as soon as we ask to join again. */
  async #sendOffset(
    assignment: KafkaAssignment,
    range: EventRange,
    commit: { readonly offset: number; readonly metadata: string },
  ): Promise<void> {
    const { topic, partition } = assignment.place;
    if (assignment.send === undefined) throw fenced(range.token);
    const partitions = [{ partition, offset: String(commit.offset), metadata: commit.metadata }];
    try {
      await assignment.send({ topics: [{ topic, partitions }] });
    } catch (error) {
      const mapped = mapKafkaError(error, `recording ${range.token}`);
      if (isFenced(mapped)) assignment.end();
      throw mapped;
    }
  }

  #fail(error: unknown): void {
    this.#listener?.onFailure(error instanceof Error ? error : new Error(messageOf(error)));
  }
}

/** The protocol of an assigner is asked for exactly when a request to join is made: the moment our generation ends. */
function watchJoins(assigner: PartitionAssigner, onJoin: () => void): PartitionAssigner {
  return (config) => {
    const inner = assigner(config);
    return {
      name: inner.name,
      version: inner.version,
      assign: (group) => inner.assign(group),
      protocol: (subscription) => {
        onJoin();
        return inner.protocol(subscription);
      },
    };
  };
}
