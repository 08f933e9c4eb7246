import assert from 'node:assert/strict';
import { Namespace } from '#infra/platform/namespace.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

interface NetworkPolicy {
  readonly policyTypes: string[];
  readonly ingress?: unknown;
  readonly egress?: { to: { ipBlock?: { cidr: string } }[]; ports: { port: number }[] }[];
}

function recordNamespace() {
  const args = { namespaceName: 'orrery', quotaGpus: 4, vpcCidr: '10.20.0.0/16' };
  return record(() => new Namespace('platform', args));
}

describe('the platform’s namespace', () => {
  it('is a namespace with a quota and three network policies', async () => {
    const recording = await recordNamespace();
    assert.deepEqual(outline(recording), [
      'orrery:platform:Namespace platform',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-deny < platform',
      'kubernetes:core/v1:ResourceQuota platform-gpu-quota < platform',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-inside < platform',
      'kubernetes:core/v1:Namespace platform-namespace < platform',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy platform-outwards < platform',
    ]);
    assert.deepEqual([...recording.completed], ['platform']);
  });

  it('admits restricted pods only, and no more GPUs than the cap', async () => {
    const recording = await recordNamespace();
    assert.deepEqual(resourceNamed(recording, 'platform-namespace').inputs['metadata'], {
      name: 'orrery',
      labels: {
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

  it('lets nobody in from outside, and pods out to names, Redis, identity and TLS alone', async () => {
    const recording = await recordNamespace();
    const spec = (name: string) => resourceNamed(recording, name).inputs['spec'] as NetworkPolicy;
    assert.deepEqual(spec('platform-deny'), { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    assert.deepEqual(spec('platform-inside').ingress, [{ from: [{ podSelector: {} }] }]);
    assert.deepEqual(spec('platform-outwards').policyTypes, ['Egress']);
    assert.deepEqual(
      spec('platform-outwards').egress?.map(({ to, ports }) => [
        to[0]?.ipBlock?.cidr ?? 'dns',
        ports.map(({ port }) => port),
      ]),
      [
        ['dns', [53, 53]],
        ['10.20.0.0/16', [6379]],
        ['169.254.170.23/32', [80]],
        ['0.0.0.0/0', [443]],
      ],
    );
  });
});
