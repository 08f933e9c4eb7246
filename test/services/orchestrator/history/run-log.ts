import type { RunEventTuple } from '@orrery/contracts/run-event';
import type { BusEvent, EventRange } from '@orrery/kit/bus/types';
import { silentLog, type Log } from '@orrery/kit/log';
import { Registry } from 'prom-client';
import { createHistoryMetrics, type HistoryMetrics } from '#services/orchestrator/src/history/metrics.ts';

export const definition = `sha256:${'d'.repeat(64)}`;
export const release = `sha256:${'e'.repeat(64)}`;
/** 2026-03-01T00:00:00Z */
export const startMs = 1_772_323_200_000;

export interface EntryParts {
  readonly n: number;
  readonly atMs?: number;
  readonly call?: readonly string[];
  readonly by?: readonly [string, string];
  readonly events?: readonly RunEventTuple[];
  /** run -> tenant; the others are of `main`. */
  readonly tenants?: Readonly<Record<string, string>>;
}

/** An entry as the core writes it, of runs of the workflow `daily` that `anna` asked for. */
export function entryText({
  n,
  atMs = startMs + n,
  call = ['exchange', 'default'],
  by,
  events = [],
  tenants = {},
}: EntryParts): string {
  const runs = Object.fromEntries(events.map(([run]) => [run, [tenants[run] ?? 'main', 'daily', definition, 'anna']]));
  return JSON.stringify({ n, at: `${atMs}000`, release, ...(by === undefined ? {} : { by }), call, runs, events });
}

/** A transition of the run itself. */
export function runMoves(
  run: string,
  sequence: number,
  states: readonly [string, string],
  more: { reason?: string; actor?: string } = {},
): RunEventTuple {
  return [run, sequence, '', '', 0, '0', states[0], states[1], more.reason ?? '', more.actor ?? 'anna'];
}

/** A transition of a step. */
export function stepMoves(
  run: string,
  sequence: number,
  step: readonly [ref: string, name: string, from: string, to: string],
  more: { attempt?: number; reason?: string; actor?: string; pool?: string } = {},
): RunEventTuple {
  const [ref, name, from, to] = step;
  const { attempt = 1, reason = '', actor = 'anna', pool = '' } = more;
  return [run, sequence, ref, name, attempt, '1772323200000001', from, to, reason, actor, pool];
}

export function busEvent(position: number, value: string, key = 's00'): BusEvent {
  const headers = { tenant: '*', actor: 'orchestrator', type: 'log.exchange', id: `${key}/${position}` };
  return { position, key, value: Buffer.from(value), headers, timestampMs: startMs };
}

export function rangeOf(events: readonly BusEvent[]): EventRange {
  const [from, to] = [events[0]?.position ?? 0, events.at(-1)?.position ?? 0];
  const place = { topic: 'orrery.run-events', partition: 0, from, to, count: events.length };
  return { ...place, token: `orrery.run-events:0:${from}-${to}` };
}

export function makeMetrics(): { metrics: HistoryMetrics; counted: (name: string) => Promise<Record<string, number>> } {
  const registry = new Registry();
  return {
    metrics: createHistoryMetrics(registry),
    /** By the values of its labels; `''` without labels. */
    async counted(name) {
      const metric = await registry.getSingleMetric(`orrery_orchestrator_${name}`)?.get();
      return Object.fromEntries(
        (metric?.values ?? []).map(({ labels, value }) => [Object.values(labels).join(), value]),
      );
    },
  };
}

export const quiet: Log = silentLog();
