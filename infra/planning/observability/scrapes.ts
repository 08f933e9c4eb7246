import type { Input } from '@pulumi/pulumi';

/*
 * Who is asked for metrics, as the specs of the Prometheus operator's monitors. A pod says by its labels and by the name of a port that
 * it can be asked; nobody lists addresses. The services' /metrics asks no token, so the network policies decide who reads it.
 */

export interface MonitorSpec {
  readonly selector: Record<string, unknown>;
  readonly namespaceSelector: { readonly matchNames: readonly Input<string>[] };
}

const interval = '30s';
const scrapeTimeout = '10s';

/** The port by whose name a data store, or an exporter beside it, says that it can be asked. */
export const metricsPortName = 'metrics';

/** The label that tells the state Redis from the cache, on pods and in what they export. */
export const redisRoleLabel = 'orrery.dev/redis-role';

/** Every service of ours, through its Service: part of orrery, port `http`. Which release and version it is, its pod's labels say. */
export function planServiceMonitor(namespace: Input<string>): Record<string, unknown> {
  return {
    selector: { matchLabels: { 'app.kubernetes.io/part-of': 'orrery' } },
    namespaceSelector: { matchNames: [namespace] },
    endpoints: [{ port: 'http', path: '/metrics', interval, scrapeTimeout, relabelings: [serviceName] }],
  } satisfies MonitorSpec & Record<string, unknown>;
}

/** Data stores and exporters of ours, by pod: part of orrery, port `metrics`. */
export function planDataMonitor(namespaces: readonly Input<string>[]): Record<string, unknown> {
  return {
    selector: { matchLabels: { 'app.kubernetes.io/part-of': 'orrery' } },
    namespaceSelector: { matchNames: namespaces },
    podMetricsEndpoints: [
      { port: metricsPortName, path: '/metrics', interval, scrapeTimeout, relabelings: [redisRole] },
    ],
  } satisfies MonitorSpec & Record<string, unknown>;
}

/** ClickHouse under the Altinity operator: its pods carry the operator's labels, not ours. */
export function planClickHouseMonitor(namespace: Input<string>): Record<string, unknown> {
  return {
    selector: { matchLabels: { 'clickhouse.altinity.com/app': 'chop' } },
    namespaceSelector: { matchNames: [namespace] },
    podMetricsEndpoints: [{ port: metricsPortName, path: '/metrics', interval, scrapeTimeout }],
  } satisfies MonitorSpec & Record<string, unknown>;
}

/** Strimzi's brokers and its exporter of consumer groups. */
export function planKafkaMonitor(namespace: Input<string>): Record<string, unknown> {
  return {
    selector: { matchExpressions: [{ key: 'strimzi.io/kind', operator: 'In', values: ['Kafka'] }] },
    namespaceSelector: { matchNames: [namespace] },
    podMetricsEndpoints: [{ port: 'tcp-prometheus', path: '/metrics', interval, scrapeTimeout }],
  } satisfies MonitorSpec & Record<string, unknown>;
}

/** Operators of the platform: certificates and their ends, nodes that are asked for. */
export function planOperatorMonitor(namespace: Input<string>): Record<string, unknown> {
  return {
    selector: {
      matchExpressions: [{ key: 'app.kubernetes.io/name', operator: 'In', values: ['cert-manager', 'karpenter'] }],
    },
    namespaceSelector: { matchNames: [namespace] },
    podMetricsEndpoints: [{ port: 'http-metrics', path: '/metrics', interval, scrapeTimeout }],
  } satisfies MonitorSpec & Record<string, unknown>;
}

/** Envoy's proxies, which count the callers' requests by service, answer and time. */
export function planGatewayMonitor(namespace: Input<string>): Record<string, unknown> {
  return {
    selector: { matchLabels: { 'app.kubernetes.io/component': 'proxy', 'app.kubernetes.io/name': 'envoy' } },
    namespaceSelector: { matchNames: [namespace] },
    podMetricsEndpoints: [{ port: 'metrics', path: '/stats/prometheus', interval, scrapeTimeout }],
  } satisfies MonitorSpec & Record<string, unknown>;
}

const serviceName = {
  action: 'replace',
  sourceLabels: ['__meta_kubernetes_service_label_app_kubernetes_io_name'],
  targetLabel: 'service',
};

const redisRole = {
  action: 'replace',
  sourceLabels: ['__meta_kubernetes_pod_label_orrery_dev_redis_role'],
  targetLabel: 'role',
};
