import { line, number, table, type Dashboard } from './dashboards.ts';

export interface DashboardsRequest {
  /** Physical name of the namespace of the services and their data. */
  readonly namespace: string;
  /** GPUs that may be used at a time, slices counted: GpuCaps.quotaGpus. Default: no GPUs, no dashboard of them. */
  readonly gpuQuota?: number;
  /** Dollars that a month may cost. Default: the cost stands there without a line to hold it against. */
  readonly monthlyUsd?: number;
  readonly kafka: boolean;
}

/** Every dashboard of an environment. */
export function planDashboards(request: DashboardsRequest): readonly Dashboard[] {
  return [
    overview(request),
    queues,
    workflows,
    ...(request.gpuQuota === undefined ? [] : [gpus(request.namespace, request.gpuQuota)]),
    cost(request),
    clickhouse,
    redis,
    ...(request.kafka ? [kafka] : []),
  ];
}

const p99 = (histogram: string, label: string) =>
  `histogram_quantile(0.99, sum by (${label}, le) (rate(${histogram}_bucket[5m])))`;

function overview({ namespace }: DashboardsRequest): Dashboard {
  const labels = 'label_app_kubernetes_io_name, label_app_kubernetes_io_version, label_orrery_dev_release';
  const answers = (match: string) => `sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_rq_xx{${match}}[5m]))`;
  return {
    uid: 'orrery-overview',
    title: 'Orrery: overview',
    panels: [
      table(
        'Release and version of each service',
        `count by (${labels}) (kube_deployment_labels{namespace="${namespace}"})`,
      ),
      line('Instances available', 'short', [
        `kube_deployment_status_replicas_available{namespace="${namespace}"}`,
        '{{deployment}}',
      ]),
      line('Restarts in an hour', 'short', [
        `sum by (container) (increase(kube_pod_container_status_restarts_total{namespace="${namespace}"}[1h]))`,
        '{{container}}',
      ]),
      line('Requests through the gateway', 'reqps', [answers(''), '{{envoy_cluster_name}}']),
      line('Share answered by 5xx', 'percentunit', [
        `${answers('envoy_response_code_class="5"')} / ${answers('')}`,
        '{{envoy_cluster_name}}',
      ]),
      line('Time of 99 of 100 requests', 'ms', [
        p99('envoy_cluster_upstream_rq_time', 'envoy_cluster_name'),
        '{{envoy_cluster_name}}',
      ]),
      line('Time of 99 of 100 requests for vectors', 's', [
        p99('orrery_features_vector_request_seconds', 'feature_set'),
        '{{feature_set}}',
      ]),
      line('Event loop: 99 of 100 delays', 's', ['nodejs_eventloop_lag_p99_seconds', '{{service}} {{pod}}']),
      line('Memory', 'bytes', ['process_resident_memory_bytes{service!=""}', '{{service}} {{pod}}']),
    ],
  };
}

const queues: Dashboard = {
  uid: 'orrery-queues',
  title: 'Orrery: queues and capacity',
  panels: [
    line('Runs asked for, a second', 'short', [
      'sum by (outcome) (rate(orrery_orchestrator_submissions_total[5m]))',
      '{{outcome}}',
    ]),
    line('Attempts in progress', 'short', ['sum by (kind) (orrery_orchestrator_steps_held)', '{{kind}}']),
    line('Attempts ended, a second', 'short', [
      'sum by (kind, outcome) (rate(orrery_orchestrator_finishes_total[5m]))',
      '{{kind}} {{outcome}}',
    ]),
    line('Time of 99 of 100 attempts', 's', [p99('orrery_orchestrator_step_seconds', 'kind'), '{{kind}}']),
    line(
      'Leases that ran out, results that came too late',
      'short',
      ['sum(rate(orrery_orchestrator_lapses_total[5m]))', 'ran out'],
      ['sum(rate(orrery_orchestrator_stale_results_total[5m]))', 'too late'],
    ),
    line(
      'Events handed to the bus and to the history, a second',
      'short',
      ['sum(rate(orrery_orchestrator_relayed_events_total[5m]))', 'bus'],
      ['sum(rate(orrery_orchestrator_recorded_events_total[5m]))', 'history'],
    ),
    line('Rows taken in, a second', 'short', [
      'sum by (pipeline, outcome) (rate(orrery_ingest_rows_total[5m]))',
      '{{pipeline}} {{outcome}}',
    ]),
    line('Time of 99 of 100 inserts', 's', [p99('orrery_ingest_insert_seconds', 'table'), '{{table}}']),
    line('Days of features computed, an hour', 'short', [
      'sum by (feature_set) (increase(orrery_features_days_computed_total[1h]))',
      '{{feature_set}}',
    ]),
  ],
};

