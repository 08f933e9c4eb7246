import assert from 'node:assert/strict';
import * as kubernetes from '@pulumi/kubernetes';
import { output } from '@pulumi/pulumi';
import type { ClusterLayer, DataLayer } from '#stacks/composition/layers.ts';
import { createServices, releasedServices, serviceUrl, type ServicesRequest } from '#stacks/composition/services.ts';
import type { ServiceSettings } from '#stacks/settings/services.ts';
import { cloudRelease } from '#test/support/cloud-release.ts';
import { record, resourceNamed, resourcesOfType, type Recording } from '#test/support/pulumi.ts';

const releaseDigest = `sha256:${'1'.repeat(64)}`;
const settings: ServiceSettings = {
  registry: 'registry.example/orrery',
  bus: 'redis',
  services: {
    orchestrator: { min: 2, max: 2 },
    scoring: { min: 1, max: 3 },
    features: { min: 1, max: 1 },
    ingest: { min: 1, max: 1 },
    registry: { volumeGiB: 10 },
  },
};

type Over = (request: ServicesRequest) => Partial<ServicesRequest>;

function dataLayer(over: Partial<DataLayer> = {}): DataLayer {
  const redis = (name: string) => ({ url: output(`redis://${name}.orrery.svc:6379`) });
  return {
    redis: { state: redis('redis-state'), cache: redis('redis-cache') },
    clickhouse: { url: output('http://clickhouse.orrery.svc:8080'), database: 'orrery' },
    store: { kind: 'volume', claimName: output('store-volume') },
    ready: [],
    ...over,
  };
}

/** The services on a Kubernetes that is there already, but for what a test says otherwise. */
function compose(over: Over = () => ({})): Promise<Recording<unknown>> {
  return record(() => {
    const request: ServicesRequest = {
      environment: 'test',
      release: cloudRelease(),
      releaseDigest,
      settings,
      cluster: { providers: { kubernetes: new kubernetes.Provider('cluster') }, ready: [] },
      namespace: {
        namespaceName: output('orrery'),
        token: { value: output('hidden'), secretName: output('token-secret'), key: 'token' },
      },
      data: dataLayer(),
      embeddedClickHouse: { volumeGiB: 50 },
    };
    const whole = { ...request, ...over(request) };
    return createServices(releasedServices(whole), whole);
  });
}

/** A cloud of its own: a cluster with a name and pools, a bucket, ClickHouse by its operator. */
const inCloud: Over = ({ cluster }) => {
  const layer = { ...cluster, clusterName: output('orrery-test') } as ClusterLayer;
  const store = { kind: 'bucket' as const, bucketName: output('bucket'), region: 'eu-west-1', policy: output('{}') };
  return { cluster: layer, data: dataLayer({ store }), dataCidr: '10.20.0.0/16', embeddedClickHouse: undefined };
};

interface Rule {
  readonly from?: { podSelector?: { matchLabels: Record<string, string> } }[];
  readonly to?: { podSelector?: { matchLabels?: Record<string, string> } }[];
}

function namesIn(recording: Recording<unknown>, service: string, direction: 'ingress' | 'egress'): string[] {
  const spec = resourceNamed(recording, `${service}-network`).inputs['spec'] as Record<string, Rule[] | undefined>;
  const places = (spec[direction] ?? []).flatMap(({ from = [], to = [] }) => [...from, ...to]);
  return places.flatMap(({ podSelector }) => podSelector?.matchLabels?.['app.kubernetes.io/name'] ?? []);
}

function configOf(recording: Recording<unknown>, service: string): Record<string, unknown> {
  const { data } = resourceNamed(recording, `${service}-config`).inputs as { data: Record<string, string> };
  return JSON.parse(data['config.json'] ?? '') as Record<string, unknown>;
}

