import type { Alert } from './alert.ts';

/** A counter has grown within the window; one that was first told within it has too, which `increase` alone doesn't see. */
function grown(counter: string, label: string, window: string): string {
  const all = (offset = '') => `sum by (${label}) (${counter}${offset})`;
  return `sum by (${label}) (increase(${counter}[${window}])) > 0 or (${all()} > 0 unless ${all(` offset ${window}`)})`;
}

const rate = (counter: string, window: string) => `sum(rate(orrery_orchestrator_${counter}[${window}]))`;

/** What keeps runs from going on, or their history from being whole. */
export const orchestratorAlerts: readonly Alert[] = [
  {
    name: 'ShardClosed',
    runbook: 'shard-closed',
    severity: 'page',
    summary: 'Shard {{ $labels.shard }} takes and gives no work: its store was not yet found to have all of the log.',
    expression: 'max by (shard) (orrery_orchestrator_shard_closed) == 1',
    minutes: 2,
  },
  {
    name: 'ShardRepaired',
    runbook: 'shard-repaired',
    severity: 'ticket',
    summary: 'The state Redis had lost its last calls, and an orchestrator applied them again: {{ $labels.outcome }}.',
    expression: grown('orrery_orchestrator_repairs_total', 'outcome', '1h'),
    minutes: 0,
  },
  {
    name: 'LogGaps',
    runbook: 'log-gaps',
    severity: 'ticket',
    summary: 'An entry of the log of runs does not follow on the one before it, seen by the {{ $labels.seen }}.',
    expression: grown('orrery_orchestrator_log_gaps_total', 'seen', '1h'),
    minutes: 0,
  },
  {
    name: 'LogRejects',
    runbook: 'log-rejects',
    severity: 'ticket',
    summary: 'Something came by the topic of run events that could not become history.',
    expression: 'sum(increase(orrery_orchestrator_log_rejects_total[1h])) > 0',
    minutes: 0,
  },
  {
    name: 'OutboxFills',
    runbook: 'outbox-fills',
    severity: 'ticket',
    summary: 'Runs go on, and none of their events reach the bus: new runs are refused when the outbox is full.',
    expression: `(${rate('finishes_total', '5m')} > 0 or ${rate('submissions_total', '5m')} > 0) and ${rate('relayed_events_total', '5m')} == 0`,
    minutes: 5,
  },
  {
    name: 'ResultsStale',
    runbook: 'results-stale',
    severity: 'ticket',
    summary: 'One of a hundred attempts hands its result in after its lease was lost.',
    expression: `${rate('stale_results_total', '15m')} / ${rate('finishes_total', '15m')} > 0.01`,
    minutes: 15,
  },
  {
    name: 'TriggersLate',
    runbook: 'triggers-late',
    severity: 'ticket',
    summary: 'One of a hundred triggers fires more than five seconds after its time.',
    expression: 'histogram_quantile(0.99, sum by (le) (rate(orrery_orchestrator_fire_lag_seconds_bucket[5m]))) > 5',
    minutes: 10,
  },
  {
    name: 'CircuitOpen',
    runbook: 'circuit-open',
    severity: 'ticket',
    summary: 'Steps no longer call {{ $labels.callee }}, because it does not answer.',
    expression: 'max by (callee) (orrery_orchestrator_circuit_state) > 0',
    minutes: 5,
  },
];
