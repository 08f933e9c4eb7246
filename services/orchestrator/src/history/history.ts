import type { LogEntry } from '@orrery/contracts/run-event';
import type { BusEvent, EventRange } from '@orrery/kit/bus/types';
import type { ClickHouse } from '@orrery/kit/clickhouse';
import type { Log } from '@orrery/kit/log';
import { loadStatements } from '../statements.ts';
import { HistoryDatabase } from './database.ts';
import { LogIntake, type Reject, type TakenEntry } from './log-intake.ts';
import type { HistoryMetrics } from './metrics.ts';
import { cellsOf, eventColumns, rowsOf, type RowContent } from './rows.ts';
import { RunChain } from './run-chain.ts';

export interface RecordedEvent {
  readonly sequence: number;
  /** Number of the step, `12.5` for an item of a map, empty for the run itself. */
  readonly ref: string;
  readonly step: string;
  readonly attempt: number;
  readonly fence: number;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly actor: string;
  readonly pool: string;
  readonly release: string;
  readonly atMs: number;
}

/** The history of runs: every transition a row, chained a run; every call of the core a row. */
export interface History {
  /** Where to ask for more: `verifyRun`, `explainRun` and `pastDurations` take it. */
  readonly database: HistoryDatabase;
  /** Writes a range; twice it changes nothing. */
  record(range: EventRange, events: readonly BusEvent[]): Promise<void>;
  /** What is recorded of a run, in order; it may lag behind the run by seconds. */
  events(tenant: string, run: string, limit: number): Promise<RecordedEvent[]>;
}

const logColumns = [
  ...['log_shard', 'log_n', 'verb', 'events', 'tenant', 'actor', 'arguments', 'release', 'at', 'digest'],
];
const rejectColumns = ['topic', 'partition', 'position', 'log_shard', 'reason', 'value', 'at'];
/** The body of an insert stays under 8 MiB: its token holds for no more. */
const blockBytesMax = 6 * 1024 * 1024;
const fixedBytes = 450;
/** Of one character, at most, as JSON: `\u0000`. */
const characterBytes = 6;
const argumentsMax = 4096;
const rejectsBlockMax = 32;
const rejectBytesMax = 32 * 1024;

export async function openHistory(
  clickhouse: ClickHouse,
  deps: { readonly log: Log; readonly metrics: HistoryMetrics },
): Promise<History> {
  const database = new HistoryDatabase(clickhouse, await loadStatements());
  const intake = new LogIntake({ database, ...deps });
  const chain = new RunChain(database);
  return {
    database,
    record: (range, events) => record(range, events, { database, intake, chain, metrics: deps.metrics }),
    async events(tenant, run, limit) {
      const asked = { tenant, run, limit };
      const rows = await database.select<keyof RecordedEvent>(
        'select_run_events',
        asked,
        `reading the history of ${run}`,
      );
      return rows.map(recordedOf);
    },
  };
}

/**
 * The entries come last: what they name is written then. A range that comes again after a death in between meets none of its entries
 * and writes the same blocks under the same tokens; one that comes again after its end meets all of them and writes nothing.
 */
async function record(
  range: EventRange,
  events: readonly BusEvent[],
  parts: { database: HistoryDatabase; intake: LogIntake; chain: RunChain; metrics: HistoryMetrics },
): Promise<void> {
  const { database, intake, chain, metrics } = parts;
  const { taken, rejects } = await intake.take(events);
  const rows = await chain.link(taken.flatMap(({ entry, shard }) => rowsOf(entry, shard)));
  for (const [index, block] of blocksOf(rows).entries()) {
    const token = `${range.token}#${index}`;
    await database.insert('run_events', { columns: eventColumns, rows: block.map(cellsOf), token });
  }
  for (let first = 0; first < rejects.length; first += rejectsBlockMax) {
    const kept = rejects.slice(first, first + rejectsBlockMax).map((reject) => rejectCells(range, reject));
    await database.insert('run_log_rejects', { columns: rejectColumns, rows: kept, token: `${range.token}#${first}` });
  }
  await database.insert('run_log', { columns: logColumns, rows: taken.map(entryCells), token: range.token });
  chain.remember(rows);
  intake.remember(taken);
  metrics.recorded.inc(rows.length);
}

/** Cut by the rows alone, so that a range is always cut alike. */
function blocksOf<T extends RowContent>(rows: readonly T[]): T[][] {
  const blocks: T[][] = [];
  let block: T[] = [];
  let bytes = 0;
  for (const row of rows) {
    const texts = row.reason.length + row.actor.length + row.step.length + row.pool.length;
    const size = fixedBytes + characterBytes * texts;
    if (block.length > 0 && bytes + size > blockBytesMax) {
      blocks.push(block);
      [block, bytes] = [[], 0];
    }
    block.push(row);
    bytes += size;
  }
  return block.length === 0 ? blocks : [...blocks, block];
}

function entryCells({ shard, entry, digest }: TakenEntry): (string | number)[] {
  const [tenant = '', actor = ''] = entry.by ?? [];
  const [verb = '', ...rest] = entry.call;
  const at = (entry.atMs / 1000).toFixed(3);
  return [
    shard,
    entry.n,
    verb,
    entry.events.length,
    tenant,
    actor,
    argumentsOf(entry, rest),
    entry.release,
    at,
    digest,
  ];
}

/** What people asked of the core is kept; what workers handed in is theirs, and long. */
function argumentsOf(entry: LogEntry, rest: readonly string[]): string {
  return entry.call[0] === 'control' ? JSON.stringify(rest).toWellFormed().slice(0, argumentsMax) : '';
}

function rejectCells(range: EventRange, { event, reason }: Reject): (string | number)[] {
  const value = event.value.subarray(0, rejectBytesMax).toString('utf8');
  const at = (event.timestampMs / 1000).toFixed(3);
  const shard = event.key.slice(0, 64);
  return [range.topic, range.partition, event.position, shard, reason.toWellFormed(), value, at];
}

/** Wide integers may come as text. */
function recordedOf(row: Record<keyof RecordedEvent, string | number>): RecordedEvent {
  return {
    sequence: Number(row.sequence),
    ref: String(row.ref),
    step: String(row.step),
    attempt: Number(row.attempt),
    fence: Number(row.fence),
    from: String(row.from),
    to: String(row.to),
    reason: String(row.reason),
    actor: String(row.actor),
    pool: String(row.pool),
    release: String(row.release),
    atMs: Number(row.atMs),
  };
}
