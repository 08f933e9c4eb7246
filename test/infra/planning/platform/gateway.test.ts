import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import {
  planBalancer,
  planClientTraffic,
  planEnvoyProxy,
  planListeners,
  planRedirect,
  planRoute,
  planSourceRanges,
  planTargets,
  type BalancerRequest,
} from '#infra/planning/platform/gateway.ts';
import { planOperator } from '#infra/planning/platform/operators.ts';

const request: BalancerRequest = {
  scheme: 'internal',
  allowedCidrs: ['10.20.0.0/16'],
  subnetIds: ['subnet-1', 'subnet-2'],
  certificateArns: ['arn:aws:acm:::certificate/1'],
  logBucket: 'logs',
  deletionProtection: true,
};

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

describe('a gateway’s plan', () => {
  it('admits the ranges that are listed, and everyone only where the word stands alone', () => {
    assert.deepEqual(planSourceRanges({ scheme: 'internal', allowedCidrs: ['10.0.0.0/8'] }), ['10.0.0.0/8']);
    assert.deepEqual(planSourceRanges({ scheme: 'internet-facing', allowedCidrs: ['anyone'] }), ['0.0.0.0/0']);
    const refused = (scheme: 'internal' | 'internet-facing', allowedCidrs: string[], code: string) => {
      assert.throws(() => planSourceRanges({ scheme, allowedCidrs }), refusedAs(code), allowedCidrs.join());
    };
    refused('internal', [], 'GATEWAY_CLOSED');
    refused('internet-facing', ['0.0.0.0/0'], 'GATEWAY_OPEN');
    refused('internet-facing', ['anyone', '10.0.0.0/8'], 'GATEWAY_OPEN');
    refused('internal', ['anyone'], 'GATEWAY_OPEN');
  });

  it('shows each host its own certificate, and refuses none and more than AWS holds', () => {
    const arns = ['arn:aws:acm:::certificate/1', 'arn:aws:acm:::certificate/2', 'arn:aws:acm:::certificate/3'];
    assert.deepEqual(planBalancer({ ...request, certificateArns: arns }).listenerConfigurations, [
      {
        protocolPort: 'HTTPS:443',
        defaultCertificate: 'arn:aws:acm:::certificate/1',
        certificates: ['arn:aws:acm:::certificate/2', 'arn:aws:acm:::certificate/3'],
        sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      },
    ]);
    for (const certificateArns of [
      [],
      Array.from({ length: 26 }, (_, index) => `arn:aws:acm:::certificate/${index}`),
    ]) {
      assert.throws(() => planBalancer({ ...request, certificateArns }), refusedAs('GATEWAY_CERTIFICATES'));
    }
  });

  it('asks AWS for a load balancer that keeps silent WebSockets for an hour, drops bad headers and logs every request', () => {
    assert.deepEqual(planBalancer(request), {
      scheme: 'internal',
      sourceRanges: ['10.20.0.0/16'],
      loadBalancerSubnets: [{ identifier: 'subnet-1' }, { identifier: 'subnet-2' }],
      loadBalancerAttributes: [
        { key: 'idle_timeout.timeout_seconds', value: '3600' },
        { key: 'routing.http.drop_invalid_header_fields.enabled', value: 'true' },
        { key: 'routing.http.desync_mitigation_mode', value: 'strictest' },
        { key: 'deletion_protection.enabled', value: 'true' },
        { key: 'access_logs.s3.enabled', value: 'true' },
        { key: 'access_logs.s3.bucket', value: 'logs' },
        { key: 'access_logs.s3.prefix', value: 'gateway' },
      ],
      listenerConfigurations: [
        {
          protocolPort: 'HTTPS:443',
          defaultCertificate: 'arn:aws:acm:::certificate/1',
          sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
        },
      ],
    });
    const guarded = planBalancer({ ...request, webAclArn: 'arn:aws:wafv2:::acl' });
    assert.deepEqual(guarded.wafV2, { webACL: 'arn:aws:wafv2:::acl' });
    assert.throws(() => planBalancer({ ...request, subnetIds: ['subnet-1'] }), refusedAs('GATEWAY_SUBNETS'));
  });

  it('opens TLS to our namespaces’ routes, and plain HTTP to nobody but the redirect', () => {
    const [https, http] = planListeners('dev.orrery.example', 'gateway-tls');
    assert.deepEqual(https, {
      name: 'https',
      protocol: 'HTTPS',
      port: 443,
      hostname: '*.dev.orrery.example',
      tls: { mode: 'Terminate', certificateRefs: [{ name: 'gateway-tls' }] },
      allowedRoutes: {
        namespaces: { from: 'Selector', selector: { matchLabels: { 'app.kubernetes.io/part-of': 'orrery' } } },
      },
    });
    assert.deepEqual(http, {
      name: 'http',
      protocol: 'HTTP',
      port: 80,
      hostname: '*.dev.orrery.example',
      allowedRoutes: { namespaces: { from: 'Same' } },
    });
    assert.equal('tls' in (planListeners('dev.orrery.example')[0] ?? {}), false);
    assert.deepEqual(planRedirect('gateway'), {
      parentRefs: [{ name: 'gateway', sectionName: 'http' }],
      rules: [{ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] }],
    });
  });

  it('leads a host to a service, at TLS alone, without end where an answer may stream', () => {
    const route = {
      gateway: { name: 'gateway', namespace: 'orrery-system' },
      hostname: 'console.dev.orrery.example',
      serviceName: 'console',
      port: 8080,
    };
    const rule = {
      matches: [{ path: { type: 'PathPrefix', value: '/' } }],
      backendRefs: [{ name: 'console', port: 8080 }],
    };
    assert.deepEqual(planRoute({ ...route, unlimited: false }), {
      parentRefs: [{ name: 'gateway', namespace: 'orrery-system', sectionName: 'https' }],
      hostnames: ['console.dev.orrery.example'],
      rules: [rule],
    });
    assert.deepEqual(planRoute({ ...route, unlimited: true }).rules, [{ ...rule, timeouts: { request: '0s' } }]);
  });

  it('sends requests to pods themselves, while they are ready', () => {
    assert.deepEqual(planTargets('console', '/readyz'), {
      targetReference: { name: 'console' },
      defaultConfiguration: {
        targetType: 'ip',
        healthCheckConfig: {
          healthCheckPath: '/readyz',
          healthCheckInterval: 10,
          healthCheckTimeout: 5,
          healthyThresholdCount: 2,
          unhealthyThresholdCount: 2,
        },
        targetGroupAttributes: [{ key: 'deregistration_delay.timeout_seconds', value: '30' }],
      },
    });
  });

  it('runs Envoy within limits, lets it finish, and filters addresses where the cluster can', () => {
    const many = planOperator({ replicas: 2, systemPool: false });
    assert.deepEqual(planEnvoyProxy(many, 'LoadBalancer', ['10.0.0.0/8']), {
      shutdown: { drainTimeout: '60s', minDrainDuration: '10s' },
      provider: {
        type: 'Kubernetes',
        kubernetes: {
          envoyDeployment: {
            replicas: 2,
            pod: { nodeSelector: {}, tolerations: [] },
            container: { resources: { requests: { cpu: '200m', memory: '512Mi' }, limits: { memory: '512Mi' } } },
          },
          envoyPDB: { maxUnavailable: 1 },
          envoyService: {
            type: 'LoadBalancer',
            externalTrafficPolicy: 'Local',
            loadBalancerSourceRanges: ['10.0.0.0/8'],
          },
        },
      },
    });
    const one = planOperator({ replicas: 1, systemPool: false });
    const { kubernetes } = planEnvoyProxy(one, 'ClusterIP', ['10.0.0.0/8']).provider;
    assert.deepEqual(kubernetes.envoyService, { type: 'ClusterIP' });
    assert.equal('envoyPDB' in kubernetes, false);
    const nodePort = planEnvoyProxy(one, 'NodePort', ['10.0.0.0/8']).provider.kubernetes.envoyService;
    assert.deepEqual(nodePort, { type: 'NodePort', externalTrafficPolicy: 'Local' });
  });

  it('waits an hour for a silent client of Envoy too, and speaks no TLS below 1.2', () => {
    assert.deepEqual(planClientTraffic('gateway'), {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gateway' }],
      tls: { minVersion: '1.2' },
      headers: { withUnderscoresAction: 'RejectRequest' },
      timeout: { http: { idleTimeout: '3600s', streamIdleTimeout: '3600s' } },
    });
  });
});