const workflows: Dashboard = {
  uid: 'orrery-workflows',
  title: 'Orrery: workflows and their log',
  panels: [
    line('Triggers, an hour', 'short', [
      'sum by (outcome) (increase(orrery_orchestrator_fired_total[1h]))',
      '{{outcome}}',
    ]),
    line('How late triggers fire', 's', [fireLag(0.5), 'half'], [fireLag(0.99), '99 of 100']),
    line('Circuits: 0 closed, 1 probing, 2 open', 'short', [
      'max by (callee) (orrery_orchestrator_circuit_state)',
      '{{callee}}',
    ]),
    line('Timers, a second', 'short', ['sum(rate(orrery_orchestrator_timers_total[5m]))', 'retries, waits, timeouts']),
    line('Shards that are closed', 'short', ['max by (shard) (orrery_orchestrator_shard_closed)', '{{shard}}']),
    line(
      'Log of runs: gaps, repairs, entries without arguments, rejects',
      'short',
      ['sum by (seen) (orrery_orchestrator_log_gaps_total)', 'gap seen by the {{seen}}'],
      ['sum by (outcome) (orrery_orchestrator_repairs_total)', '{{outcome}}'],
      ['sum(orrery_orchestrator_log_cuts_total)', 'without arguments'],
      ['sum(orrery_orchestrator_log_rejects_total)', 'rejected'],
    ),
  ],
};

function fireLag(share: number): string {
  return `histogram_quantile(${share}, sum by (le) (rate(orrery_orchestrator_fire_lag_seconds_bucket[5m])))`;
}

function gpus(namespace: string, gpuQuota: number): Dashboard {
  const quota = (type: string) =>
    `sum(kube_resourcequota{namespace="${namespace}", type="${type}", resource="requests.nvidia.com/gpu"})`;
  return {
    uid: 'orrery-gpus',
    title: 'Orrery: GPUs',
    panels: [
      line(`Asked for, against the cap of ${gpuQuota}`, 'short', [quota('used'), 'asked for'], [quota('hard'), 'cap']),
      line('Use', 'percentunit', ['DCGM_FI_DEV_GPU_UTIL / 100', '{{hostname}} {{gpu}}']),
      line('Memory in use', 'bytes', ['DCGM_FI_DEV_FB_USED * 1024 * 1024', '{{hostname}} {{gpu}}']),
      line('Temperature', 'short', ['DCGM_FI_DEV_GPU_TEMP', '{{hostname}} {{gpu}}']),
      line('Faults that the driver tells (XID)', 'short', ['DCGM_FI_DEV_XID_ERRORS', '{{hostname}} {{gpu}}']),
      line('Nodes with GPUs', 'short', ['count(kube_node_status_capacity{resource="nvidia_com_gpu"} > 0)', 'nodes']),
    ],
  };
}