describe('the services of an environment', () => {
  it('are all that a release has for the cloud, and one map that tells the release', async () => {
    const recording = await compose();
    const components = recording.resources.filter(({ type }) => type.startsWith('orrery:'));
    assert.deepEqual(
      components.map(({ name }) => name),
      ['clickhouse', 'features', 'ingest', 'orchestrator', 'registry', 'release', 'scoring'],
    );
    assert.deepEqual(resourceNamed(recording, 'release-map').inputs['data'], { release: releaseDigest });
    for (const deployment of resourcesOfType(recording, 'kubernetes:apps/v1:Deployment')) {
      assert.ok(deployment.dependencies.includes('release-map'), deployment.name);
      const { template } = deployment.inputs['spec'] as { template: unknown };
      assert.ok(!JSON.stringify(template).includes(releaseDigest), deployment.name);
    }
    assert.equal(serviceUrl('clickhouse'), 'http://clickhouse.orrery.svc:8080');
  });

  it('let in those alone whose manifest names them, and whoever needs ClickHouse where it is one of them', async () => {
    const recording = await compose();
    assert.deepEqual(namesIn(recording, 'registry', 'ingress'), ['orchestrator']);
    assert.deepEqual(namesIn(recording, 'orchestrator', 'ingress'), []);
    assert.deepEqual(namesIn(recording, 'clickhouse', 'ingress'), ['features', 'ingest', 'orchestrator', 'scoring']);
    const outwards = namesIn(recording, 'orchestrator', 'egress').filter((name) => name !== 'kube-dns');
    assert.deepEqual(outwards, ['clickhouse', 'features', 'ingest', 'registry', 'scoring']);
  });

  it('keep their folders on volumes, start before the others, and share the store where it is a volume', async () => {
    const recording = await compose(() => ({ storageClassName: 'encrypted' }));
    const volumes = resourcesOfType(recording, 'kubernetes:core/v1:PersistentVolumeClaim');
    assert.deepEqual(
      volumes.map(({ name, inputs }) => [name, inputs['spec']]),
      [
        [
          'clickhouse-volume',
          {
            accessModes: ['ReadWriteOnce'],
            storageClassName: 'encrypted',
            resources: { requests: { storage: '50Gi' } },
          },
        ],
        [
          'registry-volume',
          {
            accessModes: ['ReadWriteOnce'],
            storageClassName: 'encrypted',
            resources: { requests: { storage: '10Gi' } },
          },
        ],
      ],
    );
    const { dependencies } = resourceNamed(recording, 'scoring-deployment');
    assert.ok(dependencies.includes('clickhouse-deployment') && dependencies.includes('registry-deployment'));
    for (const [service, shares] of [
      ['scoring', true],
      ['registry', true],
      ['ingest', false],
    ] as const) {
      const text = JSON.stringify(resourceNamed(recording, `${service}-deployment`).inputs['spec']);
      assert.equal(text.includes('"claimName":"store-volume"'), shares, service);
    }
    assert.deepEqual(configOf(recording, 'scoring')['store'], { folder: '/var/lib/orrery/store' });
  });

  it('ask for nothing of AWS on a Kubernetes that is there already, and for no pool of nodes', async () => {
    const recording = await compose();
    const text = JSON.stringify(recording.resources);
    assert.ok(!recording.resources.some(({ type }) => type.startsWith('aws:')));
    assert.ok(!text.includes('orrery.dev/pool'));
  });

  it('have a role in AWS exactly where they need the store, no embedded ClickHouse, and pools', async () => {
    const recording = await compose(inCloud);
    assert.deepEqual(
      resourcesOfType(recording, 'aws:iam/role:Role').map(({ name }) => name),
      ['features-role', 'orchestrator-role', 'registry-role', 'scoring-role'],
    );
    assert.ok(!recording.resources.some(({ name }) => name === 'clickhouse'));
    const spec = JSON.stringify(resourceNamed(recording, 'registry-deployment').inputs['spec']);
    assert.ok(spec.includes('{"key":"orrery.dev/pool","operator":"In","values":["general"]}'));
    assert.deepEqual(namesIn(recording, 'ingest', 'egress'), []);
    const network = JSON.stringify(resourceNamed(recording, 'ingest-network').inputs['spec']);
    assert.ok(network.includes('{"ipBlock":{"cidr":"10.20.0.0/16"}}') && network.includes('8123'));
  });

  it('reach Kafka where events travel by it, with the password that the brokers name', async () => {
    const password = { secretName: 'token-secret', key: 'token' };
    const certificateSecretName = output('kafka-ca');
    const kafka = { brokers: output('one:9093'), username: 'orrery', password, certificateSecretName };
    const withKafka: Over = () => ({ settings: { ...settings, bus: 'kafka' }, data: dataLayer({ kafka }) });
    const recording = await compose(withKafka);
    assert.deepEqual(configOf(recording, 'orchestrator')['bus'], {
      driver: 'kafka',
      brokers: ['one:9093'],
      sasl: { mechanism: 'scram-sha-512', username: 'orrery', passwordFile: '/run/orrery-brokers/password' },
      tls: { caFile: '/run/orrery-brokers/ca.crt' },
    });
    const volumes = JSON.stringify(resourceNamed(recording, 'orchestrator-deployment').inputs['spec']);
    assert.ok(volumes.includes('{"key":"token","path":"password"}') && volumes.includes('kafka-ca'));
    assert.ok(!JSON.stringify(resourceNamed(recording, 'ingest-deployment').inputs).includes('brokers'));
    await assert.rejects(
      compose(() => ({ settings: { ...settings, bus: 'kafka' } })),
      { code: 'BUS_ABSENT' },
    );
  });

  it('show their metrics to Prometheus and nobody else outside', async () => {
    const metrics = { namespaceName: 'orrery-observability', url: 'http://metrics.example:9090' };
    const recording = await compose(() => ({ metrics }));
    for (const policy of resourcesOfType(recording, 'kubernetes:networking.k8s.io/v1:NetworkPolicy')) {
      const { ingress } = policy.inputs['spec'] as { ingress: unknown };
      assert.ok(JSON.stringify(ingress).includes('orrery-observability'), policy.name);
    }
  });

  it('are refused before anything is made where a release lacks one', () => {
    const { registry: _registry, ...services } = cloudRelease().services;
    const release = { ...cloudRelease(), services };
    assert.throws(() => releasedServices({ release, releaseDigest }), {
      code: 'SERVICE_NOT_RELEASED',
      message: /"registry"/,
    });
  });
});
