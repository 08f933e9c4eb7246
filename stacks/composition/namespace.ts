import type { Output } from '@pulumi/pulumi';
import {
  allowApiServer,
  allowCidrs,
  allowPeers,
  allowPodIdentity,
  unprivilegedPorts,
  type Allowance,
} from '#infra/planning/platform/network-policy.ts';
import { metricsNames } from '#infra/planning/observability/metrics.ts';
import { planGpuCaps } from '#infra/planning/compute/pools.ts';
import { planTenantGpus } from '#infra/planning/tenant/tenants.ts';
import { Namespace } from '#infra/platform/namespace.ts';
import { Token, tokenKey } from '#infra/security/token.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { KubernetesLayer, NamespaceLayer } from './layers.ts';

/** Physical names: network policies, Pod Identity and people name them. */
export const namespaceNames = {
  services: 'orrery',
  system: 'orrery-system',
  observability: 'orrery-observability',
  nodes: 'orrery-nodes',
} as const;

/** Where the services live. */
export const namespaceName = namespaceNames.services;

/** The namespace of the services, and those of the programs that run the platform. */
export interface NamespacesLayer extends NamespaceLayer {
  /** Operators: they ask the API of Kubernetes, the cloud, and the data that they run or scale by. */
  readonly systemName: Output<string>;
  readonly observabilityName: Output<string>;
  /** Of the pods that touch the host. */
  readonly nodesName: Output<string>;
}

export interface NamespacesRequest {
  /** With a provider of AWS, pods may ask for the identity that it gives them. */
  readonly kubernetes: KubernetesLayer;
  /** GPUs of the services' workers: GpuCaps.quotaGpus without the tenants' share. Nobody else gets any. */
  readonly gpuQuota: number;
  /** Whence the API server calls webhooks: the network of an EKS; anywhere, where that is not known. */
  readonly controlPlaneCidr: string;
  /** Ranges of data stores that are no pods, which operators ask to scale by them. Empty: none. */
  readonly managedDataCidrs: readonly string[];
}

/** The namespaces, each closed by default, and the token by which the services know each other. */
export function composeNamespaces(request: NamespacesRequest): NamespacesLayer {
  const { providers } = request.kubernetes;
  const identity = providers.aws === undefined ? {} : { identity: [allowPodIdentity()] };
  const services = new Namespace(
    'platform',
    {
      namespaceName: namespaceNames.services,
      podSecurity: 'restricted',
      admission: true,
      gpuQuota: request.gpuQuota,
      network: identity,
    },
    { providers },
  );
  const others = { gpuQuota: 0, network: { ...identity, api: [allowApiServer()] } };
  const system = new Namespace(
    'system',
    {
      ...others,
      namespaceName: namespaceNames.system,
      podSecurity: 'restricted',
      network: { ...others.network, ...operatorsNetwork(request) },
    },
    { providers },
  );
  const observability = new Namespace(
    'observability',
    {
      ...others,
      namespaceName: namespaceNames.observability,
      podSecurity: 'restricted',
      network: { ...others.network, ...observabilityNetwork(request) },
    },
    { providers },
  );
  const nodes = new Namespace(
    'nodes',
    {
      ...others,
      namespaceName: namespaceNames.nodes,
      // Plugins of devices and readers of logs mount folders of their node, which no narrower standard admits.
      podSecurity: 'privileged',
      network: { ...others.network, ...nodesNetwork() },
    },
    { providers },
  );
  const token = new Token('token', { namespace: services.namespaceName }, { providers });
  return {
    namespaceName: services.namespaceName,
    systemName: system.namespaceName,
    observabilityName: observability.namespaceName,
    nodesName: nodes.namespaceName,
    token: { value: token.value, secretName: token.secretName, key: tokenKey },
  };
}

/** Those of a cloud of its own. */
export function createNamespaces(settings: AwsSettings, kubernetes: KubernetesLayer): NamespacesLayer {
  const { gpuMax, gpu, network, tenants } = settings;
  const { quotaGpus } = planGpuCaps({ gpuMax, ...gpu });
  const gpusOfTenants = Object.values(tenants).map(({ gpus }) => gpus * gpu.sharesPerGpu);
  return composeNamespaces({
    kubernetes,
    gpuQuota: planTenantGpus(gpusOfTenants, quotaGpus),
    controlPlaneCidr: network.cidr,
    managedDataCidrs: [network.cidr],
  });
}

type Network = Readonly<Record<string, readonly Allowance[]>>;

/** The API server calls the pods of webhooks and of the metrics API themselves, at these ports. */
const webhookPorts = [
  6443, // KEDA's metrics
  9443, // KEDA, the load balancer controller, Envoy Gateway, the operators of ClickHouse and Kafka
  10_250, // cert-manager, external secrets, Prometheus
];

const { prometheusPort } = metricsNames;

/** Redis, ClickHouse, Keeper, Kafka with its control plane and agents. */
const dataPorts = [6379, 8123, 9000, 2181, 9090, 9091, 9092, 9093, 9094, 8443];
/** Redis, and Kafka with passwords or plain, where AWS runs them. */
const managedDataPorts = [6379, 9092, 9094, 9096];

function operatorsNetwork({ controlPlaneCidr, managedDataCidrs }: NamespacesRequest): Network {
  const managed = managedDataCidrs.length === 0 ? [] : [allowCidrs({ to: managedDataCidrs, ports: managedDataPorts })];
  return {
    inside: inside(),
    webhooks: [allowCidrs({ from: [controlPlaneCidr], ports: webhookPorts })],
    metrics: [metrics()],
    data: [
      allowPeers({ to: [{ namespace: namespaceNames.services }], ports: dataPorts }),
      // KEDA scales by what Prometheus measures.
      allowPeers({ to: [{ namespace: namespaceNames.observability }], ports: [prometheusPort] }),
      ...managed,
    ],
  };
}

function observabilityNetwork({ controlPlaneCidr }: NamespacesRequest): Network {
  const ours = [{ namespaceLabels: { 'app.kubernetes.io/part-of': 'orrery' } }];
  return {
    inside: inside(),
    webhooks: [allowCidrs({ from: [controlPlaneCidr], ports: [10_250] })],
    scrape: [allowPeers({ to: ours, ports: [unprivilegedPorts] })],
    questions: [allowPeers({ from: [{ namespace: namespaceNames.system }], ports: [prometheusPort] })],
    telemetry: [allowPeers({ from: ours, ports: [4317, 4318] })],
  };
}

function nodesNetwork(): Network {
  return {
    metrics: [metrics()],
    telemetry: [allowPeers({ to: [{ namespace: namespaceNames.observability }], ports: [4317, 4318] })],
    logs: [allowPeers({ to: [{ namespace: namespaceNames.services }], ports: [8123, 9000] })],
  };
}

/** Programs of one team, which trust each other. */
function inside(): readonly Allowance[] {
  return [allowPeers({ from: [{}], ports: [unprivilegedPorts] }), allowPeers({ to: [{}], ports: [unprivilegedPorts] })];
}

/** Each publishes its metrics at a port of its own. */
function metrics(): Allowance {
  return allowPeers({ from: [{ namespace: namespaceNames.observability }], ports: [unprivilegedPorts] });
}
