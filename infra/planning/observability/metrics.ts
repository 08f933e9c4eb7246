import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';
import { restrictedContainer, restrictedPod } from '../pod-security.ts';

/*
 * The values of the chart kube-prometheus-stack. Its own rules and dashboards stay off: every alert here has a runbook of ours, and
 * nothing is drawn that nobody looks at.
 */

export interface MetricsSize {
  /** Days that samples are kept. 1 to 400. */
  readonly retentionDays: number;
  /** Prometheus' volume. It grows, never shrinks. At least 5. */
  readonly volumeGiB: number;
  /** Memory of Prometheus, requested and limited alike. About 3 KiB a series in use: 2048 for half a million. At least 512. */
  readonly memoryMiB: number;
}

export interface MetricsPlan extends MetricsSize {
  /** Namespace of what touches nodes. */
  readonly nodesNamespace: Input<string>;
  /** Labels of the nodes that it runs on. Default: any node. */
  readonly nodeSelector?: Readonly<Record<string, string>>;
  /** Class of the volumes. Default: the cluster's default. */
  readonly storageClass?: Input<string>;
  /** Secret whose keys `admin-user` and `admin-password` open Grafana. */
  readonly grafanaSecretName: Input<string>;
  /** Where alerts are sent. Default: nowhere; they stand in Alertmanager and Grafana. */
  readonly alertTopic?: { readonly arn: Input<string>; readonly region: string };
}

/** Names that others refer to: Services, accounts and labels of the chart under the release's fixed full name. */
export const metricsNames = {
  prometheus: 'metrics-prometheus',
  prometheusPort: 9090,
  alertmanagerAccount: 'alertmanager',
  /** ConfigMaps with this label become dashboards. */
  dashboardLabel: 'grafana_dashboard',
} as const;

/** Deployments keep these labels as labels of `kube_deployment_labels`: which release and version runs, by service. */
const versionLabels = ['app.kubernetes.io/name', 'app.kubernetes.io/version', 'orrery.dev/release'];
/** A share of the volume that Prometheus may fill: a full one can't compact, and stops. */
const volumeShare = 0.85;
const grafanaUser = 472;
const prometheusUser = 1000;

/** All values; refuses what `checkMetricsSize` refuses. */
export function planMetrics(plan: MetricsPlan): Record<string, unknown> {
  checkMetricsSize(plan);
  const placement = placed(plan);
  return {
    fullnameOverride: 'metrics',
    crds: { enabled: false },
    defaultRules: { create: false },
    // Managed control planes show neither their scheduler nor etcd; the API server's own metrics are scraped.
    kubeControllerManager: { enabled: false },
    kubeScheduler: { enabled: false },
    kubeEtcd: { enabled: false },
    kubeProxy: { enabled: false },
    // The names of the cluster are kept in a namespace that is not ours to open.
    coreDns: { enabled: false },
    prometheus: { prometheusSpec: prometheusSpec(plan) },
    alertmanager: alertmanager(plan),
    grafana: grafana(plan),
    prometheusOperator: {
      // Rules are tested before they are deployed; a webhook would be one more thing that can block a deployment.
      admissionWebhooks: { enabled: false },
      tls: { enabled: false },
      ...placement,
      resources: bounded('50m', 128),
    },
    'kube-state-metrics': {
      ...placement,
      metricLabelsAllowlist: [`deployments=[${versionLabels.join(',')}]`],
      resources: bounded('20m', 256),
    },
    'prometheus-node-exporter': {
      namespaceOverride: plan.nodesNamespace,
      tolerations: [{ operator: 'Exists' }],
      resources: bounded('20m', 64),
    },
  };
}

function prometheusSpec(plan: MetricsPlan): Record<string, unknown> {
  const { retentionDays, volumeGiB, memoryMiB, storageClass } = plan;
  // Every monitor and rule of the cluster is read, not only those that carry the release's label.
  const selectors = ['serviceMonitor', 'podMonitor', 'rule', 'probe', 'scrapeConfig'];
  return {
    ...Object.fromEntries(selectors.map((kind) => [`${kind}SelectorNilUsesHelmValues`, false])),
    retention: `${retentionDays}d`,
    retentionSize: `${Math.floor(volumeGiB * 1024 * volumeShare)}MiB`,
    scrapeInterval: '30s',
    ...placed(plan),
    resources: bounded('250m', memoryMiB),
    securityContext: restrictedPod(prometheusUser),
    storageSpec: volume(volumeGiB, storageClass),
    // What a user of one namespace declares must not read another's secrets or files.
    arbitraryFSAccessThroughSMs: { deny: true },
    sampleLimit: 50_000,
  };
}

