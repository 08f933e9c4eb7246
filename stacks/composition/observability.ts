import type { Input, Output, Resource } from '@pulumi/pulumi';
import { Access } from '#infra/observability/access.ts';
import { Alarms } from '#infra/observability/alarms.ts';
import { Alerts } from '#infra/observability/alerts.ts';
import { Budgets } from '#infra/observability/budgets.ts';
import { ClusterCost } from '#infra/observability/cluster-cost.ts';
import { Dashboards } from '#infra/observability/dashboards.ts';
import { DatabaseAccounts } from '#infra/observability/database-accounts.ts';
import { GpuMetrics } from '#infra/observability/gpu-metrics.ts';
import { LogAgent } from '#infra/observability/log-agent.ts';
import { MetabaseDatabase } from '#infra/observability/metabase-database.ts';
import { Metabase } from '#infra/observability/metabase.ts';
import { Metrics } from '#infra/observability/metrics.ts';
import { Notifications } from '#infra/observability/notifications.ts';
import { RedisExporter } from '#infra/observability/redis-exporter.ts';
import { TraceGateway } from '#infra/observability/trace-gateway.ts';
import type { Watched } from '#infra/planning/observability/alarms.ts';
import type { MetabaseHome } from '#infra/planning/observability/metabase.ts';
import { poolLabel } from '#infra/planning/compute/pools.ts';
import { engineVersions } from '#infra/planning/versions.ts';
import type { ClusterObservabilitySettings, ObservabilitySettings } from '../settings/observability.ts';
import type { ClusterLayer, DataLayer, Foundation, KubernetesLayer, NetworkLayer } from './layers.ts';
import { namespaceNames, type NamespacesLayer } from './namespace.ts';

interface WhereverItStands {
  /** For example `dev`. */
  readonly environment: string;
  readonly namespaces: NamespacesLayer;
  readonly data: DataLayer;
  /**
   * Users of ClickHouse for telemetry and for people, see `createDatabaseAccounts`. Absent where its one user is the platform's: then
   * nobody writes lines and traces into it.
   */
  readonly accounts?: DatabaseAccounts;
  /** Name of the ClickHouse cluster whose replicas all hold a row. Default: a single server. */
  readonly clickhouseCluster?: string;
  /** GPUs that may be used at a time, slices counted: GpuCaps.quotaGpus. Default: no GPUs. */
  readonly gpuQuota?: number;
  /** Where Envoy's pods run, where they are the gateway. Default: not asked. */
  readonly gatewayNamespace?: Input<string>;
}

/** In a cloud of its own. */
export interface CloudObservability extends WhereverItStands {
  readonly settings: ObservabilitySettings;
  readonly foundation: Foundation;
  readonly network: NetworkLayer;
  readonly cluster: ClusterLayer;
  /** What CloudWatch watches beside the cluster itself: gateways, managed data, queues, buckets. */
  readonly watched: Omit<Watched, 'clusterName'>;
}

/** In a cluster that is there already: nothing of AWS. */
export interface ClusterObservability extends WhereverItStands {
  readonly settings: ClusterObservabilitySettings;
  readonly cluster: KubernetesLayer;
}

export type ObservabilityRequest = CloudObservability | ClusterObservability;

export interface ObservabilityLayer {
  /** Where services send traces, OTLP over gRPC and over HTTP; absent where nobody keeps them. */
  readonly traces?: { readonly otlpUrl: Output<string>; readonly otlpHttpUrl: Output<string> };
  /** Where KEDA and people ask. */
  readonly prometheusUrl: Output<string>;
  /** A Service of the observability namespace that a route may lead to. Absent where the settings want none. */
  readonly metabase?: { readonly serviceName: Output<string>; readonly url: Output<string> };
  /** Where people are told; absent outside AWS. */
  readonly topicArn?: Output<string>;
  /** Before monitors of other layers can be made. */
  readonly definitions: Resource;
}

/** Before the data layer, which writes these users into ClickHouse's configuration. */
export function createDatabaseAccounts(
  { namespaceName }: Pick<NamespacesLayer, 'namespaceName'>,
  database: string,
  { providers }: KubernetesLayer,
): DatabaseAccounts {
  return new DatabaseAccounts('database-accounts', { namespace: namespaceName, database }, { providers });
}

/** Everything that measures, writes down and tells: in the cluster wherever it stands, and in AWS where the cluster is AWS'. */
export function createObservability(request: ObservabilityRequest): ObservabilityLayer {
  const cloud = 'foundation' in request ? request : undefined;
  const notifications = cloud === undefined ? undefined : createAws(cloud);
  const metrics = createMetrics(request, notifications);
  const traces = createTelemetry(request);
  const metabase = createMetabase(request);
  return {
    ...(traces === undefined ? {} : { traces }),
    prometheusUrl: metrics.prometheusUrl,
    definitions: metrics.definitions,
    ...(metabase === undefined ? {} : { metabase }),
    ...(notifications === undefined ? {} : { topicArn: notifications.topicArn }),
  };
}

/** Nodes of ours say by a label what they are for; those of others say nothing that could be asked. */
function placed(request: ObservabilityRequest): { readonly nodeSelector?: Record<string, string> } {
  return 'foundation' in request ? { nodeSelector: { [poolLabel]: 'general' } } : {};
}

