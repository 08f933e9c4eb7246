import assert from 'node:assert/strict';
import { planPlacement } from '#infra/planning/service/spread.ts';

const labels = { 'app.kubernetes.io/name': 'scoring' };
const plain = { labels, nodePools: true, stateful: false, gpus: 0 };
const among = (...values: string[]) => ({
  matchExpressions: [{ key: 'orrery.dev/pool', operator: 'In', values }],
});

describe('where the pods of a service go', () => {
  it('is even over zones and nodes, without ever waiting for it', () => {
    const labelSelector = { matchLabels: { 'app.kubernetes.io/name': 'scoring' } };
    const evenly = { maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway', labelSelector };
    const { topologySpreadConstraints, affinity, tolerations } = planPlacement({ ...plain, nodePools: false });
    assert.deepEqual(topologySpreadConstraints, [
      { topologyKey: 'topology.kubernetes.io/zone', ...evenly },
      { topologyKey: 'kubernetes.io/hostname', ...evenly },
    ]);
    assert.deepEqual(affinity, {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector } },
        ],
      },
    });
    assert.equal(tolerations, undefined);
  });

  it('is spot while there is any, on demand otherwise, and never the pool of the cluster itself', () => {
    const { affinity } = planPlacement(plain) as { affinity: { nodeAffinity: unknown } };
    assert.deepEqual(affinity.nodeAffinity, {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [among('general', 'spot')] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: among('spot') }],
    });
  });

  it('is among tainted nodes for whoever asks for one GPU or more, and for nobody else', () => {
    const tolerations = [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }];
    assert.deepEqual(planPlacement({ ...plain, gpus: 1 }).tolerations, tolerations);
    assert.deepEqual(planPlacement({ ...plain, gpus: 2 }).tolerations, tolerations);
    assert.equal(planPlacement(plain).tolerations, undefined);
  });

  for (const [what, over, pool] of [
    ['owns a volume', { stateful: true }, 'general'],
    ['asks for a GPU', { gpus: 1 }, 'gpu'],
  ] as const) {
    it(`is ${pool} alone for one that ${what}`, () => {
      const { affinity } = planPlacement({ ...plain, ...over }) as { affinity: { nodeAffinity: unknown } };
      assert.deepEqual(affinity.nodeAffinity, {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [among(pool)] },
      });
    });
  }
});