function alertmanager(plan: MetricsPlan): Record<string, unknown> {
  return {
    serviceAccount: { create: true, name: metricsNames.alertmanagerAccount },
    config: alertRoutes(plan.alertTopic),
    alertmanagerSpec: {
      ...placed(plan),
      resources: bounded('10m', 128),
      securityContext: restrictedPod(prometheusUser),
      storage: volume(1, plan.storageClass),
    },
  };
}

/** A page is told at once and again every hour, a ticket once a day. */
function alertRoutes(topic: MetricsPlan['alertTopic']): Record<string, unknown> {
  const told = topic === undefined ? 'nobody' : 'topic';
  const receiver =
    topic === undefined
      ? []
      : [
          {
            name: 'topic',
            sns_configs: [
              {
                topic_arn: topic.arn,
                sigv4: { region: topic.region },
                send_resolved: true,
                subject: '[{{ .Status }}] {{ .CommonLabels.severity }}: {{ .CommonLabels.alertname }}',
                message: '{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.runbook_url }}\n\n{{ end }}',
              },
            ],
          },
        ];
  return {
    route: {
      receiver: told,
      group_by: ['alertname', 'namespace'],
      group_wait: '30s',
      group_interval: '5m',
      repeat_interval: '24h',
      routes: [{ receiver: told, matchers: ['severity="page"'], group_wait: '10s', repeat_interval: '1h' }],
    },
    receivers: [{ name: 'nobody' }, ...receiver],
    inhibit_rules: [
      {
        source_matchers: ['alertname="ServiceDown"'],
        target_matchers: ['severity="ticket"'],
        equal: ['namespace', 'deployment'],
      },
    ],
  };
}

/** Everything that it shows is code, so it needs no volume: a new pod has the same dashboards. */
function grafana(plan: MetricsPlan): Record<string, unknown> {
  return {
    fullnameOverride: 'grafana',
    defaultDashboardsEnabled: false,
    admin: { existingSecret: plan.grafanaSecretName, userKey: 'admin-user', passwordKey: 'admin-password' },
    initChownData: { enabled: false },
    persistence: { enabled: false },
    securityContext: restrictedPod(grafanaUser),
    containerSecurityContext: restrictedContainer(),
    ...placed(plan),
    resources: bounded('50m', 256),
    sidecar: {
      dashboards: { enabled: true, label: metricsNames.dashboardLabel, labelValue: '1' },
      datasources: { enabled: true, alertmanager: { enabled: true } },
      securityContext: restrictedContainer(),
      resources: bounded('10m', 128),
    },
    extraEmptyDirMounts: [{ name: 'temporary', mountPath: '/tmp' }],
    testFramework: { enabled: false },
    'grafana.ini': {
      analytics: { reporting_enabled: false, check_for_updates: false, check_for_plugin_updates: false },
      users: { allow_sign_up: false },
      'auth.anonymous': { enabled: false },
      security: { disable_gravatar: true, cookie_secure: true, strict_transport_security: true },
    },
  };
}

function placed({ nodeSelector }: MetricsPlan): Record<string, unknown> {
  return nodeSelector === undefined ? {} : { nodeSelector };
}

/** No limit on cores: what watches must not be throttled when there is much to see. */
function bounded(cpu: string, memoryMiB: number): Record<string, unknown> {
  const memory = `${memoryMiB}Mi`;
  return { requests: { cpu, memory }, limits: { memory } };
}

function volume(gib: number, storageClass: Input<string> | undefined): Record<string, unknown> {
  return {
    volumeClaimTemplate: {
      spec: {
        accessModes: ['ReadWriteOnce'],
        ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
        resources: { requests: { storage: `${gib}Gi` } },
      },
    },
  };
}

/** Refuses sizes by which Prometheus would fill its volume or die of memory. */
export function checkMetricsSize({ retentionDays, volumeGiB, memoryMiB }: MetricsSize): void {
  const isWhole = [retentionDays, volumeGiB, memoryMiB].every(Number.isInteger);
  if (isWhole && retentionDays >= 1 && retentionDays <= 400 && volumeGiB >= 5 && memoryMiB >= 512) return;
  throw new PlanError({
    code: 'METRICS_SIZE_INVALID',
    message: `Prometheus would keep ${retentionDays} days on ${volumeGiB} GiB with ${memoryMiB} MiB of memory`,
    hint: 'give whole numbers: 1 to 400 days, at least 5 GiB and 512 MiB',
  });
}
