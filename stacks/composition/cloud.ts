import type { Output } from '@pulumi/pulumi';
import type { Release } from '@orrery/contracts/release';
import { clickHouseCluster } from '#infra/planning/data/clickhouse.ts';
import { topicPartitions } from '#infra/planning/data/topics.ts';
import { admissionRules } from '#policies/admission/rules.ts';
import type { AwsSettings } from '../settings/settings.ts';
import { createCluster } from './cluster.ts';
import { createCompute, type ComputeLayer } from './compute.ts';
import { createData, type CloudDataLayer } from './data.ts';
import { createFoundation } from './foundation.ts';
import type { ClusterLayer, NetworkLayer } from './layers.ts';
import { createNamespaces } from './namespace.ts';
import { createNetwork } from './network.ts';
import { createDatabaseAccounts, createObservability, type CloudObservability } from './observability.ts';
import { createOperators } from './operators.ts';
import { createPlatform, type PlatformLayer } from './platform.ts';
import { clickHouseDatabase } from './pod-databases.ts';
import { createServices, publicHosts, releasedServices } from './services.ts';
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
  const below = { settings, foundation, network };
  const base = createCluster(settings, foundation, network);
  const namespaces = createNamespaces(settings, base);
  const compute = createCompute({ ...below, cluster: base, namespaces: { system: namespaces.systemName } });
  // What does the environment's work waits for nodes to do it on; what runs the platform stands on the system pool already.
  const cluster: ClusterLayer = { ...base, ready: compute.ready };
  const platform = createPlatform({
    ...below,
    cluster: base,
    namespaces,
    hosts: publicHosts(released),
    admission: admissionRules,
  });
  const operators = createOperators({ settings, kubernetes: base, namespaces, systemPool: true });
  const accounts = createDatabaseAccounts(namespaces, clickHouseDatabase, cluster);
  const data = createData({ ...below, release, cluster, namespace: namespaces, operators, accounts });
  const observability = createObservability({
    ...below,
    environment,
    cluster,
    namespaces,
    data,
    accounts,
    clickhouseCluster: clickHouseCluster,
    gpuQuota: compute.quotaGpus,
    watched: watchedOf({ network, compute, platform, data }),
  });
  const urls = createServices(released, {
    ...request,
    cluster: { ...cluster, ready: [...cluster.ready, ...platform.ready] },
    namespace: namespaces,
    data,
    ...(platform.gateway === undefined ? {} : { gateway: platform.gateway }),
    metrics: { namespaceName: namespaces.observabilityName, url: observability.prometheusUrl },
    dataCidr: network.cidr,
    storageClassName: data.storageClassName,
    partitions: partitionsOf(release),
  });
  createTenants({ settings, kubernetes: cluster, sharesPerGpu: settings.gpu.sharesPerGpu });
  return {
    release: request.releaseDigest,
    clusterName: base.clusterName,
    storeBucket: data.store.bucketName,
    urls,
  };
}

/** Topic -> partitions: no group of consumers has more members that work. */
export function partitionsOf({ data }: Pick<Release, 'data'>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.keys(data.topics).map((topic) => [topic, topicPartitions]));
}

interface Standing {
  readonly network: NetworkLayer;
  readonly compute: ComputeLayer;
  readonly platform: PlatformLayer;
  readonly data: CloudDataLayer;
}

/** What CloudWatch watches, because nothing in the cluster sees it. */
function watchedOf({ network, compute, platform, data }: Standing): CloudObservability['watched'] {
  const { store, backups, registryTable, redis } = data;
  return {
    natGatewayIds: network.natGatewayIds,
    redis: (['state', 'cache'] as const).flatMap((role) => {
      const { memberIds } = redis[role];
      return memberIds === undefined ? [] : [{ role, memberIds }];
    }),
    ...(compute.queueName === undefined ? {} : { queueName: compute.queueName }),
    tableNames: [registryTable.tableName],
    buckets: [
      { name: 'store', bucketName: store.bucketName, filterId: 'store' },
      { name: 'backups', bucketName: backups.bucketName, filterId: 'backups' },
    ],
    loadBalancers: platform.gateway !== undefined,
  };
}
