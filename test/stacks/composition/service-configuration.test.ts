import assert from 'node:assert/strict';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import Type from 'typebox';
import { checkConfig } from '#services/kit/src/config.ts';
import { configureService, type Surroundings } from '#stacks/composition/service-configuration.ts';
import { cloudRelease } from '#test/support/cloud-release.ts';
import { record } from '#test/support/pulumi.ts';

const around: Surroundings = {
  environment: 'dev',
  live: { delay: `sha256:${'2'.repeat(64)}` },
  redis: { state: 'rediss://state.example:6379', cache: 'rediss://cache.example:6379' },
  clickhouse: { url: 'http://clickhouse.orrery.svc:8123', database: 'orrery' },
  store: { bucket: 'bucket-of-the-store', region: 'eu-west-1' },
  bus: 'redis',
  peers: { scoring: 'http://scoring.orrery.svc:8080', orchestrator: 'http://orchestrator.orrery.svc:8080' },
};
const version = { own: 'sha256:own', closure: 'sha256:closure' };
const platform = {
  environment: 'dev',
  releaseFile: '/etc/orrery-release/release',
  version,
  host: '0.0.0.0',
  port: 8080,
  tokenFile: '/run/orrery/token',
  drainMs: 10_000,
};
const kafka = { brokers: 'one:9093,two:9093', username: 'orrery', ownAuthority: true };

async function configOf(
  name: string,
  over: Partial<ServiceManifest> = {},
  place: Partial<Surroundings> = {},
): Promise<Record<string, unknown>> {
  const service = cloudRelease().services[name];
  assert.ok(service !== undefined);
  const manifest = { ...service.manifest, ...over };
  const { result } = await record(
    () => new Promise((resolve) => configureService({ manifest, version }, { ...around, ...place }).apply(resolve)),
  );
  return result as Record<string, unknown>;
}

describe('the configuration of a service in the cloud', () => {
  it('tells a service what its manifest needs', async () => {
    assert.deepEqual(await configOf('orchestrator'), {
      ...platform,
      service: 'orchestrator',
      definitionsFolder: '/opt/orrery/definitions',
      redis: { state: 'rediss://state.example:6379' },
      clickhouse: { url: 'http://clickhouse.orrery.svc:8123', database: 'orrery' },
      store: { bucket: 'bucket-of-the-store', region: 'eu-west-1' },
      bus: { driver: 'redis' },
      peers: { scoring: 'http://scoring.orrery.svc:8080' },
    });
  });

  it('tells it nothing else, and no peer that this environment does not run', async () => {
    assert.deepEqual(await configOf('scoring', { needs: ['redis-cache', 'live-pairs'], drainSeconds: 30 }), {
      ...platform,
      service: 'scoring',
      redis: { cache: 'rediss://cache.example:6379' },
      live: around.live,
      peers: {},
      drainMs: 30_000,
    });
  });

  it('names the folder that a service owns, and the store where it is a volume', async () => {
    const { dataFolder, store } = await configOf('registry', {}, { store: 'volume' });
    assert.deepEqual([dataFolder, store], ['/var/lib/orrery/data', { folder: '/var/lib/orrery/store' }]);
  });

  it('leads to Kafka by name, password and certificate, and then to no Redis for the bus alone', async () => {
    const { bus, redis } = await configOf('orchestrator', { needs: ['bus'] }, { bus: kafka });
    assert.deepEqual(bus, {
      driver: 'kafka',
      brokers: ['one:9093', 'two:9093'],
      sasl: { mechanism: 'scram-sha-512', username: 'orrery', passwordFile: '/run/orrery-brokers/password' },
      tls: { caFile: '/run/orrery-brokers/ca.crt' },
    });
    assert.equal(redis, undefined);
    const byPublicAuthority = await configOf('orchestrator', {}, { bus: { ...kafka, ownAuthority: false } });
    assert.deepEqual((byPublicAuthority['bus'] as { tls: object }).tls, {});
    const { redis: streams } = await configOf('orchestrator', { needs: ['bus'] });
    assert.deepEqual(streams, { state: 'rediss://state.example:6379' });
  });

  for (const [what, place] of [
    ['with Redis Streams and a bucket', {}],
    ['with Redis Streams and a volume', { store: 'volume' }],
    ['with Kafka and a volume', { store: 'volume', bus: kafka }],
  ] as const) {
    it(`is what the kit reads ${what}`, async () => {
      const needs = ['redis-state', 'redis-cache', 'clickhouse', 'store', 'bus', 'live-pairs'] as const;
      const config = await configOf('orchestrator', { needs: [...needs], stateful: true }, place);
      assert.doesNotThrow(() => checkConfig({ ...config, release: 'of the file' }, Type.Object({}), 'config.json'));
    });
  }
});