function cost({ monthlyUsd }: DashboardsRequest): Dashboard {
  const monthly = 'sum(avg_over_time(node_total_hourly_cost[6h])) * 730';
  return {
    uid: 'orrery-cost',
    title: 'Orrery: cost of the cluster',
    panels: [
      number('Nodes, a month at this pace', 'currencyUSD', monthly),
      line(
        'Nodes, a month',
        'currencyUSD',
        [monthly, 'at this pace'],
        ...(monthlyUsd === undefined ? [] : [[`vector(${monthlyUsd})`, 'budget'] as [string, string]]),
      ),
      line('Nodes, an hour', 'currencyUSD', ['sum by (instance_type) (node_total_hourly_cost)', '{{instance_type}}']),
      line('Volumes, an hour', 'currencyUSD', ['sum(pv_hourly_cost)', 'volumes']),
      line('Load balancers, an hour', 'currencyUSD', ['sum(kubecost_load_balancer_cost)', 'load balancers']),
      line('Cores asked for and not used', 'short', [
        'sum by (namespace) (kube_pod_container_resource_requests{resource="cpu"}) - sum by (namespace) (rate(container_cpu_usage_seconds_total{container!=""}[30m]))',
        '{{namespace}}',
      ]),
    ],
  };
}

const clickhouse: Dashboard = {
  uid: 'orrery-clickhouse',
  title: 'Orrery: ClickHouse',
  panels: [
    line('Queries, a second', 'short', ['rate(ClickHouseProfileEvents_Query[5m])', '{{pod}}']),
    line('Rows inserted, a second', 'short', ['rate(ClickHouseProfileEvents_InsertedRows[5m])', '{{pod}}']),
    line('Queries that failed, a second', 'short', ['rate(ClickHouseProfileEvents_FailedQuery[5m])', '{{pod}}']),
    line('Memory', 'bytes', ['ClickHouseMetrics_MemoryTracking', '{{pod}}']),
    line('Parts of the fullest partition', 'short', ['ClickHouseAsyncMetrics_MaxPartCountForPartition', '{{pod}}']),
    line('Seconds that a replica is behind', 's', ['ClickHouseAsyncMetrics_ReplicasMaxAbsoluteDelay', '{{pod}}']),
    line('Disk that is free', 'percentunit', [
      'ClickHouseAsyncMetrics_DiskAvailable_default / ClickHouseAsyncMetrics_DiskTotal_default',
      '{{pod}}',
    ]),
    line('Tables that take no writes', 'short', ['ClickHouseMetrics_ReadonlyReplica', '{{pod}}']),
    line('Merges in progress', 'short', ['ClickHouseMetrics_Merge', '{{pod}}']),
  ],
};

const redis: Dashboard = {
  uid: 'orrery-redis',
  title: 'Orrery: Redis',
  panels: [
    line('Memory in use', 'percentunit', [
      'redis_memory_used_bytes / (redis_memory_max_bytes > 0)',
      '{{role}} {{pod}}',
    ]),
    line('Keys thrown away, a second', 'short', ['rate(redis_evicted_keys_total[5m])', '{{role}} {{pod}}']),
    line('Commands, a second', 'short', ['rate(redis_commands_processed_total[5m])', '{{role}} {{pod}}']),
    line('Clients', 'short', ['redis_connected_clients', '{{role}} {{pod}}']),
    line('Found in the cache', 'percentunit', [
      'rate(redis_keyspace_hits_total{role="cache"}[5m]) / (rate(redis_keyspace_hits_total{role="cache"}[5m]) + rate(redis_keyspace_misses_total{role="cache"}[5m]))',
      '{{pod}}',
    ]),
    line('Keys', 'short', ['sum by (role, db) (redis_db_keys)', '{{role}} {{db}}']),
  ],
};

const kafka: Dashboard = {
  uid: 'orrery-kafka',
  title: 'Orrery: Kafka',
  panels: [
    line('Messages that a group is behind', 'short', [
      'sum by (consumergroup, topic) (kafka_consumergroup_lag)',
      '{{consumergroup}} {{topic}}',
    ]),
    line('Messages in, a second', 'short', [
      'sum by (topic) (rate(kafka_topic_partition_current_offset[5m]))',
      '{{topic}}',
    ]),
    line('Partitions with too few copies', 'short', [
      'kafka_server_replicamanager_underreplicatedpartitions',
      '{{pod}}',
    ]),
  ],
};
