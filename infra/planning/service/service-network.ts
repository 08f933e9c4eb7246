import type { Input } from '@pulumi/pulumi';
import {
  allowCidrs,
  allowDns,
  allowPeers,
  allowPodIdentity,
  allowTls,
  planNetworkPolicy,
  type Allowance,
  type NetworkPolicySpec,
  type Port,
} from '../platform/network-policy.ts';

/** A store of the environment that a service reaches by its own protocol. */
export type DataStore = 'redis' | 'clickhouse' | 'kafka';

/** Whom a service talks to, as its own manifest and those of the others say; everything else stays closed. */
export interface ServiceNetwork {
  /** Services whose manifest names this one as a peer. Default: nobody. */
  readonly callers?: readonly string[];
  /** Services that its manifest names, as far as the environment runs them. Default: none. */
  readonly peers?: readonly string[];
  /** Stores that it needs, in the same namespace or in `dataCidr`. Default: none. */
  readonly stores?: readonly DataStore[];
  /** Range in which managed stores lie, for example the network's. Default: every store is a pod of the namespace. */
  readonly dataCidr?: string;
  /** Namespace of the Prometheus that reads its metrics. Default: nobody reads them. */
  readonly prometheusNamespace?: Input<string>;
}

/** A load balancer outside the cluster by its addresses, or the gateway's pods by their namespace. */
export type RequestOrigin = { readonly cidr: string } | { readonly namespace: Input<string> };

export interface ServiceNetworkRequest extends ServiceNetwork {
  /** Labels of the service's own pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where it and its peers listen. */
  readonly port: number;
  /** Where the gateway's requests come from, for a service that is reached from outside. */
  readonly gateway?: RequestOrigin;
  /** Whether it calls AWS: then it reaches the agent that hands out its role, and TLS anywhere. */
  readonly callsCloud: boolean;
}

/** Ports of the pods or of the managed service. Strimzi listens at 9092 to 9094, MSK with SCRAM at 9096. */
const storePorts: Readonly<Record<DataStore, readonly Port[]>> = {
  redis: [6379],
  clickhouse: [8123],
  kafka: [9092, 9093, 9094, 9096],
};

/** The labels by which the pods of a service are known to each other's policies. */
export function serviceLabels(name: string): Record<string, string> {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'orrery' };
}

/** The policy of one service's pods: who comes in, where they may go, and DNS. */
export function planServiceNetwork(request: ServiceNetworkRequest): NetworkPolicySpec {
  const { callers = [], peers = [], port, gateway, prometheusNamespace } = request;
  const allowances: Allowance[] = [allowDns()];
  if (callers.length > 0) allowances.push(allowPeers({ from: callers.map(podsOf), ports: [port] }));
  if (gateway !== undefined) allowances.push(allowGateway(gateway, port));
  if (prometheusNamespace !== undefined) {
    const prometheus = { namespace: prometheusNamespace, labels: { 'app.kubernetes.io/name': 'prometheus' } };
    allowances.push(allowPeers({ from: [prometheus], ports: [port] }));
  }
  if (peers.length > 0) allowances.push(allowPeers({ to: peers.map(podsOf), ports: [port] }));
  allowances.push(...allowStores(request));
  if (request.callsCloud) allowances.push(allowPodIdentity(), allowTls());
  return planNetworkPolicy(allowances, request.labels);
}

function podsOf(service: string) {
  return { labels: serviceLabels(service) };
}

function allowGateway(origin: RequestOrigin, port: number): Allowance {
  if ('cidr' in origin) return allowCidrs({ from: [origin.cidr], ports: [port] });
  return allowPeers({ from: [{ namespace: origin.namespace }], ports: [port] });
}

/** Whether a store is a pod or a managed service is the environment's matter: who may reach it there, the store's own policy says. */
function allowStores({ stores = [], dataCidr }: ServiceNetworkRequest): Allowance[] {
  const ports = stores.flatMap((store) => storePorts[store]);
  if (ports.length === 0) return [];
  const managed = dataCidr === undefined ? [] : [allowCidrs({ to: [dataCidr], ports })];
  return [allowPeers({ to: [{}], ports }), ...managed];
}