function createMetrics(request: ObservabilityRequest, notifications: Notifications | undefined): Metrics {
  const { settings, namespaces, cluster, gatewayNamespace, gpuQuota, data } = request;
  const { providers } = cluster;
  const { runbooksUrl, metrics: size } = settings.observability;
  const namespace = namespaces.observabilityName;
  const placement = placed(request);
  new Access(
    'observability-access',
    {
      servicesNamespace: namespaces.namespaceName,
      observabilityNamespace: namespace,
      nodesNamespace: namespaces.nodesName,
    },
    { providers },
  );
  const metrics = new Metrics(
    'metrics',
    {
      ...size,
      ...placement,
      namespace,
      nodesNamespace: namespaces.nodesName,
      servicesNamespace: namespaces.namespaceName,
      systemNamespace: namespaces.systemName,
      ...(gatewayNamespace === undefined ? {} : { gatewayNamespace }),
      ...(notifications !== undefined && 'foundation' in request
        ? { alertTopic: topicOf(request, notifications) }
        : {}),
      after: cluster.ready,
    },
    { providers },
  );
  const after = [metrics];
  const monthlyUsd = 'budget' in settings ? { monthlyUsd: settings.budget.monthlyUsd } : {};
  const gpus = gpuQuota === undefined ? {} : { gpuQuota };
  const watched = { namespace: namespaceNames.services, ...monthlyUsd };
  new Alerts(
    'alerts',
    { ...watched, runbooksUrl, rulesNamespace: namespace, after: [metrics.definitions] },
    { providers },
  );
  new Dashboards(
    'dashboards',
    { ...watched, ...gpus, kafka: data.kafka !== undefined, grafanaNamespace: namespace },
    { providers },
  );
  if (gpuQuota !== undefined) {
    const nodeSelector = { [poolLabel]: 'gpu' };
    new GpuMetrics('gpu-metrics', { namespace: namespaces.nodesName, nodeSelector, after }, { providers });
  }
  const prices = 'prices' in settings.observability ? { prices: settings.observability.prices } : {};
  const clusterId = `orrery-${request.environment}`;
  new ClusterCost('cluster-cost', { namespace, clusterId, ...placement, ...prices, after }, { providers });
  return metrics;
}

function topicOf({ foundation, cluster }: CloudObservability, { topicArn, keyArn }: Notifications) {
  return { arn: topicArn, keyArn, region: foundation.region, clusterName: cluster.clusterName };
}

/** Logs and traces into ClickHouse, and the figures of both Redis. */
function createTelemetry(request: ObservabilityRequest): TraceGateway | undefined {
  const { settings, namespaces, cluster, data, accounts, clickhouseCluster } = request;
  const { providers } = cluster;
  const { logDays, traceDays, traceSamplePercent } = settings.observability;
  const namespace = namespaces.observabilityName;
  const placement = placed(request);
  for (const role of ['state', 'cache'] as const) {
    const password = namespaces.token.value;
    new RedisExporter(
      `redis-exporter-${role}`,
      { namespace, role, url: data.redis[role].url, password, ...placement },
      { providers },
    );
  }
  if (accounts === undefined) return undefined;
  const store = {
    url: data.clickhouse.url,
    username: accounts.telemetry.username,
    password: accounts.telemetry.password,
    ...(clickhouseCluster === undefined ? {} : { cluster: clickhouseCluster }),
  };
  const after = data.ready;
  new LogAgent('log-agent', { namespace: namespaces.nodesName, store, days: logDays, after }, { providers });
  return new TraceGateway(
    'trace-gateway',
    { namespace, store, days: traceDays, samplePercent: traceSamplePercent, after, ...placement },
    { providers },
  );
}

function createMetabase(request: ObservabilityRequest): Metabase | undefined {
  const home = metabaseHome(request);
  if (home === undefined) return undefined;
  const { namespaces, cluster } = request;
  return new Metabase(
    'metabase',
    { namespace: namespaces.observabilityName, home, after: cluster.ready, ...placed(request) },
    { providers: cluster.providers },
  );
}

function metabaseHome(request: ObservabilityRequest): MetabaseHome | undefined {
  const { metabase } = request.settings.observability;
  if (metabase.kind === 'none') return undefined;
  if (metabase.kind === 'volume') return metabase;
  if (!('foundation' in request)) return undefined;
  const { foundation, network, cluster } = request;
  const { kind, ...size } = metabase;
  const { host, database, username, password } = new MetabaseDatabase(
    'metabase-database',
    {
      ...size,
      vpcId: network.vpcId,
      subnetIds: network.privateSubnetIds,
      clientSecurityGroupId: cluster.securityGroupId,
      engine: engineVersions.postgres,
      keyArn: foundation.keyArn,
    },
    { providers: foundation.providers },
  );
  return { kind, host, database, username, password };
}

/** What only AWS sees, and whom it tells. */
function createAws({ settings, foundation, cluster, watched }: CloudObservability): Notifications {
  const { providers, accountId } = foundation;
  const { alertEmails, runbooksUrl } = settings.observability;
  const notifications = new Notifications('notifications', { accountId, emails: alertEmails }, { providers });
  const { topicArn } = notifications;
  new Budgets('budgets', { ...settings.budget, topicArn }, { providers });
  const all = { ...watched, clusterName: cluster.clusterName };
  new Alarms('alarms', { watched: all, topicArn, runbooksUrl }, { providers });
  return notifications;
}
