import type { Alert } from './alert.ts';

/** Hours of a month on average: what OpenCost tells is per hour. */
const hoursOfMonth = 730;

/** What stands under the services. */
export function clusterAlerts(namespace: string): Alert[] {
  const gpus = (type: string) => `kube_resourcequota{type="${type}", resource="requests.nvidia.com/gpu"}`;
  const volume = (name: string) => `kubelet_volume_stats_${name}_bytes`;
  return [
    {
      name: 'GpuCapNear',
      runbook: 'gpu-cap-near',
      severity: 'ticket',
      summary: 'Four fifths of the GPUs that {{ $labels.namespace }} may use are in use: soon work waits.',
      expression: `${gpus('used')} / ignoring(type) (${gpus('hard')} > 0) >= 0.8`,
      minutes: 15,
    },
    {
      name: 'NodeNotReady',
      runbook: 'node-not-ready',
      severity: 'ticket',
      summary: 'Node {{ $labels.node }} is not ready.',
      expression: 'kube_node_status_condition{condition="Ready", status="true"} == 0',
      minutes: 10,
    },
    {
      name: 'PodCrashLoops',
      runbook: 'pod-crash-loops',
      severity: 'ticket',
      summary: '{{ $labels.namespace }}/{{ $labels.pod }} starts and dies, again and again.',
      expression: 'max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[5m]) >= 1',
      minutes: 10,
    },
    {
      name: 'VolumeFills',
      runbook: 'volume-fills',
      severity: 'ticket',
      summary:
        'Volume {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} is full within four days, or nearly so now.',
      expression: `${volume('available')} / ${volume('capacity')} < 0.1 or (${volume('available')} / ${volume('capacity')} < 0.3 and predict_linear(${volume('available')}[6h], 4 * 86400) < 0)`,
      minutes: 30,
    },
    {
      name: 'CertificateExpires',
      runbook: 'certificate-expires',
      severity: 'ticket',
      summary: 'Certificate {{ $labels.namespace }}/{{ $labels.name }} ends within two weeks and was not renewed.',
      expression: 'certmanager_certificate_expiration_timestamp_seconds - time() < 14 * 86400',
      minutes: 60,
    },
    {
      name: 'BackupMissing',
      runbook: 'backup-missing',
      severity: 'ticket',
      summary: 'Backup {{ $labels.cronjob }} did not succeed for a day and a half, or never.',
      expression: [
        `time() - kube_cronjob_status_last_successful_time{namespace="${namespace}", cronjob=~".*backup.*"} > 36 * 3600`,
        `(time() - kube_cronjob_created{namespace="${namespace}", cronjob=~".*backup.*"} > 36 * 3600 unless on (namespace, cronjob) kube_cronjob_status_last_successful_time)`,
      ].join(' or '),
      minutes: 60,
    },
    {
      name: 'LogsLost',
      runbook: 'logs-lost',
      severity: 'ticket',
      summary: 'The collector {{ $labels.pod }} gives up on lines that ClickHouse does not take.',
      expression: ['send', 'enqueue']
        .map((stage) => `rate({__name__=~"otelcol_exporter_${stage}_failed_log_records(_total)?"}[10m]) > 0`)
        .join(' or '),
      minutes: 15,
    },
  ];
}

/** By OpenCost; what AWS really charges, its own budget watches. */
export function costAlerts(monthlyUsd: number): Alert[] {
  return [
    {
      name: 'NodesCostAboveBudget',
      runbook: 'nodes-cost-above-budget',
      severity: 'ticket',
      summary: `At this pace the nodes alone cost more than the ${monthlyUsd} dollars of a month.`,
      expression: `sum(avg_over_time(node_total_hourly_cost[6h])) * ${hoursOfMonth} > ${monthlyUsd}`,
      minutes: 60,
    },
  ];
}
