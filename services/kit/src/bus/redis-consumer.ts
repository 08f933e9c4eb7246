import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors.ts';
import { makeRange } from './batch.ts';
import { eventBytes, groupsMax, membersMax } from './bounds.ts';
import { boundExceeded, fenced, intentConflict, isFenced, isUnavailable, outage } from './errors.ts';
import { planPartitions } from './partitioning.ts';
import { decodeEntry, decodeNumbers, decodeStrings } from './redis-codec.ts';
import type { RedisConnection } from './redis-connection.ts';
import { groupKey, membersKey, partitionKeys, wakeChannel } from './redis-keys.ts';
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

export interface RedisConsumerSettings {
  readonly leaseMs: number;
}

interface Held {
  readonly claim: PartitionClaim;
  readonly ending: AbortController;
  /** Settles when the work on the claim has ended and the partition is given back. */
  readonly done: Promise<void>;
}

/** A message may be lost, so a waiting read looks again after this. */
const lookAgainMs = 1000;
/** Without any answer for so long, the consumer gives up and says so. */
const outageMaxMs = 600_000;
const firstReadEvents = 32;
const readEventsMax = 2000;

/** A member of a group on Redis Streams: leases on partitions, renewed and rebalanced by a tick. */
export class RedisConsumer implements BusConsumer {
  readonly topic: string;
  readonly group: string;
  readonly #id = randomUUID();
  readonly #connection: RedisConnection;
  readonly #options: ConsumerOptions;
  readonly #settings: RedisConsumerSettings & { countPartitions(): Promise<number> };
  readonly #held = new Map<number, Held>();
  readonly #meanBytes = new Map<number, number>();
  readonly #eventWakes = new Map<number, Wake>();
  readonly #tickWake = new Wake();
  readonly #stopping = new AbortController();
  #unlisten: () => void = () => undefined;
  #ticking: Promise<void> = Promise.resolve();

  constructor(
    connection: RedisConnection,
    options: ConsumerOptions,
    settings: RedisConsumerSettings & { countPartitions(): Promise<number> },
  ) {
    this.#connection = connection;
    this.#options = options;
    this.#settings = settings;
    this.topic = options.topic;
    this.group = options.group;
  }

