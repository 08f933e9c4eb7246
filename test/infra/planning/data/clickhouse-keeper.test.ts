import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { planKeeperSpec } from '#infra/planning/data/clickhouse-keeper.ts';

const request = {
  image: `registry.example/keeper:1@sha256:${'b'.repeat(64)}`,
  keepers: 3,
  storageClassName: 'kept',
  nodePools: true,
  labels: { app: 'keeper' },
};

describe('the plan of the keepers', () => {
  it('is as many as it is told, lost one at a time, on volumes that are kept', () => {
    const spec = planKeeperSpec(request);
    assert.deepEqual(spec.configuration.clusters, [
      { name: 'keepers', pdbManaged: 'yes', pdbMaxUnavailable: 1, layout: { replicasCount: 3 } },
    ]);
    assert.equal(spec.defaults.storageManagement.reclaimPolicy, 'Retain');
    assert.deepEqual(spec.templates.volumeClaimTemplates, [
      {
        name: 'data',
        reclaimPolicy: 'Retain',
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'kept',
          resources: { requests: { storage: '10Gi' } },
        },
      },
    ]);
  });

  it('never has two on a node, and spreads them over zones', () => {
    const [pod] = planKeeperSpec(request).templates.podTemplates;
    assert.deepEqual(pod?.spec.affinity, {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'keeper' } } },
        ],
      },
    });
    assert.deepEqual(pod.spec.topologySpreadConstraints, [
      {
        topologyKey: 'topology.kubernetes.io/zone',
        maxSkew: 1,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app: 'keeper' } },
      },
    ]);
    assert.deepEqual(pod.metadata, { labels: { app: 'keeper' } });
  });

  it('is asked whether it keeps up, and given a minute to join before nobody calls it', () => {
    const [pod] = planKeeperSpec(request).templates.podTemplates;
    const { readinessProbe, livenessProbe } = (pod?.spec.containers as types.input.core.v1.Container[])[0] ?? {};
    assert.deepEqual(readinessProbe, {
      httpGet: { path: '/ready', port: 9182 },
      periodSeconds: 5,
      failureThreshold: 12,
    });
    assert.deepEqual(livenessProbe, { tcpSocket: { port: 2181 }, initialDelaySeconds: 15, periodSeconds: 15 });
  });

  it('runs on demand where there are pools, and anywhere else', () => {
    assert.deepEqual(planKeeperSpec(request).templates.podTemplates[0]?.spec.nodeSelector, {
      'orrery.dev/pool': 'general',
    });
    const [pod] = planKeeperSpec({ ...request, nodePools: false }).templates.podTemplates;
    assert.equal(pod?.spec.nodeSelector, undefined);
  });
});
