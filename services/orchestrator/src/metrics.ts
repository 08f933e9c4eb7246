import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface OrchestratorMetrics {
  readonly submissions: Counter<'outcome'>;
  readonly claims: Counter<'kind'>;
  readonly finishes: Counter<'kind' | 'outcome'>;
  readonly stale: Counter;
  readonly lapses: Counter;
  readonly timers: Counter;
  readonly held: Gauge<'kind'>;
  readonly stepSeconds: Histogram<'kind' | 'outcome'>;
  /** 0 closed, 1 half-open, 2 open. */
  readonly circuits: Gauge<'callee'>;
  readonly outbox: Gauge<'shard'>;
  readonly workers: Gauge<'pool'>;
  readonly workersHeld: Gauge<'pool'>;
  readonly fired: Counter<'outcome'>;
  readonly fireLag: Histogram;
}

export function createMetrics(registry: Registry): OrchestratorMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Counter<L>({ name: `orrery_orchestrator_${name}_total`, help, labelNames, registers });
  return {
    submissions: counter('submissions', 'Runs asked for, by what became of them', ['outcome']),
    claims: counter('claims', 'Attempts that this process took', ['kind']),
    finishes: counter('finishes', 'Attempts that this process ended, by outcome', ['kind', 'outcome']),
    stale: counter('stale_results', 'Results that came after their lease was lost, and were refused'),
    lapses: counter('lapses', 'Leases that ran out and were taken back'),
    timers: counter('timers', 'Timers that fired: sleeps, retries, timeouts'),
    held: new Gauge({
      name: 'orrery_orchestrator_steps_held',
      help: 'Attempts in progress in this process',
      labelNames: ['kind'],
      registers,
    }),
    stepSeconds: new Histogram({
      name: 'orrery_orchestrator_step_seconds',
      help: 'Time of an attempt, from the claim to its end',
      labelNames: ['kind', 'outcome'],
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000],
      registers,
    }),
    circuits: new Gauge({
      name: 'orrery_orchestrator_circuit_state',
      help: 'Whether those that steps call are called: 0 yes, 1 a probe is under way, 2 not until the next probe',
      labelNames: ['callee'],
      registers,
    }),
    outbox: new Gauge({
      name: 'orrery_orchestrator_outbox_entries',
      help: 'Entries of the log that the bus does not have; at its bound no runs are taken in',
      labelNames: ['shard'],
      registers,
    }),
    workers: new Gauge({
      name: 'orrery_orchestrator_workers',
      help: 'Workers that are connected to this process',
      labelNames: ['pool'],
      registers,
    }),
    workersHeld: new Gauge({
      name: 'orrery_orchestrator_workers_steps_held',
      help: 'Attempts that the workers connected to this process have in hand',
      labelNames: ['pool'],
      registers,
    }),
    fired: counter('fired', 'Logical times and happenings that triggers decided, by what became of them', ['outcome']),
    fireLag: new Histogram({
      name: 'orrery_orchestrator_fire_lag_seconds',
      help: 'How long after its time a trigger fired',
      buckets: [0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 5, 10, 60],
      registers,
    }),
  };
}