  async start(listener: ClaimListener): Promise<void> {
    const partitions = await this.#settings.countPartitions();
    for (let partition = 0; partition < partitions; partition += 1) this.#eventWakes.set(partition, new Wake());
    this.#unlisten = await this.#connection.listen(wakeChannel(this.topic), (message) => {
      const wake = this.#eventWakes.get(Number(message));
      (wake ?? this.#tickWake).wake();
    });
    this.#ticking = this.#tickUntilStopped(partitions, listener);
  }

  async read(claim: PartitionClaim, from: number, bounds: ReadBounds): Promise<readonly BusEvent[]> {
    const deadline = performance.now() + bounds.waitMs;
    const wake = this.#eventWakes.get(claim.partition) ?? new Wake();
    while (!claim.signal.aborted) {
      const seen = wake.count;
      const events = await this.#readOnce(claim, from, bounds);
      const leftMs = deadline - performance.now();
      if (events.length > 0 || leftMs <= 0) return events;
      await wake.wait({ seen, timeoutMs: Math.min(leftMs, lookAgainMs), signal: claim.signal });
    }
    return [];
  }

  async intent(claim: PartitionClaim, range: EventRange): Promise<void> {
    const answer = await this.#connection.call(
      'intent',
      [groupKey(this.topic, claim.partition, this.group)],
      [...this.#leaseArgs(claim), range.from, range.to, range.count],
    );
    this.#check(claim, range, answer);
  }

  async commit(claim: PartitionClaim, range: EventRange): Promise<void> {
    const answer = await this.#connection.call(
      'commit',
      [groupKey(this.topic, claim.partition, this.group), partitionKeys(this.topic, claim.partition).groups],
      [...this.#leaseArgs(claim), range.from, range.to, this.group],
    );
    this.#check(claim, range, answer);
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    for (const held of this.#held.values()) held.ending.abort();
    // A tick in progress may still claim; what it claims is given back at once.
    const settled = this.#ticking.then(() => Promise.all([...this.#held.values()].map((held) => held.done)));
    await new Wake().wait({ seen: 0, timeoutMs: drainMs, until: settled });
    this.#unlisten();
    await this.#connection
      .run('leaving', (client) => client.zrem(membersKey(this.topic, this.group), this.#id))
      // A member that cannot say goodbye is forgotten when its lease ends.
      .catch(() => undefined);
  }

  #leaseArgs(claim: PartitionClaim): (string | number)[] {
    return [this.#id, claim.fence, this.#settings.leaseMs];
  }

  #check(claim: PartitionClaim, range: EventRange, answer: unknown): void {
    const [code, position, from, to] = decodeNumbers(answer, `recording ${range.token}`);
    if (code === 1) return;
    if (code === 0) {
      this.#held.get(claim.partition)?.ending.abort();
      throw fenced(range.token);
    }
    const pending = from === 0 ? 'nothing is pending' : `${from ?? 0}-${to ?? 0} is pending`;
    throw intentConflict(range.token, `the group goes on at ${position ?? 0}, ${pending}`);
  }

  /** Asks for as many events as should fit into the bytes, by the mean size seen so far. */
  async #readOnce(claim: PartitionClaim, from: number, bounds: ReadBounds): Promise<BusEvent[]> {
    const mean = this.#meanBytes.get(claim.partition);
    const fitting = mean === undefined ? firstReadEvents : Math.ceil(bounds.bytesMax / mean);
    const count = Math.max(1, Math.min(bounds.eventsMax, fitting, readEventsMax));
    const { events: key } = partitionKeys(this.topic, claim.partition);
    const entries = await this.#connection.run(`reading ${this.topic}`, (client) =>
      client.xrangeBuffer(key, `${from}-0`, '+', 'COUNT', count),
    );
    const events = entries.map(decodeEntry);
    if (events.length > 0) {
      const bytes = events.reduce((sum, event) => sum + eventBytes(event), 0);
      this.#meanBytes.set(claim.partition, Math.max(1, bytes / events.length));
    }
    return events;
  }

  async #tickUntilStopped(partitions: number, listener: ClaimListener): Promise<void> {
    const { signal } = this.#stopping;
    let answeredAt = performance.now();
    while (!signal.aborted) {
      const seen = this.#tickWake.count;
      let waitMs = this.#settings.leaseMs / 3;
      try {
        waitMs = await this.#tick(partitions, listener);
        answeredAt = performance.now();
      } catch (error) {
        const away = performance.now() - answeredAt > outageMaxMs;
        if (!isUnavailable(error) || away) {
          listener.onFailure(away ? outage(`claiming ${this.topic}`, outageMaxMs, error) : asError(error));
          return;
        }
      }
      await this.#tickWake.wait({ seen, timeoutMs: waitMs, signal });
    }
  }

  /** Says that this member is alive, renews, hands over and claims; returns when to do it again. */
  async #tick(partitions: number, listener: ClaimListener): Promise<number> {
    const renewMs = this.#settings.leaseMs / 3;
    const joined = await this.#connection.call(
      'join',
      [membersKey(this.topic, this.group)],
      [this.#id, this.#settings.leaseMs, membersMax, wakeChannel(this.topic)],
    );
    const members = decodeStrings(joined, 'joining');
    if (members.length === 0) throw boundExceeded(`members of group ${this.group}`, membersMax + 1, membersMax);
    const planned = new Set(planPartitions(members, partitions, this.#id));
    await Promise.all([...this.#held.values()].map((held) => this.#keep(held, planned)));
    const wanted = [...planned].filter((partition) => !this.#held.has(partition));
    const waits = await Promise.all(wanted.map((partition) => this.#claim(partition, listener)));
    return Math.min(renewMs, ...waits);
  }

  async #keep(held: Held, planned: ReadonlySet<number>): Promise<void> {
    const { claim, ending } = held;
    if (!planned.has(claim.partition)) ending.abort();
    const key = groupKey(this.topic, claim.partition, this.group);
    const renewed = await this.#connection.call('renew', [key], this.#leaseArgs(claim));
    if (renewed !== 1) ending.abort();
  }

  /** Takes a partition and starts the work on it; returns how long to wait before trying (again). */
  async #claim(partition: number, listener: ClaimListener): Promise<number> {
    const { leaseMs } = this.#settings;
    const keys = partitionKeys(this.topic, partition);
    const answer = await this.#connection.call(
      'claim',
      [groupKey(this.topic, partition, this.group), keys.groups, keys.events, keys.tail],
      [this.group, this.#id, leaseMs, groupsMax, this.#options.start ?? 'earliest'],
    );
    const [code = 0, fence = 0, position = 0, from = 0, to = 0, count = 0] = decodeNumbers(answer, 'claiming');
    if (code === -1) throw boundExceeded(`groups of ${this.topic}`, fence + 1, groupsMax);
    // The second number of a refusal is how long the other's lease still runs.
    if (code === 0) return Math.max(1, fence);
    const place = { topic: this.topic, partition };
    const ending = new AbortController();
    if (this.#stopping.signal.aborted) ending.abort();
    const pending = from === 0 ? null : makeRange(place, { from, to, count });
    const claim: PartitionClaim = { ...place, fence, position, pending, signal: ending.signal };
    this.#held.set(partition, { claim, ending, done: this.#work(claim, listener) });
    return leaseMs / 3;
  }

  async #work(claim: PartitionClaim, listener: ClaimListener): Promise<void> {
    // Not in the same turn: the claim must stand in the map before its work can end.
    await Promise.resolve();
    try {
      if (!claim.signal.aborted) await listener.onClaim(claim);
    } catch (error) {
      listener.onFailure(asError(error));
    }
    try {
      const key = groupKey(this.topic, claim.partition, this.group);
      await this.#connection.call('release', [key], [this.#id, claim.fence, wakeChannel(this.topic)]);
    } catch (error) {
      // Whoever cannot release lets the lease end; only a bus that refuses is worth stopping for.
      if (!isUnavailable(error) && !isFenced(error)) listener.onFailure(asError(error));
    }
    this.#held.delete(claim.partition);
    this.#tickWake.wake();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
