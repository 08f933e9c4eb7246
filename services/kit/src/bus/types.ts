/** Headers that every event carries. Others, such as `traceparent`, may stand beside them. */
export interface EventHeaders {
  readonly tenant: string;
  readonly actor: string;
  /** What happened, for example `run.started`. */
  readonly type: string;
  /** Unique to the event: by it a reader drops what a producer sent twice. */
  readonly id: string;
  readonly [name: string]: string;
}

export interface OutgoingEvent {
  /** Events of one key keep their order. Events of different keys may be read in any order. */
  readonly key: string;
  readonly value: string | Uint8Array;
  readonly headers: EventHeaders;
}

export interface BusEvent {
  /** Grows with every event of a partition, not always by one. Never used twice. */
  readonly position: number;
  readonly key: string;
  readonly value: Buffer;
  readonly headers: EventHeaders;
  /** When the bus took the event, by the bus's clock. */
  readonly timestampMs: number;
}

/** A run of events of one partition that is handled as a whole: always the same events under the same token. */
export interface EventRange {
  readonly topic: string;
  readonly partition: number;
  /** Position of the first event. */
  readonly from: number;
  /** Position of the last event. */
  readonly to: number;
  readonly count: number;
  /** `topic:partition:from-to`, the deduplication token of whatever the handler writes. */
  readonly token: string;
}

export interface TopicSpec {
  readonly topic: string;
  /** Fixed for the life of the topic, because the partition of a key depends on it. At most 64. */
  readonly partitions: number;
  /** How long events stay readable after every group has read them. Default 24 hours. */
  readonly retentionMs?: number;
  /** Redis only: most events a partition holds before `publish` refuses. Default 1,000,000. */
  readonly partitionEventsMax?: number;
}

/** A partition in this consumer's hands, until `signal` aborts. */
export interface PartitionClaim {
  readonly topic: string;
  readonly partition: number;
  /** Grows with every change of hands of the partition. */
  readonly fence: number;
  /** Where the group goes on: everything before it is committed. */
  readonly position: number;
  /** A range that was intended and never committed. It comes first, exactly as it was. */
  readonly pending: EventRange | null;
  /** Aborts when the claim is lost or shall be handed over: finish the range in hand, then return. */
  readonly signal: AbortSignal;
}

export interface ClaimListener {
  /** Works on the claim. The claim is given back when the promise settles; it must not reject. */
  onClaim(claim: PartitionClaim): Promise<void>;
  /** The consumer cannot go on and has stopped claiming. */
  onFailure(error: Error): void;
}

export interface ReadBounds {
  readonly eventsMax: number;
  readonly bytesMax: number;
  /** How long to wait for the first event. */
  readonly waitMs: number;
}

/**
 * A member of a group, in explicit steps: read, intent, (write), commit. `consume` in consume.ts is the loop over them.
 * Every step of a claim that another consumer has taken throws `BUS_FENCED`; an unreachable bus throws the retryable
 * `BUS_UNAVAILABLE`, after which the same step may be repeated.
 */
export interface BusConsumer {
  readonly topic: string;
  readonly group: string;
  /** Joins the group and begins to claim partitions. Throws `BUS_TOPIC_MISSING`. */
  start(listener: ClaimListener): Promise<void>;
  /**
   * Events from position `from` on, at least one unless none came within `waitMs` or the claim ended. Within a claim
   * `from` never goes back.
   */
  read(claim: PartitionClaim, from: number, bounds: ReadBounds): Promise<readonly BusEvent[]>;
  /** Records durably what is about to be written. Throws `BUS_FENCED` for a stale claim, BEFORE anything is written. */
  intent(claim: PartitionClaim, range: EventRange): Promise<void>;
  /** Records that the intended range is written. Repeating the last commit is no error. */
  commit(claim: PartitionClaim, range: EventRange): Promise<void>;
  /** Asks for all claims back, waits at most `drainMs` for their work, and leaves the group. */
  stop(drainMs: number): Promise<void>;
}

export interface ConsumerOptions {
  readonly topic: string;
  readonly group: string;
  /** Where a group without a committed position begins. Default `earliest`. */
  readonly start?: 'earliest' | 'latest';
}

export interface PartitionPosition {
  readonly partition: number;
  /** The position that the next read of the group starts at, or null when the group has never claimed the partition. */
  readonly committed: number | null;
  readonly pending: EventRange | null;
  /** Events that the group has not committed. */
  readonly lagEvents: number;
}

/** Where events are kept and handed on. Two drivers, Redis Streams and Kafka, pass one conformance suite. */
export interface EventBus {
  /** Makes the topic, or checks that it has these partitions: else throws `BUS_TOPIC_DIFFERS`. */
  ensureTopic(spec: TopicSpec): Promise<void>;
  /**
   * Resolves when all events are durable. On a throw a part may have been taken, so a caller that tries again may send
   * an event twice: `headers.id` tells. Throws the retryable `BUS_FULL` rather than drop anything, `BUS_BOUND_EXCEEDED`
   * for an event or a call that is too large, `BUS_TOPIC_MISSING`.
   */
  publish(topic: string, events: readonly OutgoingEvent[]): Promise<void>;
  consumer(options: ConsumerOptions): BusConsumer;
  positions(topic: string, group: string): Promise<readonly PartitionPosition[]>;
  /** Forgets a group that will never read again, with its position. */
  removeGroup(topic: string, group: string): Promise<void>;
  /** Closes connections. Stop the consumers first. */
  close(): Promise<void>;
}
