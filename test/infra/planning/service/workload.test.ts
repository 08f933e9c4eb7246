import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import {
  assertDeployable,
  drainSecondsOf,
  planPod,
  shortDigest,
  versionAnnotations,
  type PodRequest,
  type ServiceManifest,
} from '#infra/planning/service/workload.ts';

const manifest: ServiceManifest = {
  name: 'scoring',
  resources: { cpu: 0.5, memoryMiB: 768 },
  probes: { live: '/healthz', ready: '/readyz' },
  scaling: 'cpu',
  stateful: false,
};
const version = {
  release: `sha256:${'1'.repeat(64)}`,
  own: `sha256:${'2'.repeat(64)}`,
  closure: `sha256:${'3'.repeat(64)}`,
};
const image = `registry.example/orrery/scoring@sha256:${'4'.repeat(64)}`;
const labels = { 'app.kubernetes.io/name': 'scoring' };
const mounts = { data: false, store: false, brokers: false };
const request: PodRequest = { manifest, version, image, labels, nodePools: false, mounts };

function containerOf(over: Partial<PodRequest> = {}) {
  const [container] = planPod({ ...request, ...over }).containers;
  assert.ok(container !== undefined);
  return container;
}

describe('planning the pod of a service', () => {
  it('runs the image with its configuration, its token and a place for temporary files', () => {
    const container = containerOf();
    assert.equal(container.image, image);
    assert.equal(container.imagePullPolicy, 'Always');
    assert.deepEqual(container.args, ['--config', '/etc/orrery/config.json']);
    assert.deepEqual(container.volumeMounts, [
      { name: 'config', mountPath: '/etc/orrery', readOnly: true },
      { name: 'release', mountPath: '/etc/orrery-release', readOnly: true },
      { name: 'secret', mountPath: '/run/orrery', readOnly: true },
      { name: 'temporary', mountPath: '/tmp' },
    ]);
  });

  it('is given a folder of its own, the store and what brokers ask for exactly where it has them', () => {
    const mounted = containerOf({ mounts: { data: true, store: true, brokers: true } }).volumeMounts ?? [];
    assert.deepEqual(
      (mounted as { name: string }[]).filter(({ name }) => ['data', 'store', 'brokers'].includes(name)),
      [
        { name: 'data', mountPath: '/var/lib/orrery/data' },
        { name: 'store', mountPath: '/var/lib/orrery/store' },
        { name: 'brokers', mountPath: '/run/orrery-brokers', readOnly: true },
      ],
    );
  });

  it('requests what the manifest says, limits memory to it and cores to four times as much', () => {
    assert.deepEqual(containerOf().resources, {
      requests: { cpu: '0.5', memory: '768Mi', 'ephemeral-storage': '256Mi' },
      limits: { cpu: '2', memory: '768Mi', 'ephemeral-storage': '2Gi' },
    });
  });

  it('asks for GPUs where the manifest does, and goes where they are', () => {
    const gpu = { ...manifest, resources: { ...manifest.resources, gpus: 1 } };
    const { requests, limits } = containerOf({ manifest: gpu }).resources as Record<string, Record<string, string>>;
    assert.deepEqual([requests?.['nvidia.com/gpu'], limits?.['nvidia.com/gpu']], ['1', '1']);
    const { tolerations } = planPod({ ...request, manifest: gpu });
    assert.deepEqual(tolerations, [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
  });

  it('may finish what it does: withdrawn first, then twice the drain that its configuration is told, and ten seconds', () => {
    const graceOf = (over: object) => {
      const pod = planPod({ ...request, manifest: { ...manifest, ...over } });
      return [pod.terminationGracePeriodSeconds, pod.containers[0]?.lifecycle];
    };
    const sleep = (seconds: number) => ({ preStop: { sleep: { seconds } } });
    assert.deepEqual(graceOf({}), [35, sleep(5)]);
    assert.deepEqual(graceOf({ drainSeconds: 60 }), [135, sleep(5)]);
    assert.deepEqual(graceOf({ public: true }), [45, sleep(15)]);
    assert.deepEqual([drainSecondsOf(manifest), drainSecondsOf({ drainSeconds: 60 })], [10, 60]);
  });

  it('asks the manifest’s probes, and none that it does not name', () => {
    const container = containerOf();
    assert.deepEqual(container.livenessProbe, {
      httpGet: { path: '/healthz', port: 'http' },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    });
    assert.deepEqual(container.startupProbe, {
      httpGet: { path: '/healthz', port: 'http' },
      periodSeconds: 2,
      timeoutSeconds: 2,
      failureThreshold: 60,
    });
    assert.deepEqual(container.readinessProbe, {
      httpGet: { path: '/readyz', port: 'http' },
      periodSeconds: 5,
      timeoutSeconds: 3,
    });
    const silent = containerOf({ manifest: { ...manifest, probes: {} } });
    assert.deepEqual(
      [silent.livenessProbe, silent.readinessProbe, silent.startupProbe],
      [undefined, undefined, undefined],
    );
  });

  it('has no right to be given away: not root, no capability, a root file system that can not be written to', () => {
    const pod = planPod(request);
    assert.deepEqual(pod.securityContext, {
      runAsNonRoot: true,
      runAsUser: 10_001,
      runAsGroup: 10_001,
      fsGroup: 10_001,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    });
    assert.deepEqual(containerOf().securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.equal(pod.automountServiceAccountToken, false);
  });

  it('tells the process which version it is, and nothing that changes with every release', () => {
    assert.ok(!JSON.stringify(planPod(request)).includes(version.release));
    assert.deepEqual(containerOf().env, [
      { name: 'ORRERY_VERSION_OWN', value: version.own },
      { name: 'ORRERY_VERSION_CLOSURE', value: version.closure },
    ]);
    assert.deepEqual(versionAnnotations(version), {
      'orrery.dev/own': version.own,
      'orrery.dev/closure': version.closure,
    });
    assert.equal(shortDigest(version.own), '222222222222');
  });

  it('may own a folder where it is one and stays one', () => {
    const alone = { ...manifest, stateful: true, scaling: 'none' } as const;
    assert.doesNotThrow(() => assertDeployable(alone, image, { min: 1, max: 1 }));
    for (const replicas of [
      { min: 1, max: 2 },
      { min: 0, max: 1 },
    ]) {
      assert.throws(() => assertDeployable(alone, image, replicas), { code: 'SERVICE_STATEFUL' });
    }
  });

  const range = { min: 1, max: 3 };
  const refused: [string, string, () => void][] = [
    [
      'SERVICE_STATEFUL',
      'a service that owns a folder and scales',
      () => assertDeployable({ ...manifest, stateful: true }, image, { min: 1, max: 1 }),
    ],
    [
      'SERVICE_STATEFUL',
      'a service that owns a folder in two replicas',
      () => assertDeployable({ ...manifest, stateful: true, scaling: 'none' }, image, { min: 2, max: 2 }),
    ],
    ['IMAGE_NOT_PINNED', 'an image by tag', () => assertDeployable(manifest, 'registry.example/scoring:1.2.3', range)],
    ['IMAGE_NOT_PINNED', 'an image by a broken digest', () => assertDeployable(manifest, 'scoring@sha256:abc', range)],
    ['REPLICAS_INVALID', 'no replica', () => assertDeployable(manifest, image, { min: 0, max: 3 })],
    ['REPLICAS_INVALID', 'more at least than at most', () => assertDeployable(manifest, image, { min: 3, max: 1 })],
    [
      'REPLICAS_INVALID',
      'a range for a service that does not scale',
      () => assertDeployable({ ...manifest, scaling: 'none' }, image, range),
    ],
  ];
  for (const [code, what, plan] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(plan, (error) => error instanceof PlanError && error.code === code);
    });
  }
});
