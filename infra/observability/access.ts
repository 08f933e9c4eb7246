import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';
import {
  allowCidrs,
  allowPeers,
  allowTls,
  anywhere,
  planNetworkPolicy,
  unprivilegedPorts,
  type Allowance,
} from '../planning/platform/network-policy.ts';
import { otlpGrpcPort, otlpHttpPort } from '../planning/observability/telemetry.ts';

export interface AccessArgs {
  /** Of the services and their data. */
  readonly servicesNamespace: Input<string>;
  /** Of what watches. */
  readonly observabilityNamespace: Input<string>;
  /** Of what touches nodes: the agents of logs. */
  readonly nodesNamespace: Input<string>;
}

const clickhousePort = 8123;
const redisPort = 6379;
/** The kubelet and the exporter of a node's own figures: both listen at addresses of nodes, which no label selects. */
const nodePorts = [10_250, 9100];
const prometheus = { 'app.kubernetes.io/name': 'prometheus' };

/**
 * Who watches whom, in namespaces that are closed by default: Prometheus asks services, data stores and nodes; agents, the gateway of
 * traces and Metabase reach ClickHouse, exporters reach Redis; services send their traces.
 * Cost driver: none.
 * Refuses nothing. A service's /metrics asks no token, so these policies alone say who reads it.
 */
export class Access extends ComponentResource {
  constructor(name: string, args: AccessArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:Access', name, {}, options);
    const { servicesNamespace, observabilityNamespace, nodesNamespace } = args;
    const policy = (purpose: string, place: PolicyPlace, ...allowances: Allowance[]): void => {
      new kubernetes.networking.v1.NetworkPolicy(
        `${name}-${purpose}`,
        { metadata: { namespace: place.namespace }, spec: planNetworkPolicy(allowances, place.pods) },
        { parent: this },
      );
    };
    const services = { namespace: servicesNamespace };
    policy(
      'metrics',
      services,
      allowPeers({ from: [{ namespace: observabilityNamespace, labels: prometheus }], ports: [unprivilegedPorts] }),
    );
    policy(
      'stores',
      services,
      allowPeers({
        from: [{ namespace: observabilityNamespace }, { namespace: nodesNamespace }],
        ports: [clickhousePort, redisPort],
      }),
    );
    policy(
      'traces',
      services,
      allowPeers({ to: [{ namespace: observabilityNamespace }], ports: [otlpGrpcPort, otlpHttpPort] }),
    );
    policy(
      'nodes',
      { namespace: observabilityNamespace, pods: prometheus },
      allowCidrs({ to: [anywhere], ports: nodePorts }),
    );
    // Alertmanager tells a topic of the cloud, OpenCost reads its list of prices.
    for (const program of ['alertmanager', 'opencost']) {
      policy(program, { namespace: observabilityNamespace, pods: { 'app.kubernetes.io/name': program } }, allowTls());
    }
    this.registerOutputs({});
  }
}

interface PolicyPlace {
  readonly namespace: Input<string>;
  readonly pods?: Record<string, string>;
}
