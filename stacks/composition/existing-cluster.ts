import { ExistingCluster } from '#infra/cluster/existing-cluster.ts';
import { clickHouseCluster } from '#infra/planning/data/clickhouse.ts';
import { admissionRules } from '#policies/admission/rules.ts';
import type { KubernetesSettings } from '../settings/kubernetes.ts';
import { partitionsOf, type CompositionOutputs, type CompositionRequest } from './cloud.ts';
import { createClusterData, storageClassOf } from './cluster-data.ts';
import type { KubernetesLayer } from './layers.ts';
import { composeNamespaces } from './namespace.ts';
import { createDatabaseAccounts, createObservability } from './observability.ts';
import { createOperators } from './operators.ts';
import { createClusterPlatform } from './platform.ts';
import { clickHouseDatabase } from './pod-databases.ts';
import { createServices, publicHosts, releasedServices } from './services.ts';
import { createTenants } from './tenants.ts';

/** An environment on a Kubernetes that is there already: the same platform, without AWS and without nodes of its own. */
export function composeOnCluster(request: CompositionRequest<KubernetesSettings>): CompositionOutputs {
  const { environment, release, settings } = request;
  const { context, nodeCidr } = settings.cluster;
  const embeddedClickHouse = settings.clickhouse.kind === 'embedded' ? settings.clickhouse : undefined;
  const embeds = embeddedClickHouse !== undefined;
  const released = releasedServices({ ...request, embeddedClickHouse });
  const { provider } = new ExistingCluster('cluster', { context });
  const kubernetes: KubernetesLayer = { providers: { kubernetes: provider }, ready: [] };
  const tenantGpus = Object.values(settings.tenants).reduce((sum, { gpus }) => sum + gpus, 0);
  const namespaces = composeNamespaces({
    kubernetes,
    gpuQuota: settings.gpuMax - tenantGpus,
    controlPlaneCidr: nodeCidr,
    managedDataCidrs: [],
  });
  const platform = createClusterPlatform({
    settings,
    kubernetes,
    namespaces,
    hosts: publicHosts(released),
    admission: admissionRules,
  });
  const operators = createOperators({ settings, kubernetes, namespaces, systemPool: false, clickHouse: !embeds });
  const accounts = embeds ? undefined : createDatabaseAccounts(namespaces, clickHouseDatabase, kubernetes);
  const data = createClusterData({ settings, release, kubernetes, namespaces, operators, accounts });
  const observability = createObservability({
    environment,
    settings,
    cluster: kubernetes,
    namespaces,
    data,
    ...(accounts === undefined ? {} : { accounts, clickhouseCluster: clickHouseCluster }),
    ...(settings.gpuMax === 0 ? {} : { gpuQuota: settings.gpuMax }),
    ...(platform.gateway === undefined ? {} : { gatewayNamespace: namespaces.systemName }),
  });
  const urls = createServices(released, {
    ...request,
    cluster: { ...kubernetes, ready: platform.ready },
    namespace: namespaces,
    data,
    embeddedClickHouse,
    ...(platform.gateway === undefined ? {} : { gateway: platform.gateway }),
    ...storageClassOf(settings.cluster),
    metrics: { namespaceName: namespaces.observabilityName, url: observability.prometheusUrl },
    partitions: partitionsOf(release),
  });
  createTenants({ settings, kubernetes, sharesPerGpu: 1 });
  return { release: request.releaseDigest, urls };
}
