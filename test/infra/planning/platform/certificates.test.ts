import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planAcmeIssuer, planAuthority, planGatewayCertificate } from '#infra/planning/platform/certificates.ts';

const request = {
  domain: 'orrery.example',
  hosts: ['console', 'api'],
  issuerName: 'issuer',
  secretName: 'gateway-tls',
};

describe('certificates of a cluster', () => {
  it('name every host, live for 90 days, are renewed after 60, by a key that is made anew', () => {
    assert.deepEqual(planGatewayCertificate(request), {
      secretName: 'gateway-tls',
      dnsNames: ['console.orrery.example', 'api.orrery.example'],
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      duration: '2160h',
      renewBefore: '720h',
      issuerRef: { group: 'cert-manager.io', kind: 'Issuer', name: 'issuer' },
    });
    assert.throws(
      () => planGatewayCertificate({ ...request, hosts: [] }),
      (error) => error instanceof PlanError && error.code === 'CERTIFICATE_EMPTY',
    );
  });

  it('are proven to a public authority by a page at the gateway’s plain listener', () => {
    assert.deepEqual(planAcmeIssuer('ops@orrery.example', { name: 'gateway', namespace: 'orrery-system' }), {
      acme: {
        email: 'ops@orrery.example',
        server: 'https://acme-v02.api.letsencrypt.org/directory',
        privateKeySecretRef: { name: 'gateway-acme-account' },
        solvers: [
          {
            http01: {
              gatewayHTTPRoute: {
                parentRefs: [{ name: 'gateway', namespace: 'orrery-system', kind: 'Gateway', sectionName: 'http' }],
              },
            },
          },
        ],
      },
    });
  });

  it('are signed by an authority of the cluster’s own that lives for ten years', () => {
    assert.deepEqual(planAuthority('orrery.example', 'root', 'gateway-authority'), {
      secretName: 'gateway-authority',
      isCA: true,
      commonName: 'orrery orrery.example',
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      duration: '87600h',
      issuerRef: { group: 'cert-manager.io', kind: 'Issuer', name: 'root' },
    });
  });
});
