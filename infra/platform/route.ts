import * as kubernetes from '@pulumi/kubernetes';
import type { ComponentResource, Input } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import { planRoute, planTargets } from '../planning/platform/gateway.ts';
import type { Gateway } from './gateway.ts';

export interface RouteArgs {
  readonly gateway: Gateway;
  /** Namespace of the Service. It has to bear `app.kubernetes.io/part-of: orrery`, as all of ours do. */
  readonly namespace: Input<string>;
  /** One label, for example `console`: it is reached at `https://console.<domain>`. */
  readonly host: string;
  readonly serviceName: Input<string>;
  readonly port: number;
  /** Where pods answer 200 while they can serve, for example `/readyz`. */
  readonly healthPath: string;
}

const { CustomResource } = kubernetes.apiextensions;

/** The way from the gateway to one Service, as children of a component; returns where people reach it. */
export function createRoute(parent: ComponentResource, name: string, args: RouteArgs): string {
  const { gateway, namespace, serviceName, port } = args;
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(args.host)) {
    throw new PlanError({
      code: 'ROUTE_HOST_INVALID',
      message: `"${args.host}" is no name below ${gateway.domain}`,
      hint: 'give one label of lower case letters, digits and hyphens: the certificate covers no deeper names',
    });
  }
  const hostname = `${args.host}.${gateway.domain}`;
  const options = { parent, dependsOn: [...gateway.ready] };
  new CustomResource(
    `${name}-route`,
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { namespace },
      spec: planRoute({
        gateway: { name: gateway.gatewayName, namespace: gateway.namespaceName },
        hostname,
        serviceName,
        port,
        unlimited: gateway.kind === 'envoy',
      }),
    },
    options,
  );
  if (gateway.kind === 'alb') {
    new CustomResource(
      `${name}-targets`,
      {
        apiVersion: 'gateway.k8s.aws/v1beta1',
        kind: 'TargetGroupConfiguration',
        metadata: { namespace },
        spec: planTargets(serviceName, args.healthPath),
      },
      options,
    );
  }
  return `https://${hostname}`;
}
