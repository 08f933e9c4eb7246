import assert from 'node:assert/strict';
import { ComponentResource } from '@pulumi/pulumi';
import { CertManager } from '#infra/platform/cert-manager.ts';
import { EnvoyGateway, type EnvoyGatewayArgs } from '#infra/platform/envoy-gateway.ts';
import { IssuedCertificate } from '#infra/platform/issued-certificate.ts';
import { createRoute } from '#infra/platform/route.ts';
import type { Signer } from '#infra/planning/platform/certificates.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: EnvoyGatewayArgs = {
  namespace: 'orrery-system',
  domain: 'orrery.example',
  tlsSecret: 'gateway-tls',
  exposure: 'LoadBalancer',
  allowedCidrs: ['10.0.0.0/8'],
  placement: { replicas: 2, systemPool: false },
  after: [],
};

function recordCertificate(signer: Signer) {
  return record(() => {
    const gateway = new EnvoyGateway('gateway', args);
    const { ready } = new CertManager('cert-manager', {
      namespace: 'orrery-system',
      placement: args.placement,
      after: [],
    });
    return new IssuedCertificate('certificate', {
      gateway,
      hosts: ['console'],
      signer,
      secretName: 'gateway-tls',
      after: ready,
    });
  });
}

describe('a gateway of Envoy', () => {
  it('is a controller, a class, a Gateway, what is asked of clients, a redirect, and no cloud', async () => {
    const recording = await record(() => new EnvoyGateway('gateway', args));
    assert.deepEqual(outline(recording), [
      'orrery:platform:EnvoyGateway gateway',
      'kubernetes:helm.sh/v3:Release gateway-chart < gateway',
      'kubernetes:gateway.networking.k8s.io/v1:GatewayClass gateway-class < gateway',
      'kubernetes:gateway.envoyproxy.io/v1alpha1:ClientTrafficPolicy gateway-clients < gateway',
      'kubernetes:gateway.networking.k8s.io/v1:Gateway gateway-gateway < gateway',
      'kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy gateway-proxy < gateway',
      'kubernetes:gateway.networking.k8s.io/v1:HTTPRoute gateway-redirect < gateway',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy gateway-traffic < gateway',
    ]);
    assert.deepEqual(recording.result.kind, 'envoy');
    assert.deepEqual([...recording.completed], ['gateway']);
  });

  it('brings the definitions along, and leaves the zone webhook out', async () => {
    const recording = await record(() => new EnvoyGateway('gateway', args));
    const { inputs } = resourceNamed(recording, 'gateway-chart');
    assert.equal(inputs['skipCrds'], undefined);
    const values = inputs['values'] as Record<string, unknown>;
    assert.deepEqual(values['topologyInjector'], { enabled: false });
    assert.deepEqual(values['podDisruptionBudget'], { minAvailable: 1 });
  });

  it('is reached from the listed ranges at its own ports, and reaches our namespaces alone', async () => {
    const recording = await record(() => new EnvoyGateway('gateway', args));
    assert.deepEqual(resourceNamed(recording, 'gateway-traffic').inputs['spec'], {
      podSelector: {
        matchLabels: { 'app.kubernetes.io/component': 'proxy', 'app.kubernetes.io/managed-by': 'envoy-gateway' },
      },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
          ports: [
            { protocol: 'TCP', port: 10_080 },
            { protocol: 'TCP', port: 10_443 },
          ],
        },
      ],
      egress: [
        {
          to: [{ namespaceSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'orrery' } } }],
          ports: [{ protocol: 'TCP', port: 1024, endPort: 65_535 }],
        },
      ],
    });
  });

  it('needs no target groups, and never cuts a long answer', async () => {
    class Console extends ComponentResource {
      constructor() {
        super('test:Console', 'console', {}, {});
        const gateway = new EnvoyGateway('gateway', args);
        const service = { serviceName: 'console', port: 8080, healthPath: '/readyz' };
        createRoute(this, 'console', { ...service, namespace: 'orrery', gateway, host: 'console' });
        this.registerOutputs();
      }
    }
    const recording = await record(() => new Console());
    const spec = resourceNamed(recording, 'console-route').inputs['spec'] as { rules: { timeouts: unknown }[] };
    assert.deepEqual(spec.rules[0]?.timeouts, { request: '0s' });
    assert.ok(!outline(recording).some((line) => line.includes('console-targets')));
  });
});

describe('a certificate of the cluster', () => {
  it('is proven to a public authority', async () => {
    const recording = await recordCertificate({ kind: 'acme', email: 'ops@orrery.example' });
    assert.deepEqual(
      outline(recording).filter((line) => line.endsWith('< certificate')),
      [
        'kubernetes:cert-manager.io/v1:Certificate certificate-certificate < certificate',
        'kubernetes:cert-manager.io/v1:Issuer certificate-issuer < certificate',
      ],
    );
    const { inputs, dependencies } = resourceNamed(recording, 'certificate-certificate');
    assert.deepEqual((inputs['spec'] as { issuerRef: unknown }).issuerRef, {
      group: 'cert-manager.io',
      kind: 'Issuer',
      name: '${certificate-issuer.metadata.name}',
    });
    assert.ok(dependencies.includes('cert-manager-chart'));
  });

  it('is signed by the cluster’s own authority', async () => {
    const recording = await recordCertificate({ kind: 'self-signed' });
    assert.deepEqual(resourceNamed(recording, 'certificate-root').inputs['spec'], { selfSigned: {} });
    assert.deepEqual(resourceNamed(recording, 'certificate-issuer').inputs['spec'], {
      ca: { secretName: 'gateway-authority' },
    });
    assert.equal((resourceNamed(recording, 'certificate-authority').inputs['spec'] as { isCA: boolean }).isCA, true);
    assert.ok(recording.completed.has('certificate'));
  });
});
