import { crc32 } from 'node:zlib';

/** The partition of a key: CRC-32 of its UTF-8 bytes modulo the count, as librdkafka's `consistent` partitioner has it. */
export function partitionOf(key: string, partitions: number): number {
  return crc32(key) % partitions;
}

/** Items of each partition, in their order. */
export function groupByPartition<T extends { readonly key: string }>(
  items: readonly T[],
  partitions: number,
): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const partition = partitionOf(item.key, partitions);
    const group = groups.get(partition);
    if (group === undefined) groups.set(partition, [item]);
    else group.push(item);
  }
  return groups;
}

/** Cuts a list into runs of at most `countMax` items and `bytesMax` bytes; an item larger than that stands alone. */
export function splitBySize<T>(
  items: readonly T[],
  bytesOf: (item: T) => number,
  bounds: { readonly countMax: number; readonly bytesMax: number },
): T[][] {
  const chunks: T[][] = [];
  let chunk: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    if (chunk.length > 0 && (chunk.length >= bounds.countMax || bytes + size > bounds.bytesMax)) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(item);
    bytes += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/**
 * Which partitions `member` shall hold: every member computes the same plan from the same list, so nobody leads. Each
 * partition has exactly one member, and the loads of two members differ by at most one.
 */
export function planPartitions(members: readonly string[], partitions: number, member: string): number[] {
  const sorted = members.toSorted();
  const place = sorted.indexOf(member);
  if (place < 0) return [];
  const mine: number[] = [];
  for (let partition = place; partition < partitions; partition += sorted.length) mine.push(partition);
  return mine;
}
