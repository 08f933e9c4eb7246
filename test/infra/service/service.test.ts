import assert from 'node:assert/strict';
import type * as kubernetes from '@pulumi/kubernetes';
import { PlanError } from '#infra/errors.ts';
import { Service, type ServiceArgs } from '#infra/service/service.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

type Deployment = kubernetes.types.output.apps.v1.DeploymentSpec;

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
  releaseMapName: 'release',
  replicas: { min: 2, max: 5 },
};

function recordService(over: Partial<ServiceArgs> = {}) {
  return record(() => new Service('scoring', { ...args, ...over }));
}

async function deploymentOf(over: Partial<ServiceArgs> = {}): Promise<Deployment> {
  return resourceNamed(await recordService(over), 'scoring-deployment').inputs['spec'] as Deployment;
}

describe('a service', () => {
  it('is a Deployment behind a fixed name, with a configuration, an account, a budget, a network and an autoscaler', async () => {
    const recording = await recordService();
    assert.deepEqual(outline(recording), [
      'orrery:service:Service scoring',
      'kubernetes:core/v1:ServiceAccount scoring-account < scoring',
      'kubernetes:autoscaling/v2:HorizontalPodAutoscaler scoring-autoscaler < scoring',
      'kubernetes:policy/v1:PodDisruptionBudget scoring-budget < scoring',
      'kubernetes:core/v1:ConfigMap scoring-config < scoring',
      'kubernetes:apps/v1:Deployment scoring-deployment < scoring',
      'kubernetes:networking.k8s.io/v1:NetworkPolicy scoring-network < scoring',
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
    assert.deepEqual(autoscaler['scaleTargetRef'], {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: '${scoring-deployment.metadata.name}',
    });
    assert.equal((await deploymentOf()).replicas, undefined);
    for (const scaling of ['none', 'cpu'] as const) {
      const still = { manifest: { ...args.manifest, scaling }, replicas: { min: 2, max: 2 } };
      assert.equal((await deploymentOf(still)).replicas, 2);
      assert.ok(!outline(await recordService(still)).some((line) => line.includes('autoscaler')));
    }
  });

  it('keeps one of several while a node is drained, and lets a single one go, so that a drain always ends', async () => {
    const budgetOf = async (over: Partial<ServiceArgs>) =>
      resourceNamed(await recordService(over), 'scoring-budget').inputs['spec'] as Record<string, unknown>;
    const several = await budgetOf({});
    assert.deepEqual([several['minAvailable'], several['maxUnavailable']], [1, undefined]);
    assert.equal(several['unhealthyPodEvictionPolicy'], 'AlwaysAllow');
    const single = await budgetOf({ replicas: { min: 1, max: 3 } });
    assert.deepEqual([single['minAvailable'], single['maxUnavailable']], [undefined, 1]);
  });

  it('shows on the Deployment which release it is of, and on pods only what changes with the service', async () => {
    const recording = await recordService();
    const { inputs } = resourceNamed(recording, 'scoring-deployment');
    const version = { 'orrery.dev/own': args.version.own, 'orrery.dev/closure': args.version.closure };
    const labels = {
      'app.kubernetes.io/name': 'scoring',
      'app.kubernetes.io/part-of': 'orrery',
      'app.kubernetes.io/version': '222222222222',
    };
    assert.deepEqual(inputs['metadata'], {
      namespace: 'orrery',
      labels: { ...labels, 'orrery.dev/release': '111111111111' },
      annotations: { 'orrery.dev/release': args.version.release, ...version },
    });
    assert.deepEqual((inputs['spec'] as Deployment).template.metadata, { labels, annotations: version });
  });

  it('replaces no pod for a release that leaves it as it is', async () => {
    const version = { ...args.version, release: `sha256:${'9'.repeat(64)}` };
    assert.deepEqual(await deploymentOf({ version }), await deploymentOf());
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
      { name: 'release', configMap: { name: 'release' } },
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

  it('has no role outside AWS, whatever it may do there', async () => {
    const { clusterName: _clusterName, ...elsewhere } = args;
    const recording = await record(() => new Service('scoring', { ...elsewhere, policy: '{"Statement":[]}' }));
    assert.ok(!outline(recording).some((line) => line.startsWith('aws:')));
    assert.ok(!JSON.stringify(resourceNamed(recording, 'scoring-network').inputs).includes('0.0.0.0/0'));
  });

  it('is bent where its user has a reason', async () => {
    const hurried = (made: kubernetes.apps.v1.DeploymentArgs) => ({
      ...made,
      metadata: { annotations: { team: 'delays' } },
    });
    const recording = await recordService({ transform: { deployment: hurried } });
    const { inputs } = resourceNamed(recording, 'scoring-deployment');
    assert.deepEqual((inputs['metadata'] as { annotations: object }).annotations, { team: 'delays' });
  });

  it('shows the brokers who it is by what lies in their Secrets', async () => {
    const password = { secretName: 'kafka-user', key: 'password' };
    const volumesOf = async (brokers: ServiceArgs['brokers'] & object) =>
      (await deploymentOf({ brokers })).template.spec.volumes.find(({ name }) => name === 'brokers');
    const items = [{ key: 'password', path: 'password' }];
    const user = { secret: { name: 'kafka-user', items } };
    assert.deepEqual(await volumesOf({ password }), {
      name: 'brokers',
      projected: { defaultMode: 0o440, sources: [user] },
    });
    const authority = { secret: { name: 'kafka-ca', items: [{ key: 'ca.crt', path: 'ca.crt' }] } };
    assert.deepEqual(await volumesOf({ password, certificateSecretName: 'kafka-ca' }), {
      name: 'brokers',
      projected: { defaultMode: 0o440, sources: [user, authority] },
    });
  });

  const refused: [string, string, Partial<ServiceArgs>][] = [
    ['IMAGE_NOT_PINNED', 'an image that is not pinned', { image: 'registry.example/orrery/scoring:latest' }],
    [
      'VOLUME_MISSING',
      'a service that owns a folder and is given no volume',
      { manifest: { ...args.manifest, stateful: true, scaling: 'none' }, replicas: { min: 1, max: 1 } },
    ],
    [
      'SIGNAL_ABSENT',
      'a signal that nobody here can be asked for',
      { manifest: { ...args.manifest, scaling: { signal: 'redis-size', key: 'queue', perReplica: 1 } } },
    ],
  ];
  for (const [code, what, over] of refused) {
    it(`refuses ${what} before anything else is registered`, async () => {
      await assert.rejects(recordService(over), (error) => error instanceof PlanError && error.code === code);
    });
  }
});
