import { createHash } from 'node:crypto';
import { LogEntryInvalid, readEntry, type LogEntry } from '@orrery/contracts/run-event';
import type { BusEvent } from '@orrery/kit/bus/types';
import type { Log } from '@orrery/kit/log';
import type { HistoryDatabase } from './database.ts';
import type { HistoryMetrics } from './metrics.ts';

/** An entry that becomes history. */
export interface TakenEntry {
  readonly shard: string;
  readonly entry: LogEntry;
  /** SHA-256 of what it says: a call that was applied again says the same, in a text whose keys may have another order. */
  readonly digest: string;
}

/** What came and can't become history. */
export interface Reject {
  readonly event: BusEvent;
  readonly reason: string;
}

export interface Intake {
  readonly taken: readonly TakenEntry[];
  readonly rejects: readonly Reject[];
}

interface LogEnd {
  readonly n: number;
  readonly digest: string;
}

/**
 * Reads entries, drops what came before, and notices what is missing of a shard. An entry that a relay published twice is dropped by its
 * place and digest; one with another text at the same place means that the store lost its tail and went on: it is kept aside, loudly.
 */
export class LogIntake {
  readonly #deps: { database: Pick<HistoryDatabase, 'select'>; log: Log; metrics: HistoryMetrics };
  readonly #ends = new Map<string, LogEnd>();

  constructor(deps: { database: Pick<HistoryDatabase, 'select'>; log: Log; metrics: HistoryMetrics }) {
    this.#deps = deps;
  }

  async take(events: readonly BusEvent[]): Promise<Intake> {
    const rejects: Reject[] = [];
    const byShard = new Map<string, { event: BusEvent; read: TakenEntry }[]>();
    for (const event of events) {
      const read = readEvent(event);
      if (typeof read === 'string') {
        rejects.push({ event, reason: read });
        continue;
      }
      const group = byShard.get(read.shard) ?? [];
      group.push({ event, read });
      byShard.set(read.shard, group);
    }
    const taken: TakenEntry[] = [];
    for (const [shard, entries] of byShard) {
      const known = await this.#known(
        shard,
        entries.map(({ read }) => read.entry.n),
      );
      for (const { event, read } of entries) {
        const reason = this.#judge(known, read);
        if (reason === 'new') taken.push(read);
        else if (reason !== 'twice') rejects.push({ event, reason });
      }
    }
    for (const { event, reason } of rejects) {
      this.#deps.metrics.rejected.inc();
      this.#deps.log.error(
        { shard: event.key, position: event.position, reason },
        'no history: kept in run_log_rejects',
      );
    }
    return { taken, rejects };
  }

  /** To be called when the entries are written: only then may the next ones rest on them without asking. */
  remember(taken: readonly TakenEntry[]): void {
    for (const { shard, entry, digest } of taken) {
      if (entry.n > (this.#ends.get(shard)?.n ?? 0)) this.#ends.set(shard, { n: entry.n, digest });
    }
  }

  /** Digests of the entries among `numbers`, and of the one before them, that are recorded. */
  async #known(shard: string, numbers: readonly number[]): Promise<Map<number, string>> {
    const first = Math.min(...numbers);
    const end = this.#ends.get(shard);
    if (end?.n === first - 1) return new Map([[end.n, end.digest]]);
    const asked = { shard, numbers: [...new Set([first - 1, ...numbers])] };
    const rows = await this.#deps.database.select<'n' | 'digest'>(
      'select_log_digests',
      asked,
      `reading what is recorded of the log of ${shard}`,
    );
    return new Map(rows.map(({ n, digest }) => [Number(n), String(digest)]));
  }

  /** `new`, `twice`, or why it is refused. Whatever is new is known from then on. */
  #judge(known: Map<number, string>, { shard, entry, digest }: TakenEntry): string {
    const before = known.get(entry.n);
    if (before === digest) return 'twice';
    if (before !== undefined) {
      return `the log of ${shard} has forked: entry ${entry.n} is recorded with digest ${before}, this one has ${digest}`;
    }
    if (entry.n > 1 && !known.has(entry.n - 1)) {
      this.#deps.metrics.logGaps.inc({ seen: 'history' });
      this.#deps.log.error({ shard, n: entry.n }, 'the log has a gap before this entry: events are missing');
    }
    known.set(entry.n, digest);
    return 'new';
  }
}

/** The entry, or what is wrong with it. */
function readEvent(event: BusEvent): TakenEntry | string {
  if (!/^s\d{2}$/.test(event.key)) return `the key ${JSON.stringify(event.key.slice(0, 64))} is no shard`;
  try {
    const entry = readEntry(event.value.toString('utf8'));
    return { shard: event.key, entry, digest: digestOfEntry(entry) };
  } catch (error) {
    if (error instanceof LogEntryInvalid) return error.message;
    throw error;
  }
}

/** Without the arguments of the call, which a relay may have cut. */
function digestOfEntry({ n, at, release, call, by, events }: LogEntry): string {
  const said = JSON.stringify([n, at, release, call[0], by ?? null, events]);
  return createHash('sha256').update(said).digest('hex');
}
