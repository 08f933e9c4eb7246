import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface IngestMetrics {
  readonly rows: Counter<'pipeline' | 'outcome'>;
  readonly insertSeconds: Histogram<'table'>;
  readonly retries: Counter<'pipeline'>;
  readonly runs: Counter<'pipeline' | 'outcome'>;
  readonly running: Gauge<'pipeline'>;
}

export function createMetrics(registry: Registry): IngestMetrics {
  const registers = [registry];
  return {
    rows: new Counter({
      name: 'orrery_ingest_rows_total',
      help: 'Rows that were written, by what became of them (accepted, rejected)',
      labelNames: ['pipeline', 'outcome'],
      registers,
    }),
    insertSeconds: new Histogram({
      name: 'orrery_ingest_insert_seconds',
      help: 'Time of one insert, tries included',
      labelNames: ['table'],
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers,
    }),
    retries: new Counter({
      name: 'orrery_ingest_retries_total',
      help: 'Calls to ClickHouse that failed and were tried again',
      labelNames: ['pipeline'],
      registers,
    }),
    runs: new Counter({
      name: 'orrery_ingest_runs_total',
      help: 'Runs that ended, by outcome (written, reused, failed)',
      labelNames: ['pipeline', 'outcome'],
      registers,
    }),
    running: new Gauge({
      name: 'orrery_ingest_running',
      help: 'Runs in progress',
      labelNames: ['pipeline'],
      registers,
    }),
  };
}
