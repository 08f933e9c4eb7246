import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import {
  planClientTraffic,
  planEnvoyProxy,
  planListeners,
  planRedirect,
  planSourceRanges,
  type Exposure,
} from '../planning/platform/gateway.ts';
import { allowCidrs, allowPeers, planNetworkPolicy, unprivilegedPorts } from '../planning/platform/network-policy.ts';
import {
  planOperator,
  planResources,
  type OperatorPlacement,
  type OperatorPlan,
} from '../planning/platform/operators.ts';
import type { Transform } from '../planning/transform.ts';
import { createChart, type ChartValues } from './chart.ts';
import type { Gateway, GatewayOrigin } from './gateway.ts';

export interface EnvoyGatewayArgs {
  /** Namespace of the controller, the Gateway and Envoy's pods. */
  readonly namespace: Input<string>;
  /** For example `orrery.internal`. */
  readonly domain: string;
  /** Secret of the namespace in which the certificate lies, or will. */
  readonly tlsSecret: string;
  /** How the cluster lets requests in: a load balancer, a port of every node, or not at all. */
  readonly exposure: Exposure;
  /** Address ranges that may connect, or `anyone` alone. */
  readonly allowedCidrs: readonly string[];
  /** How many copies, and on which nodes. */
  readonly placement: OperatorPlacement;
  /** What has to stand first: the Gateway API's definitions, Envoy Gateway's included. */
  readonly after: readonly Resource[];
  /** Bends the values of the chart. Default: as they are. */
  readonly transform?: { readonly values?: Transform<ChartValues> };
}

const { CustomResource } = kubernetes.apiextensions;

/** Where Envoy's pods listen for 80 and 443: the ports below 1024 ask for rights. */
const podPorts = [10_080, 10_443];

/**
 * A Gateway as pods of Envoy, for a Kubernetes without a cloud's load balancer: TLS 1.2 and up alone, plain HTTP is redirected, silent
 * connections live for an hour, so that WebSockets hold.
 * Cost driver: cores and memory of Envoy times replicas.
 * Refuses: a gateway open to everyone that doesn't say `anyone`, one that admits nobody.
 */
export class EnvoyGateway extends ComponentResource implements Gateway {
  readonly kind = 'envoy';
  readonly gatewayName: Output<string>;
  readonly namespaceName: Output<string>;
  readonly domain: string;
  readonly origin: GatewayOrigin;
  readonly ready: readonly Resource[];

  constructor(name: string, args: EnvoyGatewayArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:EnvoyGateway', name, {}, options);
    const { namespace } = args;
    const operator = planOperator(args.placement);
    const sourceRanges = planSourceRanges({ scheme: 'internet-facing', allowedCidrs: args.allowedCidrs });
    const chart = createChart(
      `${name}-chart`,
      {
        chart: 'envoy-gateway',
        namespace,
        values: planValues(operator),
        transform: args.transform?.values,
      },
      { parent: this, dependsOn: [...args.after] },
    );
    const gatewayClass = this.#createClass(name, args, {
      chart,
      proxy: planEnvoyProxy(operator, args.exposure, sourceRanges),
    });
    const gateway = new CustomResource(
      `${name}-gateway`,
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { namespace },
        spec: {
          gatewayClassName: gatewayClass.metadata.name,
          listeners: planListeners(args.domain, args.tlsSecret),
        },
      },
      { parent: this },
    );
    this.gatewayName = gateway.metadata.name;
    this.namespaceName = gateway.metadata.namespace;
    this.domain = args.domain;
    this.origin = { namespace: this.namespaceName };
    this.ready = [gateway];
    this.#createTraffic(name, namespace, sourceRanges);
    this.registerOutputs({ gatewayName: this.gatewayName, namespaceName: this.namespaceName });
  }

  #createClass(
    name: string,
    { namespace }: EnvoyGatewayArgs,
    { chart, proxy }: { chart: Resource; proxy: object },
  ): kubernetes.apiextensions.CustomResource {
    const options = { parent: this, dependsOn: [chart] };
    const parameters = new CustomResource(
      `${name}-proxy`,
      { apiVersion: 'gateway.envoyproxy.io/v1alpha1', kind: 'EnvoyProxy', metadata: { namespace }, spec: proxy },
      options,
    );
    return new CustomResource(
      `${name}-class`,
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        // Its name is known as an output only where metadata are given.
        metadata: {},
        spec: {
          controllerName: 'gateway.envoyproxy.io/gatewayclass-controller',
          parametersRef: {
            group: 'gateway.envoyproxy.io',
            kind: 'EnvoyProxy',
            name: parameters.metadata.name,
            namespace,
          },
        },
      },
      options,
    );
  }

  /** What reaches Envoy, what Envoy does with it, and whom Envoy reaches. */
  #createTraffic(name: string, namespace: Input<string>, sourceRanges: readonly string[]): void {
    new CustomResource(
      `${name}-clients`,
      {
        apiVersion: 'gateway.envoyproxy.io/v1alpha1',
        kind: 'ClientTrafficPolicy',
        metadata: { namespace },
        spec: planClientTraffic(this.gatewayName),
      },
      { parent: this },
    );
    new CustomResource(
      `${name}-redirect`,
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata: { namespace },
        spec: planRedirect(this.gatewayName),
      },
      { parent: this },
    );
    const ours = { namespaceLabels: { 'app.kubernetes.io/part-of': 'orrery' } };
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-traffic`,
      {
        metadata: { namespace },
        spec: planNetworkPolicy(
          [allowCidrs({ from: sourceRanges, ports: podPorts }), allowPeers({ to: [ours], ports: [unprivilegedPorts] })],
          { 'app.kubernetes.io/component': 'proxy', 'app.kubernetes.io/managed-by': 'envoy-gateway' },
        ),
      },
      { parent: this },
    );
  }
}

function planValues({ replicas, scheduling, budget }: OperatorPlan): Record<string, unknown> {
  return {
    deployment: {
      replicas,
      envoyGateway: { resources: planResources(100, 512) },
      pod: scheduling,
    },
    ...(budget ? { podDisruptionBudget: { minAvailable: 1 } } : {}),
    certgen: { job: { ...scheduling, resources: planResources(50, 128) } },
    // It tells Envoy its zone by a webhook on every pod of the cluster, which no route of ours asks for.
    topologyInjector: { enabled: false },
  };
}
