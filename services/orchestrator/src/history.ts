import { readFile } from 'node:fs/promises';
import type { RunEvent } from '@orrery/contracts/run-event';
import type { BusEvent, EventRange } from '@orrery/kit/bus/types';
import { clickHouseError, type ClickHouse } from '@orrery/kit/clickhouse';

const folder = new URL('../sql/', import.meta.url);

/** Where migrations lie. */
export const sqlFolder = folder;

export interface RecordedEvent {
  readonly sequence: number;
  readonly step: string;
  readonly attempt: number;
  readonly fence: number;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  readonly actor: string;
  readonly release: string;
  readonly atMs: number;
}

/** The history of runs: every transition a row. */
export interface History {
  /** Writes a range; twice under the same token it changes nothing. */
  record(range: EventRange, events: readonly BusEvent[]): Promise<void>;
  /** What is recorded of a run, in order; it may lag behind the run by seconds. */
  events(tenant: string, run: string, limit: number): Promise<RecordedEvent[]>;
}

export async function openHistory(clickhouse: ClickHouse): Promise<History> {
  const select = await readFile(new URL('select_run_events.sql', folder), 'utf8');
  return {
    async record(range, events) {
      await clickhouse
        .insert({
          table: 'run_events',
          values: events.map((event) => rowOf(JSON.parse(event.value.toString('utf8')) as RunEvent)),
          format: 'JSONEachRow',
          clickhouse_settings: { insert_deduplication_token: range.token },
        })
        .catch((error: unknown) => {
          throw clickHouseError(error, `recording ${range.token}`);
        });
    },
    async events(tenant, run, limit) {
      try {
        const answer = await clickhouse.query({
          query: select,
          query_params: { tenant, run, limit },
          format: 'JSONEachRow',
        });
        const rows = await answer.json<Record<keyof RecordedEvent, string | number>>();
        return rows.map(recordedOf);
      } catch (error) {
        throw clickHouseError(error, `reading the history of ${run}`);
      }
    },
  };
}

function rowOf(event: RunEvent): Record<string, string | number> {
  return {
    tenant: event.tenant,
    run: event.run,
    sequence: event.sequence,
    workflow: event.workflow,
    definition: event.definition,
    actor: event.actor,
    step: event.step,
    attempt: event.attempt,
    fence: event.fence,
    from_state: event.from,
    to_state: event.to,
    reason: event.reason,
    release: event.release,
    at: (event.atMs / 1000).toFixed(3),
  };
}

/** Wide integers may come as text. */
function recordedOf(row: Record<keyof RecordedEvent, string | number>): RecordedEvent {
  return {
    sequence: Number(row.sequence),
    step: String(row.step),
    attempt: Number(row.attempt),
    fence: Number(row.fence),
    from: String(row.from),
    to: String(row.to),
    reason: String(row.reason),
    actor: String(row.actor),
    release: String(row.release),
    atMs: Number(row.atMs),
  };
}
