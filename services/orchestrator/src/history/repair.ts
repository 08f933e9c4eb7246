import type { BusConfig } from '@orrery/kit/bus/open';
import type { Clock } from '@orrery/kit/clock';
import { messageOf } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import type { ShardState } from '../core/transitions.ts';
import type { LogTail } from './log-tail.ts';
import type { HistoryMetrics } from './metrics.ts';

/** The log of the shards, as a repair needs it. */
export interface ShardLog {
  look(shard: string): Promise<ShardState>;
  /** From here on the shard takes no work in and gives none out, until `open`. */
  close(shard: string): Promise<void>;
  /**
   * Applies an entry again, by the clock that it carries. `known`: the store has this entry. `differs`: it did something else than the
   * entry says, or does not follow on what the store has: work must not go on from there.
   */
  replay(shard: string, entry: string): Promise<'applied' | 'known' | 'differs'>;
  /** For this process of the store alone: each other one is closed from its start, before it could take anything in. */
  open(shard: string, process: string): Promise<void>;
}

export interface RepairDeps {
  readonly shards: readonly string[];
  readonly tail: Pick<LogTail, 'last' | 'after' | 'isWhole'>;
  readonly shardLog: ShardLog;
  readonly metrics: HistoryMetrics;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  /** So long a relay may still publish what it took from a store that is gone. Default 500 ms. */
  readonly settleMs?: number;
}

const settleDefaultMs = 500;

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
 * Brings back what a store has lost and the bus still has. A store that was started again is closed until it was compared with the bus;
 * where it is behind, the missing entries are applied in order before it is opened. Where that can't be done it stays closed, loudly:
 * work accepted on top of it would contradict the history.
 */
export class Repairs {
  readonly #deps: RepairDeps;
  readonly #checked = new Set<string>();
  /** Shards that can't be repaired, with the entry at which they stand. */
  readonly #stuck = new Map<string, number>();
  /** Shards that are to be compared, with the time since when that is known. */
  readonly #doubted = new Map<string, number>();

  constructor(deps: RepairDeps) {
    this.#deps = deps;
  }

  /** Compares every shard whose tail this process reads. */
  async round(): Promise<boolean> {
    for (const shard of this.#deps.shards) {
      // Nothing goes on before the look that comes first after the store does: no growing wait stands before that one.
      await this.check(shard).catch((error: unknown) => {
        this.#deps.log.warn({ shard, reason: messageOf(error) }, 'the shard can not be compared with the bus');
      });
    }
    return false;
  }

  /** `unknown` while another process reads the tail of the shard, or its end is not reached; `closed` also until it is compared. */
  async check(shard: string): Promise<'whole' | 'repaired' | 'closed' | 'unknown'> {
    const { tail, shardLog } = this.#deps;
    // In this order: an entry is in the store before it is on the bus.
    const last = tail.last(shard);
    if (last === undefined) {
      this.#checked.delete(shard);
      return 'unknown';
    }
    const state = await shardLog.look(shard);
    if (state.isOpen && state.n >= last) {
      if (!this.#checked.has(shard)) await this.#open(shard, state);
      return 'whole';
    }
    if (this.#stuck.get(shard) === state.n) return 'closed';
    return this.#compare(shard, state);
  }

  /** Not before all was read that a relay may have published from the store as it was. */
  async #compare(shard: string, state: ShardState): Promise<'whole' | 'repaired' | 'closed'> {
    const { tail, shardLog, log, metrics, clock, settleMs = settleDefaultMs } = this.#deps;
    const since = this.#doubted.get(shard);
    if (since === undefined) {
      if (state.isOpen) await shardLog.close(shard);
      else log.warn({ shard, store: state.n }, 'the store was started again: the shard is closed until it is compared');
      this.#doubted.set(shard, clock.now());
      this.#checked.delete(shard);
      metrics.closed.set({ shard }, 1);
      return 'closed';
    }
    if (clock.now() - since < settleMs || !(await tail.isWhole(shard))) return 'closed';
    const last = tail.last(shard) ?? Infinity;
    if (state.n < last) return this.#repair(shard, state, last);
    await this.#open(shard, state);
    log.info({ shard, store: state.n }, 'the store lacks nothing of the log: the shard is open');
    return 'whole';
  }

  async #repair(shard: string, state: ShardState, last: number): Promise<'repaired' | 'closed'> {
    const { tail, shardLog, log, metrics } = this.#deps;
    log.error({ shard, store: state.n, bus: last }, 'the store has lost the tail of the log: it is brought back');
    let place = state.n;
    for (const entry of tail.after(shard, state.n)) {
      if (entry.n !== place + 1) return this.#giveUp(shard, place, 'incomplete');
      if (isCut(entry.text)) return this.#giveUp(shard, place, 'incomplete');
      const outcome = await shardLog.replay(shard, entry.text);
      if (outcome === 'differs') return this.#giveUp(shard, place, 'differs');
      place = entry.n;
    }
    if (place < last || (await shardLog.look(shard)).n < last) return this.#giveUp(shard, place, 'incomplete');
    await this.#open(shard, state);
    metrics.repairs.inc({ outcome: 'repaired' });
    log.warn({ shard, from: state.n + 1, to: last }, 'the store has the log again: the shard is open');
    return 'repaired';
  }

  /** For the process that was looked at: had it died since, the next one would be closed. */
  async #open(shard: string, { process }: ShardState): Promise<void> {
    await this.#deps.shardLog.open(shard, process);
    this.#deps.metrics.closed.set({ shard }, 0);
    this.#stuck.delete(shard);
    this.#doubted.delete(shard);
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
