import type { BusConfig } from '@orrery/kit/bus/open';
import type { Log } from '@orrery/kit/log';
import type { LogTail } from './log-tail.ts';
import type { HistoryMetrics } from './metrics.ts';

/** The log of the shards, as a repair needs it. */
export interface ShardLog {
  /** `n` of the last entry that the store has made; 0 before the first. */
  sequence(shard: string): Promise<number>;
  /** From here on the shard takes no work in and gives none out, until `open`. */
  close(shard: string): Promise<void>;
  /**
   * Applies an entry again, by the clock that it carries. `known`: the store has this entry. `differs`: it did something else than the
   * entry says, or does not follow on what the store has: work must not go on from there.
   */
  replay(shard: string, entry: string): Promise<'applied' | 'known' | 'differs'>;
  open(shard: string): Promise<void>;
}

export interface RepairDeps {
  readonly shards: readonly string[];
  readonly tail: Pick<LogTail, 'last' | 'after'>;
  readonly shardLog: ShardLog;
  readonly metrics: HistoryMetrics;
  readonly log: Log;
}

/** A bus inside the store loses its tail together with it: then there is nothing to repair from. Said once, at the start. */
export function repairsFrom(bus: Pick<BusConfig, 'driver'>, log: Log): boolean {
  if (bus.driver !== 'redis') return true;
  log.warn(
    { bus: bus.driver },
    'the bus lies in the same Redis as the runs: what that Redis loses when its machine dies can not be brought back (use appendfsync always, or Kafka)',
  );
  return false;
}

/**
 * Brings back what a store has lost and the bus still has. A shard that is behind the bus is closed, the missing entries are applied in
 * order, and it is opened again. Where that can't be done it stays closed, loudly: work accepted on top of it would contradict the history.
 */
export class Repairs {
  readonly #deps: RepairDeps;
  readonly #checked = new Set<string>();
  /** Shards that can't be repaired, with the entry at which they stand. */
  readonly #stuck = new Map<string, number>();

  constructor(deps: RepairDeps) {
    this.#deps = deps;
  }

  /** Compares every shard whose tail this process reads. */
  async round(): Promise<boolean> {
    for (const shard of this.#deps.shards) await this.check(shard);
    return false;
  }

  /** `unknown` while another process reads the tail of the shard, or its end is not reached. */
  async check(shard: string): Promise<'whole' | 'repaired' | 'closed' | 'unknown'> {
    const { tail, shardLog } = this.#deps;
    // In this order: an entry is in the store before it is on the bus.
    const last = tail.last(shard);
    if (last === undefined) {
      this.#checked.delete(shard);
      return 'unknown';
    }
    const sequence = await shardLog.sequence(shard);
    if (sequence >= last) {
      // Whoever closed it may have died before opening it.
      if (!this.#checked.has(shard)) await this.#open(shard);
      return 'whole';
    }
    if (this.#stuck.get(shard) === sequence) return 'closed';
    return this.#repair(shard, sequence, last);
  }

  async #repair(shard: string, sequence: number, last: number): Promise<'repaired' | 'closed'> {
    const { tail, shardLog, log, metrics } = this.#deps;
    log.error(
      { shard, store: sequence, bus: last },
      'the store has lost the tail of the log: the shard is closed and repaired',
    );
    this.#checked.delete(shard);
    await shardLog.close(shard);
    metrics.closed.set({ shard }, 1);
    let place = sequence;
    for (const entry of tail.after(shard, sequence)) {
      if (entry.n !== place + 1) return this.#giveUp(shard, place, 'incomplete');
      if (isCut(entry.text)) return this.#giveUp(shard, place, 'incomplete');
      const outcome = await shardLog.replay(shard, entry.text);
      if (outcome === 'differs') return this.#giveUp(shard, place, 'differs');
      place = entry.n;
    }
    if (place < last || (await shardLog.sequence(shard)) < last) return this.#giveUp(shard, place, 'incomplete');
    await this.#open(shard);
    metrics.repairs.inc({ outcome: 'repaired' });
    log.warn({ shard, from: sequence + 1, to: last }, 'the store has the log again: the shard is open');
    return 'repaired';
  }

  async #open(shard: string): Promise<void> {
    await this.#deps.shardLog.open(shard);
    this.#deps.metrics.closed.set({ shard }, 0);
    this.#stuck.delete(shard);
    this.#checked.add(shard);
  }

  #giveUp(shard: string, place: number, outcome: 'incomplete' | 'differs'): 'closed' {
    this.#stuck.set(shard, place);
    this.#deps.metrics.repairs.inc({ outcome });
    const why =
      outcome === 'differs'
        ? 'an entry applied again did something else than the history says'
        : 'the bus no longer has the next entry with its call';
    this.#deps.log.error({ shard, n: place + 1, outcome }, `the shard stays closed: ${why}`);
    return 'closed';
  }
}

function isCut(entry: string): boolean {
  const value: unknown = JSON.parse(entry);
  return typeof value === 'object' && value !== null && 'cut' in value;
}
