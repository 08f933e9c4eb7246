import type { Output } from '@pulumi/pulumi';
import type { Release } from '@orrery/contracts/release';
import { topicPartitions } from '#infra/planning/topics.ts';
import { admissionRules } from '#policies/admission/rules.ts';
import type { AwsSettings } from '../settings/settings.ts';
import { createCluster } from './cluster.ts';
import { createCompute } from './compute.ts';
import { clickHouseDatabase } from './databases.ts';
import { createData } from './data.ts';
import { createFoundation } from './foundation.ts';
import type { ClusterLayer } from './layers.ts';
import { createNamespaces } from './namespace.ts';
import { createNetwork } from './network.ts';
import { createDatabaseAccounts, createObservability } from './observability.ts';
import { createOperators } from './operators.ts';
import { createPlatform } from './platform.ts';
import { createServices, releasedServices } from './services.ts';
import { createTenants } from './tenants.ts';

export interface CompositionRequest<Settings> {
  /** For example `dev`. */
  readonly environment: string;
  readonly release: Pick<Release, 'services' | 'live' | 'data'>;
  readonly releaseDigest: string;
  readonly settings: Settings;
}

export interface CompositionOutputs {
  readonly release: string;
  /** Service -> where it is reached from inside. */
  readonly urls: Readonly<Record<string, Output<string>>>;
  readonly clusterName?: Output<string>;
  readonly storeBucket?: Output<string>;
}

/** An environment in a cloud of its own, from the network up: each layer is told what the ones below hand out, and nothing more. */
export function composeCloud(request: CompositionRequest<AwsSettings>): CompositionOutputs {
  const { environment, release, settings } = request;
  const released = releasedServices(request);
  const foundation = createFoundation(environment, settings);
  const network = createNetwork(settings, foundation);
  const base = createCluster(settings, foundation, network);
  const namespaces = createNamespaces(settings, base);
  const compute = createCompute({
    settings,
    foundation,
    network,
    cluster: base,
    namespaces: { system: namespaces.systemName },
  });
  // What does the environment's work waits for nodes to do it on; what runs the platform stands on the system pool already.
  const cluster: ClusterLayer = { ...base, ready: compute.ready };
  const platform = createPlatform({
    settings,
    foundation,
    network,
    cluster: base,
    namespaces,
    admission: admissionRules,
  });
  const operators = createOperators({ settings, kubernetes: base, namespaces, systemPool: true });
  const accounts = createDatabaseAccounts(namespaces, clickHouseDatabase, cluster);
  const data = createData({
    settings,
    release,
    foundation,
    network,
    cluster,
    namespace: namespaces,
    operators,
    accounts,
  });
  const observability = createObservability({
    environment,
    settings,
    foundation,
    network,
    cluster,
    namespaces,
    data,
    accounts,
    clickhouseCluster: 'orrery',
    gpuQuota: compute.quotaGpus,
    watched: {},
  });
  const urls = createServices(released, {
    ...request,
    cluster: { ...cluster, ready: [...cluster.ready, ...platform.ready] },
    namespace: namespaces,
    data,
    ...(platform.gateway === undefined ? {} : { gateway: platform.gateway }),
    metrics: { namespaceName: namespaces.observabilityName, url: observability.prometheusUrl },
    dataCidr: network.cidr,
    partitions: Object.fromEntries(Object.keys(release.data.topics).map((topic) => [topic, topicPartitions])),
  });
  createTenants({ settings, kubernetes: cluster, sharesPerGpu: settings.gpu.sharesPerGpu });
  const { clusterName } = base;
  return { release: request.releaseDigest, clusterName, storeBucket: data.store.bucketName, urls };
}
