import type { Output, Resource } from '@pulumi/pulumi';

/** Where requests from outside enter, whoever runs it. Routes are added to it by `createRoute`. */
export interface Gateway {
  /** `alb`: a load balancer of AWS; `envoy`: pods of Envoy in the cluster. */
  readonly kind: 'alb' | 'envoy';
  readonly gatewayName: Output<string>;
  readonly namespaceName: Output<string>;
  /** Hosts are names directly below it, for example `console.dev.orrery.example`. */
  readonly domain: string;
  /** Whence its requests reach pods, for their network policies. */
  readonly origin: GatewayOrigin;
  /** What has to stand before a route can be accepted. */
  readonly ready: readonly Resource[];
}

/** A load balancer outside the cluster by the range of its addresses, or the gateway's pods by their namespace. */
export type GatewayOrigin = { readonly cidr: string } | { readonly namespace: Output<string> };
