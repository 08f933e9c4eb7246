import assert from 'node:assert/strict';
import { output } from '@pulumi/pulumi';
import type { Gateway } from '#infra/platform/gateway.ts';
import { Service, type ServiceArgs } from '#infra/service/service.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const args: Omit<ServiceArgs, 'gateway'> = {
  namespace: 'orrery',
  manifest: {
    name: 'console',
    resources: { cpu: 1, memoryMiB: 512 },
    probes: { live: '/healthz', ready: '/readyz' },
    scaling: 'none',
    stateful: false,
    public: true,
  },
  version: {
    release: `sha256:${'1'.repeat(64)}`,
    own: `sha256:${'2'.repeat(64)}`,
    closure: `sha256:${'3'.repeat(64)}`,
  },
  image: `registry.example/orrery/console@sha256:${'4'.repeat(64)}`,
  config: {},
  tokenSecretName: 'token-secret',
  releaseMapName: 'release',
  replicas: { min: 2, max: 2 },
};

function gateway(): Gateway {
  return {
    kind: 'envoy',
    gatewayName: output('gateway'),
    namespaceName: output('orrery-system'),
    domain: 'dev.orrery.example',
    origin: { namespace: output('orrery-system') },
    ready: [],
  };
}

function recordConsole(isPublic: boolean, hasGateway: boolean) {
  const manifest = { ...args.manifest, public: isPublic };
  return record(() => new Service('console', { ...args, manifest, ...(hasGateway ? { gateway: gateway() } : {}) }));
}

describe('a service that the gateway leads to', () => {
  it('is reached by its name below the domain, and lets the gateway in', async () => {
    const recording = await recordConsole(true, true);
    assert.equal(recording.result.publicUrl, 'https://console.dev.orrery.example');
    const { inputs } = resourceNamed(recording, 'console-route');
    assert.deepEqual((inputs['spec'] as Record<string, unknown>)['hostnames'], ['console.dev.orrery.example']);
    assert.deepEqual(
      (resourceNamed(recording, 'console-network').inputs['spec'] as Record<string, unknown>)['ingress'],
      [
        {
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'orrery-system' } } }],
          ports: [{ protocol: 'TCP', port: 8080 }],
        },
      ],
    );
  });

  for (const [what, isPublic, hasGateway] of [
    ['its manifest does not say so', false, true],
    ['there is no gateway', true, false],
  ] as const) {
    it(`is reached from inside alone where ${what}`, async () => {
      const recording = await recordConsole(isPublic, hasGateway);
      assert.equal(recording.result.publicUrl, undefined);
      assert.ok(!outline(recording).some((line) => line.includes('console-route')));
      const spec = resourceNamed(recording, 'console-network').inputs['spec'] as Record<string, unknown>;
      assert.equal(spec['ingress'], undefined);
    });
  }
});
