import assert from 'node:assert/strict';
import type { types } from '@pulumi/kubernetes';
import { PlanError } from '#infra/errors.ts';
import { Service, type ServiceArgs } from '#infra/service/service.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

type Deployment = types.output.apps.v1.DeploymentSpec;

const args: ServiceArgs = {
  namespace: 'orrery',
  clusterName: 'orrery-test',
  manifest: {
    name: 'scoring',
    resources: { cpu: 1, memoryMiB: 1024 },
    probes: { live: '/healthz', ready: '/readyz' },
    scaling: 'cpu',
    stateful: false,
  },
  version: {
    release: `sha256:${'1'.repeat(64)}`,
    own: `sha256:${'2'.repeat(64)}`,
    closure: `sha256:${'3'.repeat(64)}`,
  },
  image: `registry.example/orrery/scoring@sha256:${'4'.repeat(64)}`,
  config: { service: 'scoring', port: 8080 },
  tokenSecretName: 'token-secret',
  replicas: { min: 2, max: 5 },
};

function recordService(over: Partial<ServiceArgs> = {}) {
  return record(() => new Service('scoring', { ...args, ...over }));
}

async function deploymentOf(over: Partial<ServiceArgs> = {}): Promise<Deployment> {
  return resourceNamed(await recordService(over), 'scoring-deployment').inputs['spec'] as Deployment;
}

describe('a service', () => {
  it('is a Deployment behind a fixed name, with a configuration, an account, a budget and an autoscaler', async () => {
    const recording = await recordService();
    assert.deepEqual(outline(recording), [
      'orrery:service:Service scoring',
      'kubernetes:core/v1:ServiceAccount scoring-account < scoring',
      'kubernetes:autoscaling/v2:HorizontalPodAutoscaler scoring-autoscaler < scoring',
      'kubernetes:policy/v1:PodDisruptionBudget scoring-budget < scoring',
      'kubernetes:core/v1:ConfigMap scoring-config < scoring',
      'kubernetes:apps/v1:Deployment scoring-deployment < scoring',
      'kubernetes:core/v1:Service scoring-service < scoring',
    ]);
    assert.deepEqual(resourceNamed(recording, 'scoring-service').inputs['spec'], {
      type: 'ClusterIP',
      selector: { 'app.kubernetes.io/name': 'scoring', 'app.kubernetes.io/part-of': 'orrery' },
      ports: [{ name: 'http', port: 8080, targetPort: 'http' }],
    });
    const url = await recording.textOf(recording.result.url);
    assert.equal(url, 'http://scoring.orrery.svc:8080');
    assert.deepEqual([...recording.completed], ['scoring']);
  });

  it('is replaced one by one: the next pod is ready before one leaves', async () => {
    assert.deepEqual((await deploymentOf()).strategy, {
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
    });
  });

  it('leaves the number of replicas to the autoscaler where there is one', async () => {
    const recording = await recordService();
    const autoscaler = resourceNamed(recording, 'scoring-autoscaler').inputs['spec'] as Record<string, unknown>;
    assert.deepEqual([autoscaler['minReplicas'], autoscaler['maxReplicas']], [2, 5]);
    assert.equal((await deploymentOf()).replicas, undefined);
    const still = { manifest: { ...args.manifest, scaling: 'none' as const }, replicas: { min: 2, max: 2 } };
    assert.equal((await deploymentOf(still)).replicas, 2);
    assert.ok(!outline(await recordService(still)).some((line) => line.includes('autoscaler')));
  });

  it('always allows one pod to be disrupted, so that nodes can be drained', async () => {
    const { inputs } = resourceNamed(await recordService(), 'scoring-budget');
    assert.equal((inputs['spec'] as Record<string, unknown>)['maxUnavailable'], 1);
  });

  it('shows on Deployment and pods which release and version they are of', async () => {
    const recording = await recordService();
    const { inputs } = resourceNamed(recording, 'scoring-deployment');
    const pods = (inputs['spec'] as Deployment).template.metadata;
    for (const metadata of [inputs['metadata'] as typeof pods, pods]) {
      assert.deepEqual(metadata.annotations, {
        'orrery.dev/release': args.version.release,
        'orrery.dev/own': args.version.own,
        'orrery.dev/closure': args.version.closure,
      });
      assert.deepEqual(metadata.labels, {
        'app.kubernetes.io/name': 'scoring',
        'app.kubernetes.io/part-of': 'orrery',
        'app.kubernetes.io/version': '222222222222',
        'orrery.dev/release': '111111111111',
      });
    }
  });

  it('never selects pods by release, so that a release replaces pods instead of orphaning them', async () => {
    const { selector } = await deploymentOf();
    assert.deepEqual(selector.matchLabels, {
      'app.kubernetes.io/name': 'scoring',
      'app.kubernetes.io/part-of': 'orrery',
    });
  });

  it('reads its configuration from an immutable map and its token from the Secret', async () => {
    const recording = await recordService();
    const map = resourceNamed(recording, 'scoring-config').inputs;
    assert.equal(map['immutable'], true);
    assert.deepEqual(map['data'], { 'config.json': '{"service":"scoring","port":8080}' });
    assert.deepEqual((await deploymentOf()).template.spec.volumes, [
      { name: 'config', configMap: { name: '${scoring-config.metadata.name}' } },
      {
        name: 'secret',
        secret: { secretName: 'token-secret', defaultMode: 0o440, items: [{ key: 'token', path: 'token' }] },
      },
      { name: 'temporary', emptyDir: { sizeLimit: '1Gi' } },
    ]);
  });

  it('has a role of its own exactly where it does something in AWS, and waits for it', async () => {
    const recording = await recordService({ policy: '{"Statement":[]}' });
    assert.deepEqual(resourceNamed(recording, 'scoring-identity').inputs, {
      clusterName: 'orrery-test',
      namespace: 'orrery',
      serviceAccount: '${scoring-account.metadata.name}',
      roleArn: '${scoring-role.arn}',
    });
    const { dependencies } = resourceNamed(recording, 'scoring-deployment');
    assert.ok(dependencies.includes('scoring-identity') && dependencies.includes('scoring-policy'));
  });

  it('refuses an image that is not pinned before anything is registered', async () => {
    await assert.rejects(
      recordService({ image: 'registry.example/orrery/scoring:latest' }),
      (error) => error instanceof PlanError && error.code === 'IMAGE_NOT_PINNED',
    );
  });
});
