import type { Alert } from './alert.ts';
import { orchestratorAlerts } from './orchestrator-alerts.ts';

/** Burnt in an hour and in five minutes at 14.4 times the pace at which a month's 0.1 % would last: 2 % of it is gone. */
const errorShareMax = 0.0144;

function gatewayErrorShare(window: string): string {
  const answers = (match: string) =>
    `sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_xx{${match}}[${window}]))`;
  return `${answers('envoy_response_code_class="5"')} / ${answers('')}`;
}

/** What users of the platform notice. */
export function serviceAlerts(namespace: string): Alert[] {
  return [...requestAlerts(namespace), ...workAlerts(), ...orchestratorAlerts];
}

/** Whoever asks is answered. */
function requestAlerts(namespace: string): Alert[] {
  return [
    {
      name: 'ServiceDown',
      runbook: 'service-down',
      severity: 'page',
      summary: 'No instance of {{ $labels.deployment }} is available.',
      expression: `kube_deployment_status_replicas_available{namespace="${namespace}"} == 0 and kube_deployment_spec_replicas{namespace="${namespace}"} > 0`,
      minutes: 2,
    },
    {
      name: 'ErrorBudgetBurns',
      runbook: 'error-budget-burns',
      severity: 'page',
      summary:
        'Callers of {{ $labels.envoy_cluster_name }} are answered by 5xx so often that a month of errors is spent in two days.',
      expression: `(${gatewayErrorShare('1h')}) > ${errorShareMax} and (${gatewayErrorShare('5m')}) > ${errorShareMax}`,
      minutes: 2,
    },
    {
      name: 'RequestsSlow',
      runbook: 'requests-slow',
      severity: 'ticket',
      summary: 'One of a hundred requests to {{ $labels.envoy_cluster_name }} takes longer than a second.',
      expression:
        'histogram_quantile(0.99, sum by (envoy_cluster_name, le) (rate(envoy_cluster_upstream_rq_time_bucket[5m]))) > 1000',
      minutes: 15,
    },
    {
      name: 'FeatureVectorsSlow',
      runbook: 'feature-vectors-slow',
      severity: 'ticket',
      summary: 'One of a hundred requests for vectors of {{ $labels.feature_set }} takes longer than half a second.',
      expression:
        'histogram_quantile(0.99, sum by (feature_set, le) (rate(orrery_features_vector_request_seconds_bucket[5m]))) > 0.5',
      minutes: 15,
    },
  ];
}

/** What was taken in is done. */
function workAlerts(): Alert[] {
  const steps = (match: string) => `sum(rate(orrery_orchestrator_finishes_total{${match}}[15m]))`;
  return [
    {
      name: 'StepsFail',
      runbook: 'steps-fail',
      severity: 'ticket',
      summary: 'More than a tenth of all attempts of steps failed in the last quarter of an hour.',
      expression: `${steps('outcome="failed"')} / ${steps('')} > 0.1`,
      minutes: 15,
    },
    {
      name: 'LeasesLapse',
      runbook: 'leases-lapse',
      severity: 'ticket',
      summary: 'Leases of steps run out before their worker ends or renews them.',
      expression: 'increase(orrery_orchestrator_lapses_total[15m]) > 5',
      minutes: 5,
    },
    {
      name: 'RunsRefused',
      runbook: 'runs-refused',
      severity: 'page',
      summary: 'The orchestrator refuses new runs: {{ $labels.outcome }}.',
      expression:
        'sum by (outcome) (increase(orrery_orchestrator_submissions_total{outcome=~"queue-full|outbox-full"}[5m])) > 0',
      minutes: 5,
    },
    {
      name: 'IngestFails',
      runbook: 'ingest-fails',
      severity: 'ticket',
      summary: 'Runs of pipeline {{ $labels.pipeline }} fail.',
      expression: 'sum by (pipeline) (increase(orrery_ingest_runs_total{outcome="failed"}[1h])) > 0',
      minutes: 5,
    },
  ];
}
