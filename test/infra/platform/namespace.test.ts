import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { allowApiServer, allowPeers } from '#infra/planning/platform/network-policy.ts';
import { Namespace, type NamespaceArgs } from '#infra/platform/namespace.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const services: NamespaceArgs = { namespaceName: 'orrery', podSecurity: 'restricted', admission: true, gpuQuota: 4 };

function recordNamespace(args: NamespaceArgs = services) {
  return record(() => new Namespace('platform', args));
}

describe('a namespace', () => {
  it('is a namespace with a quota and two network policies, under the names that they always had', async () => {
    const recording = await recordNamespace();
    assert.deepEqual(outline(recording), [
      'orrery:platform:Namespace platform',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-deny < platform',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-dns < platform',
      'kubernetes:core/v1:ResourceQuota platform-gpu-quota < platform',
      'kubernetes:core/v1:Namespace platform-namespace < platform',
    ]);
    assert.deepEqual([...recording.completed], ['platform']);
  });

  it('admits restricted pods only, asks our policies, and allows no more GPUs than the cap', async () => {
    const recording = await recordNamespace();
    assert.deepEqual(resourceNamed(recording, 'platform-namespace').inputs['metadata'], {
      name: 'orrery',
      labels: {
        'app.kubernetes.io/part-of': 'orrery',
        'orrery.dev/admission': 'enforce',
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/warn': 'restricted',
        'pod-security.kubernetes.io/audit': 'restricted',
      },
    });
    assert.deepEqual(resourceNamed(recording, 'platform-gpu-quota').inputs['spec'], {
      hard: { 'requests.nvidia.com/gpu': '4' },
    });
  });

  it('is protected, because deleting it would delete the claims on every volume in it', async () => {
    const { protect, retainOnDelete } = resourceNamed(await recordNamespace(), 'platform-namespace');
    assert.deepEqual([protect, retainOnDelete], [true, true]);
  });

  it('lets its pods ask for names and nothing else, not even each other', async () => {
    const recording = await recordNamespace();
    const deny = resourceNamed(recording, 'platform-deny').inputs;
    assert.deepEqual(deny['metadata'], { namespace: 'orrery' });
    assert.deepEqual(deny['spec'], { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    assert.deepEqual(resourceNamed(recording, 'platform-dns').inputs['spec'], {
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
      ],
    });
  });

  it('opens what it declares, a policy a purpose', async () => {
    const recording = await recordNamespace({
      namespaceName: 'orrery-nodes',
      podSecurity: 'privileged',
      labels: { team: 'platform' },
      network: {
        api: [allowApiServer()],
        metrics: [allowPeers({ from: [{ namespace: 'orrery-observability' }], ports: [9400] })],
      },
    });
    const labels = (resourceNamed(recording, 'platform-namespace').inputs['metadata'] as { labels: object }).labels;
    assert.deepEqual(labels, {
      team: 'platform',
      'app.kubernetes.io/part-of': 'orrery',
      'pod-security.kubernetes.io/enforce': 'privileged',
      'pod-security.kubernetes.io/warn': 'privileged',
      'pod-security.kubernetes.io/audit': 'privileged',
    });
    assert.deepEqual(
      outline(recording).filter((line) => line.includes('NetworkPolicy') || line.includes('Quota')),
      [
        'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-api < platform',
        'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-deny < platform',
        'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-dns < platform',
        'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-metrics < platform',
      ],
    );
    assert.deepEqual(resourceNamed(recording, 'platform-metrics').inputs['spec'], {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery-observability' } } }],
          ports: [{ protocol: 'TCP', port: 9400 }],
        },
      ],
    });
  });

  it('refuses a purpose that opens nothing before anything is registered', async () => {
    await assert.rejects(
      recordNamespace({ ...services, network: { nothing: [] } }),
      (error) => error instanceof PlanError && error.code === 'POLICY_EMPTY',
    );
  });
});
