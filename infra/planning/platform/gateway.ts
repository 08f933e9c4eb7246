import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';
import { anywhere } from './network-policy.ts';
import { planResources, type OperatorPlan } from './operators.ts';

/** Seconds that a connection may be silent before it is cut: WebSockets wait for people. A load balancer of AWS takes up to 4000. */
export const idleSeconds = 3600;

/** The word by which a gateway is opened to everyone, in the place of an address range. */
export const anyone = 'anyone';

export const listenerNames = { https: 'https', http: 'http' } as const;

/** Who may knock. */
export interface GatewayAccess {
  /** `internal`: inside the network alone. `internet-facing`: public addresses. */
  readonly scheme: 'internal' | 'internet-facing';
  /** Address ranges, or `anyone` alone. At least one. */
  readonly allowedCidrs: readonly string[];
}

/** The ranges that are let in. Refuses a door that nobody may use, and one that is open to everyone by oversight. */
export function planSourceRanges({ scheme, allowedCidrs }: GatewayAccess): string[] {
  const listed = allowedCidrs.join(', ');
  if (allowedCidrs.length === 0) {
    throw refuse('GATEWAY_CLOSED', 'the gateway admits nobody', `list address ranges, or the word ${anyone}`);
  }
  if (allowedCidrs.some((cidr) => cidr.endsWith('/0'))) {
    throw refuse('GATEWAY_OPEN', `the gateway admits ${listed}`, `write ${anyone} where everyone is meant`);
  }
  if (!allowedCidrs.includes(anyone)) return [...allowedCidrs];
  if (allowedCidrs.length > 1 || scheme === 'internal') {
    const hint = `write ${anyone} alone and for an internet-facing gateway, or list ranges`;
    throw refuse('GATEWAY_OPEN', `an ${scheme} gateway admits ${listed}`, hint);
  }
  return [anywhere];
}

export interface BalancerRequest extends GatewayAccess {
  /** Subnets of two zones or more: public ones for an internet-facing gateway. */
  readonly subnetIds: readonly Input<string>[];
  /** One for each host: a client that names none of them is shown the first. At least one, at most 25. */
  readonly certificateArns: readonly Input<string>[];
  /** Bucket that takes a line for every request. */
  readonly logBucket: Input<string>;
  /** ARN of a WAFv2 web ACL. Default: none. */
  readonly webAclArn?: Input<string>;
  /** Whether AWS refuses to delete it. */
  readonly deletionProtection: boolean;
}

export interface BalancerSpec {
  readonly scheme: string;
  readonly sourceRanges: string[];
  readonly loadBalancerSubnets: readonly { readonly identifier: Input<string> }[];
  readonly loadBalancerAttributes: readonly { readonly key: string; readonly value: Input<string> }[];
  readonly listenerConfigurations: readonly {
    readonly protocolPort: string;
    readonly defaultCertificate: Input<string>;
    readonly certificates?: readonly Input<string>[];
    readonly sslPolicy: string;
  }[];
  readonly wafV2?: { readonly webACL: Input<string> };
}

/** What AWS lets a load balancer hold, unless it is asked for more. */
const certificatesMax = 25;
/** TLS 1.3, and 1.2 with forward secrecy alone. */
const sslPolicy = 'ELBSecurityPolicy-TLS13-1-2-2021-06';

/** `gateway.k8s.aws/v1beta1 LoadBalancerConfiguration`. */
export function planBalancer(request: BalancerRequest): BalancerSpec {
  if (request.subnetIds.length < 2) {
    const message = `the load balancer has ${request.subnetIds.length} subnets`;
    throw refuse('GATEWAY_SUBNETS', message, 'give it subnets of two zones at least');
  }
  const [defaultCertificate, ...certificates] = request.certificateArns;
  if (defaultCertificate === undefined || certificates.length >= certificatesMax) {
    const message = `the load balancer has ${request.certificateArns.length} certificates`;
    throw refuse('GATEWAY_CERTIFICATES', message, `give it 1 to ${certificatesMax}, one for each host`);
  }
  const attributes: Readonly<Record<string, Input<string>>> = {
    'idle_timeout.timeout_seconds': String(idleSeconds),
    'routing.http.drop_invalid_header_fields.enabled': 'true',
    'routing.http.desync_mitigation_mode': 'strictest',
    'deletion_protection.enabled': String(request.deletionProtection),
    'access_logs.s3.enabled': 'true',
    'access_logs.s3.bucket': request.logBucket,
    'access_logs.s3.prefix': 'gateway',
  };
  return {
    scheme: request.scheme,
    sourceRanges: planSourceRanges(request),
    loadBalancerSubnets: request.subnetIds.map((identifier) => ({ identifier })),
    loadBalancerAttributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
    listenerConfigurations: [
      {
        protocolPort: 'HTTPS:443',
        defaultCertificate,
        ...(certificates.length === 0 ? {} : { certificates }),
        sslPolicy,
      },
    ],
    ...(request.webAclArn === undefined ? {} : { wafV2: { webACL: request.webAclArn } }),
  };
}

