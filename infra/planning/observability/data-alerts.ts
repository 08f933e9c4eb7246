import type { Alert } from './alert.ts';

/** The role of a Redis, `state` or `cache`, is a label that its exporter carries. */
export const redisAlerts: readonly Alert[] = [
  {
    name: 'RedisDown',
    runbook: 'redis-down',
    severity: 'page',
    summary: 'The {{ $labels.role }} Redis does not answer.',
    expression: 'redis_up == 0',
    minutes: 2,
  },
  {
    name: 'QueueRefuses',
    runbook: 'queue-refuses',
    severity: 'page',
    summary: 'The state Redis uses 80 % of its memory: queues refuse new work, so that the rest can still write.',
    expression: 'redis_memory_used_bytes{role="state"} / (redis_memory_max_bytes{role="state"} > 0) > 0.8',
    minutes: 5,
  },
  {
    name: 'StateEvicted',
    runbook: 'state-evicted',
    severity: 'page',
    summary: 'The state Redis throws keys away: runs and sessions are lost.',
    expression: 'increase(redis_evicted_keys_total{role="state"}[10m]) > 0',
    minutes: 0,
  },
];

/** By ClickHouse's own Prometheus endpoint. */
export const clickhouseAlerts: readonly Alert[] = [
  {
    name: 'ClickHouseReplicaLags',
    runbook: 'clickhouse-replica-lags',
    severity: 'ticket',
    summary: 'A replica of {{ $labels.pod }} is more than five minutes behind.',
    expression: 'ClickHouseAsyncMetrics_ReplicasMaxAbsoluteDelay > 300',
    minutes: 10,
  },
  {
    name: 'ClickHouseReadOnly',
    runbook: 'clickhouse-read-only',
    severity: 'page',
    summary: '{{ $labels.pod }} has tables that take no writes: it has lost its Keeper.',
    expression: 'ClickHouseMetrics_ReadonlyReplica > 0',
    minutes: 5,
  },
  {
    name: 'ClickHouseDiskFills',
    runbook: 'clickhouse-disk-fills',
    severity: 'ticket',
    summary: 'Less than a fifth of the disk of {{ $labels.pod }} is free.',
    expression: 'ClickHouseAsyncMetrics_DiskAvailable_default / ClickHouseAsyncMetrics_DiskTotal_default < 0.2',
    minutes: 15,
  },
];

/** By the exporters that Strimzi puts beside its brokers; MSK tells CloudWatch. */
export const kafkaAlerts: readonly Alert[] = [
  {
    name: 'KafkaUnderReplicated',
    runbook: 'kafka-under-replicated',
    severity: 'page',
    summary: 'Partitions led by {{ $labels.pod }} have fewer copies than they should.',
    expression: 'kafka_server_replicamanager_underreplicatedpartitions > 0',
    minutes: 10,
  },
  {
    name: 'KafkaLagGrows',
    runbook: 'kafka-lag-grows',
    severity: 'ticket',
    summary: 'Group {{ $labels.consumergroup }} falls behind on {{ $labels.topic }}.',
    expression:
      'sum by (consumergroup, topic) (kafka_consumergroup_lag) > 10000 and sum by (consumergroup, topic) (deriv(kafka_consumergroup_lag[15m])) > 0',
    minutes: 15,
  },
];
