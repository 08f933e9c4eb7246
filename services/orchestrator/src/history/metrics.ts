import { Counter, Gauge, type Registry } from 'prom-client';

export interface HistoryMetrics {
  readonly relayed: Counter;
  readonly recorded: Counter;
  readonly rejected: Counter;
  readonly logGaps: Counter<'seen'>;
  readonly cut: Counter;
  readonly repairs: Counter<'outcome'>;
  readonly closed: Gauge<'shard'>;
}

export function createHistoryMetrics(registry: Registry): HistoryMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter<L>({ name: `orrery_orchestrator_${name}_total`, help, labelNames, registers });
  return {
    relayed: counter('relayed_events', 'Events handed from the outbox to the bus'),
    recorded: counter('recorded_events', 'Events written to the history'),
    rejected: counter('log_rejects', 'What came by the topic and could not become history'),
    logGaps: counter('log_gaps', 'Entries of the log that did not follow on, by who saw it', ['seen']),
    cut: counter('log_cuts', 'Entries published without the arguments of their call, because they were too large'),
    repairs: counter('repairs', 'Shards whose store had lost its tail, by what became of them', ['outcome']),
    closed: new Gauge({
      name: 'orrery_orchestrator_shard_closed',
      help: '1 while a shard is closed because its store has lost what the log has',
      labelNames: ['shard'],
      registers,
    }),
  };
}
