import assert from 'node:assert/strict';
import { planServiceNetwork, serviceLabels } from '#infra/planning/service/service-network.ts';

const labels = serviceLabels('features');
const base = { labels, port: 8080, callsCloud: false };
const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP', port }));
const dns = {
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
};
const pods = (name: string) => ({
  podSelector: { matchLabels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'orrery' } },
});

describe('the network of a service', () => {
  it('is names and nothing else where it declares nobody', () => {
    assert.deepEqual(planServiceNetwork(base), {
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'features', 'app.kubernetes.io/part-of': 'orrery' } },
      policyTypes: ['Egress'],
      egress: [dns],
    });
  });

  it('lets in its callers, the gateway and Prometheus, each at its one port', () => {
    const { ingress } = planServiceNetwork({
      ...base,
      callers: ['orchestrator', 'scoring'],
      gateway: { cidr: '10.20.0.0/16' },
      prometheusNamespace: 'orrery-observability',
    });
    assert.deepEqual(ingress, [
      { from: [pods('orchestrator'), pods('scoring')], ports: tcp(8080) },
      { from: [{ ipBlock: { cidr: '10.20.0.0/16' } }], ports: tcp(8080) },
      {
        from: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery-observability' } },
            podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } },
          },
        ],
        ports: tcp(8080),
      },
    ]);
  });

  it('knows a gateway that is pods by their namespace', () => {
    const { ingress } = planServiceNetwork({ ...base, gateway: { namespace: 'orrery-gateway' } });
    const gateway = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery-gateway' } } };
    assert.deepEqual(ingress, [{ from: [gateway], ports: tcp(8080) }]);
  });

  it('lets it out to its peers and the stores that it needs, in the namespace and where managed ones lie', () => {
    const { egress } = planServiceNetwork({
      ...base,
      peers: ['clickhouse'],
      stores: ['redis', 'kafka'],
      dataCidr: '10.20.0.0/16',
    });
    const ports = tcp(6379, 9092, 9093, 9094, 9096);
    assert.deepEqual(egress, [
      dns,
      { to: [pods('clickhouse')], ports: tcp(8080) },
      { to: [{ podSelector: {} }], ports },
      { to: [{ ipBlock: { cidr: '10.20.0.0/16' } }], ports },
    ]);
    const inside = planServiceNetwork({ ...base, stores: ['clickhouse'] });
    assert.deepEqual(inside.egress, [dns, { to: [{ podSelector: {} }], ports: tcp(8123) }]);
  });

  it('lets it reach AWS only where it calls it: its role’s agent, and TLS anywhere but to the node’s own credentials', () => {
    const { egress } = planServiceNetwork({ ...base, callsCloud: true });
    assert.deepEqual(egress, [
      dns,
      { to: [{ ipBlock: { cidr: '169.254.170.23/32' } }], ports: tcp(80) },
      { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.169.254/32'] } }], ports: tcp(443) },
    ]);
  });
});
