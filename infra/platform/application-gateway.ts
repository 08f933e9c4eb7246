import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import {
  planBalancer,
  planListeners,
  planRedirect,
  type BalancerRequest,
  type BalancerSpec,
} from '../planning/platform/gateway.ts';
import type { Transform } from '../planning/transform.ts';
import type { Gateway, GatewayOrigin } from './gateway.ts';

export interface ApplicationGatewayArgs extends BalancerRequest {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** For example `dev.orrery.example`; hosts lie directly below it. */
  readonly domain: string;
  /** The network's range, from which the load balancer calls the pods. */
  readonly networkCidr: string;
  /** What has to stand first: the controller that makes the load balancer and deletes it again. */
  readonly after: readonly Resource[];
  /** For what a balancer needs and no argument says. Default: nothing is bent. */
  readonly transform?: { readonly balancer?: Transform<BalancerSpec> };
}

const { CustomResource } = kubernetes.apiextensions;

/**
 * A Gateway as an application load balancer of AWS: TLS 1.2 and up alone, plain HTTP is redirected, silent connections live for an
 * hour, so that WebSockets hold, and every request is logged.
 * Cost driver: the hours of the load balancer and its capacity units.
 * Refuses: a gateway open to everyone that doesn't say `anyone`, one that admits nobody, fewer than two subnets, no certificate.
 */
export class ApplicationGateway extends ComponentResource implements Gateway {
  readonly kind = 'alb';
  readonly gatewayName: Output<string>;
  readonly namespaceName: Output<string>;
  readonly domain: string;
  readonly origin: GatewayOrigin;
  readonly ready: readonly Resource[];

  constructor(name: string, args: ApplicationGatewayArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:ApplicationGateway', name, {}, options);
    const planned = planBalancer(args);
    const balancer = new CustomResource(
      `${name}-balancer`,
      {
        apiVersion: 'gateway.k8s.aws/v1beta1',
        kind: 'LoadBalancerConfiguration',
        metadata: { namespace: args.namespace },
        spec: args.transform?.balancer?.(planned) ?? planned,
      },
      { parent: this, dependsOn: [...args.after] },
    );
    const gatewayClass = new CustomResource(
      `${name}-class`,
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        // Its name is known as an output only where metadata are given.
        metadata: {},
        spec: { controllerName: 'gateway.k8s.aws/alb' },
      },
      { parent: this, dependsOn: [...args.after] },
    );
    const gateway = new CustomResource(
      `${name}-gateway`,
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { namespace: args.namespace },
        spec: {
          gatewayClassName: gatewayClass.metadata.name,
          infrastructure: {
            parametersRef: {
              group: 'gateway.k8s.aws',
              kind: 'LoadBalancerConfiguration',
              name: balancer.metadata.name,
            },
          },
          listeners: planListeners(args.domain),
        },
      },
      { parent: this },
    );
    this.gatewayName = gateway.metadata.name;
    this.namespaceName = gateway.metadata.namespace;
    this.domain = args.domain;
    this.origin = { cidr: args.networkCidr };
    this.ready = [gateway];
    new CustomResource(
      `${name}-redirect`,
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata: { namespace: args.namespace },
        spec: planRedirect(this.gatewayName),
      },
      { parent: this },
    );
    this.registerOutputs({ gatewayName: this.gatewayName, namespaceName: this.namespaceName });
  }
}
