/**
 * The keys of the bus in Redis, and the only place that builds them. The braces are hash tags: all keys of one partition live
 * in one slot, so that one function may change them together.
 */
export interface PartitionKeys {
  /** Stream: the events. */
  readonly events: string;
  /** Hash: position of the last event, number of events ever added. */
  readonly tail: string;
  /** Hash: group -> position it goes on at. */
  readonly groups: string;
}

export function partitionKeys(topic: string, partition: number): PartitionKeys {
  const prefix = `bus:{${topic}:${partition}}`;
  return { events: `${prefix}:events`, tail: `${prefix}:tail`, groups: `${prefix}:groups` };
}

/** Hash: owner, fence, deadline, position and intent of a group at a partition. */
export function groupKey(topic: string, partition: number, group: string): string {
  return `bus:{${topic}:${partition}}:group:${group}`;
}

/** String: the last sequence that a producer has sent to a partition. */
export function producerKey(topic: string, partition: number, producer: string): string {
  return `bus:{${topic}:${partition}}:producer:${producer}`;
}

/** Hash: what `ensureTopic` was told. */
export function topicKey(topic: string): string {
  return `bus:{${topic}}:topic`;
}

/** Sorted set: the members of a group, each until a deadline. */
export function membersKey(topic: string, group: string): string {
  return `bus:{${topic}}:members:${group}`;
}

/** Channel on which readers and consumers of a topic are woken. */
export function wakeChannel(topic: string): string {
  return `bus:{${topic}}:wake`;
}
