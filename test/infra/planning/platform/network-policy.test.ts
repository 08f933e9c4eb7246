import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PlanError } from '#infra/errors.ts';
import {
  allowApiServer,
  allowCidrs,
  allowDns,
  allowPeers,
  allowPodIdentity,
  allowTls,
  anywhere,
  denyAll,
  planNetworkPolicy,
} from '#infra/planning/platform/network-policy.ts';

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

describe('network policies', () => {
  it('deny everything in both directions', () => {
    assert.deepEqual(denyAll(), { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  });

  it('join what they allow, and speak of no direction that they do not open', () => {
    const policy = planNetworkPolicy([
      allowDns(),
      allowPeers({ to: [{ labels: { app: 'clickhouse' } }], ports: [8123] }),
    ]);
    assert.deepEqual(policy, {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [
        {
          to: [
            {
              namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
              podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
            },
          ],
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
        { to: [{ podSelector: { matchLabels: { app: 'clickhouse' } } }], ports: [{ protocol: 'TCP', port: 8123 }] },
      ],
    });
  });

  it('open the pods that are named to pods of another namespace, of several, or of their own', () => {
    const policy = planNetworkPolicy(
      [
        allowPeers({
          from: [{ namespace: 'orrery-observability' }, { namespaceLabels: { 'orrery.dev/tenant': 'yes' } }, {}],
          ports: [8080],
        }),
      ],
      { app: 'gateway' },
    );
    assert.deepEqual(policy, {
      podSelector: { matchLabels: { app: 'gateway' } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery-observability' } } },
            { namespaceSelector: { matchLabels: { 'orrery.dev/tenant': 'yes' } } },
            { podSelector: {} },
          ],
          ports: [{ protocol: 'TCP', port: 8080 }],
        },
      ],
    });
  });

  it('open both directions in one policy', () => {
    const policy = planNetworkPolicy([
      allowPeers({ from: [{}], ports: [8080] }),
      allowCidrs({ to: ['10.20.0.0/16'], ports: [6379] }),
    ]);
    assert.deepEqual(policy, {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ from: [{ podSelector: {} }], ports: [{ protocol: 'TCP', port: 8080 }] }],
      egress: [{ to: [{ ipBlock: { cidr: '10.20.0.0/16' } }], ports: [{ protocol: 'TCP', port: 6379 }] }],
    });
  });

  it('let nobody ask for the credentials of a node, even where every address is allowed', () => {
    const everywhere = { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } };
    assert.deepEqual(allowTls().egress, [{ to: [everywhere], ports: [{ protocol: 'TCP', port: 443 }] }]);
    assert.deepEqual(allowApiServer().egress, [
      {
        to: [everywhere],
        ports: [
          { protocol: 'TCP', port: 443 },
          { protocol: 'TCP', port: 6443 },
        ],
      },
    ]);
    assert.deepEqual(allowPodIdentity().egress, [
      { to: [{ ipBlock: { cidr: '169.254.170.23/32' } }], ports: [{ protocol: 'TCP', port: 80 }] },
    ]);
  });

  it('never hold an empty list, which Kubernetes would read as everybody', () => {
    assert.throws(() => allowPeers({ from: [], ports: [8080] }), refusedAs('POLICY_OPEN'));
    assert.throws(() => allowPeers({ to: [{}], ports: [] }), refusedAs('POLICY_OPEN'));
    assert.throws(() => allowCidrs({ from: [], ports: [443] }), refusedAs('POLICY_OPEN'));
    assert.throws(() => planNetworkPolicy([]), refusedAs('POLICY_EMPTY'));
  });

  it('refuse a peer that is told twice, and an address or a port that does not exist', () => {
    const twice = { namespace: 'orrery', namespaceLabels: { tier: 'gold' } };
    assert.throws(() => allowPeers({ to: [twice], ports: [1] }), refusedAs('PEER_AMBIGUOUS'));
    for (const cidr of ['10.0.0.0', '10.0.0.256/8', '10.0.0.0/33', 'all', '']) {
      assert.throws(() => allowCidrs({ to: [cidr], ports: [443] }), refusedAs('CIDR_INVALID'), cidr);
    }
    for (const port of [0, 65_536, 1.5, -1]) {
      assert.throws(() => allowCidrs({ to: [anywhere], ports: [port] }), refusedAs('PORT_INVALID'), String(port));
    }
  });

  it('open a range where it is meant, and none that ends before it begins', () => {
    const range = allowPeers({ to: [{}], ports: [{ port: 1024, endPort: 65_535, protocol: 'TCP' }] });
    assert.deepEqual(range.egress, [
      { to: [{ podSelector: {} }], ports: [{ protocol: 'TCP', port: 1024, endPort: 65_535 }] },
    ]);
    const backwards = { port: 9000, endPort: 8000, protocol: 'TCP' } as const;
    assert.throws(() => allowPeers({ to: [{}], ports: [backwards] }), refusedAs('PORT_INVALID'));
  });

  it('allow exactly the addresses and ports that they are given', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const cidr = fc.tuple(octet, octet, octet, octet, fc.integer({ min: 1, max: 32 }));
    const ports = fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(cidr, ports, ([a, b, c, d, length], allowed) => {
        const range = `${a}.${b}.${c}.${d}/${length}`;
        assert.deepEqual(allowCidrs({ from: [range], ports: allowed }), {
          ingress: [
            { from: [{ ipBlock: { cidr: range } }], ports: allowed.map((port) => ({ protocol: 'TCP', port })) },
          ],
          egress: [],
        });
      }),
    );
  });
});
