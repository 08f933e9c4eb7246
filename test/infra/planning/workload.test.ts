import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { assertDeployable, planPod, shortDigest, versionAnnotations } from '#infra/planning/workload.ts';

const manifest = {
  name: 'scoring',
  resources: { cpu: 0.5, memoryMiB: 768 },
  probes: { live: '/healthz', ready: '/readyz' },
  scaling: 'cpu',
  stateful: false,
} as const;
const version = {
  release: `sha256:${'1'.repeat(64)}`,
  own: `sha256:${'2'.repeat(64)}`,
  closure: `sha256:${'3'.repeat(64)}`,
};
const image = `registry.example/orrery/scoring@sha256:${'4'.repeat(64)}`;
const labels = { 'app.kubernetes.io/name': 'scoring' };

function containerOf(request = { manifest, version, image, labels }) {
  const [container] = planPod(request).containers;
  assert.ok(container !== undefined);
  return container;
}

describe('planning the pod of a service', () => {
  it('runs the image with its configuration, its token and a place for temporary files', () => {
    const container = containerOf();
    assert.equal(container.image, image);
    assert.deepEqual(container.args, ['--config', '/etc/orrery/config.json']);
    assert.deepEqual(container.volumeMounts, [
      { name: 'config', mountPath: '/etc/orrery', readOnly: true },
      { name: 'secret', mountPath: '/run/orrery', readOnly: true },
      { name: 'temporary', mountPath: '/tmp' },
    ]);
  });

  it('requests what the manifest says and limits memory to it', () => {
    assert.deepEqual(containerOf().resources, {
      requests: { cpu: '0.5', memory: '768Mi' },
      limits: { memory: '768Mi' },
    });
  });

  it('asks the manifest’s probes, and none that it does not name', () => {
    const container = containerOf();
    assert.deepEqual(container.livenessProbe, {
      httpGet: { path: '/healthz', port: 'http' },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    });
    assert.deepEqual(container.readinessProbe, {
      httpGet: { path: '/readyz', port: 'http' },
      periodSeconds: 5,
      timeoutSeconds: 3,
    });
    const silent = planPod({ manifest: { ...manifest, probes: {} }, version, image, labels }).containers[0];
    assert.deepEqual(
      [silent?.livenessProbe, silent?.readinessProbe, silent?.startupProbe],
      [undefined, undefined, undefined],
    );
  });

  it('has no right to be given away: not root, no capability, a root file system that can not be written to', () => {
    const pod = planPod({ manifest, version, image, labels });
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

  it('tells the process and everyone who looks which release and version it is', () => {
    assert.deepEqual(containerOf().env, [
      { name: 'ORRERY_RELEASE', value: version.release },
      { name: 'ORRERY_VERSION_OWN', value: version.own },
      { name: 'ORRERY_VERSION_CLOSURE', value: version.closure },
    ]);
    assert.deepEqual(versionAnnotations(version), {
      'orrery.dev/release': version.release,
      'orrery.dev/own': version.own,
      'orrery.dev/closure': version.closure,
    });
    assert.equal(shortDigest(version.own), '222222222222');
  });

  const range = { min: 1, max: 3 };
  const refused: [string, string, () => void][] = [
    [
      'SERVICE_STATEFUL',
      'a service that owns a folder',
      () => assertDeployable({ ...manifest, stateful: true }, image, range),
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