/**
 * The listeners of a Gateway: routes of our namespaces at TLS alone; at 80 only the gateway's own namespace answers, which redirects.
 * `tlsSecret`: where the certificate lies; absent where the load balancer holds it.
 */
export function planListeners(domain: string, tlsSecret?: Input<string>) {
  const hostname = `*.${domain}`;
  const ours = { matchLabels: { 'app.kubernetes.io/part-of': 'orrery' } };
  const tls = tlsSecret === undefined ? {} : { tls: { mode: 'Terminate', certificateRefs: [{ name: tlsSecret }] } };
  return [
    {
      name: listenerNames.https,
      protocol: 'HTTPS',
      port: 443,
      hostname,
      ...tls,
      allowedRoutes: { namespaces: { from: 'Selector', selector: ours } },
    },
    {
      name: listenerNames.http,
      protocol: 'HTTP',
      port: 80,
      hostname,
      allowedRoutes: { namespaces: { from: 'Same' } },
    },
  ];
}

/** `gateway.networking.k8s.io/v1 HTTPRoute` that answers every request without TLS by where to ask with it. */
export function planRedirect(gatewayName: Input<string>) {
  return {
    parentRefs: [{ name: gatewayName, sectionName: listenerNames.http }],
    rules: [{ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] }],
  };
}

export interface RouteRequest {
  readonly gateway: { readonly name: Input<string>; readonly namespace: Input<string> };
  /** Full name, for example `console.dev.orrery.example`. */
  readonly hostname: string;
  readonly serviceName: Input<string>;
  readonly port: number;
  /** Whether the gateway would cut a long answer by itself unless it is told not to: Envoy does, AWS has no such limit. */
  readonly unlimited: boolean;
}

/** `gateway.networking.k8s.io/v1 HTTPRoute`: one host, one service. */
export function planRoute({ gateway, hostname, serviceName, port, unlimited }: RouteRequest) {
  return {
    parentRefs: [{ ...gateway, sectionName: listenerNames.https }],
    hostnames: [hostname],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        backendRefs: [{ name: serviceName, port }],
        ...(unlimited ? { timeouts: { request: '0s' } } : {}),
      },
    ],
  };
}

/** `gateway.k8s.aws/v1beta1 TargetGroupConfiguration`: pods are targets themselves, and are let finish when they leave. */
export function planTargets(serviceName: Input<string>, healthPath: string) {
  return {
    targetReference: { name: serviceName },
    defaultConfiguration: {
      targetType: 'ip',
      healthCheckConfig: {
        healthCheckPath: healthPath,
        healthCheckInterval: 10,
        healthCheckTimeout: 5,
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 2,
      },
      targetGroupAttributes: [{ key: 'deregistration_delay.timeout_seconds', value: '30' }],
    },
  };
}

/** How Envoy's own pods are reached: by a load balancer of the cluster, at a port of every node, or from inside alone. */
export type Exposure = 'LoadBalancer' | 'NodePort' | 'ClusterIP';

/** `gateway.envoyproxy.io/v1alpha1 EnvoyProxy`: the pods that Envoy Gateway makes for a Gateway. */
export function planEnvoyProxy(operator: OperatorPlan, exposure: Exposure, sourceRanges: readonly string[]) {
  const ranges = exposure === 'LoadBalancer' ? { loadBalancerSourceRanges: sourceRanges } : {};
  const external = exposure === 'ClusterIP' ? {} : { externalTrafficPolicy: 'Local' };
  return {
    shutdown: { drainTimeout: '60s', minDrainDuration: '10s' },
    provider: {
      type: 'Kubernetes',
      kubernetes: {
        envoyDeployment: {
          replicas: operator.replicas,
          // The security context is Envoy Gateway's own: restricted, but for a root file system that its shutdown writes to.
          pod: operator.scheduling,
          container: { resources: planResources(200, 512) },
        },
        ...(operator.budget ? { envoyPDB: { maxUnavailable: 1 } } : {}),
        envoyService: { type: exposure, ...external, ...ranges },
      },
    },
  };
}

/** `gateway.envoyproxy.io/v1alpha1 ClientTrafficPolicy`: what the gateway asks of clients, and how long it waits for them. */
export function planClientTraffic(gatewayName: Input<string>) {
  return {
    targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: gatewayName }],
    tls: { minVersion: '1.2' },
    headers: { withUnderscoresAction: 'RejectRequest' },
    timeout: {
      http: { idleTimeout: `${idleSeconds}s`, streamIdleTimeout: `${idleSeconds}s` },
    },
  };
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
