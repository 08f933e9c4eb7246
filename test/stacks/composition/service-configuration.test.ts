import assert from 'node:assert/strict';
import Type from 'typebox';
import { checkConfig } from '#services/kit/src/config.ts';
import {
  configureService,
  type ConfiguredService,
  type Surroundings,
} from '#stacks/composition/service-configuration.ts';
import { record } from '#test/support/pulumi.ts';

const around: Surroundings = {
  environment: 'dev',
  release: `sha256:${'1'.repeat(64)}`,
  live: { delay: `sha256:${'2'.repeat(64)}` },
  redis: { state: 'rediss://state.example:6379', cache: 'rediss://cache.example:6379' },
  clickhouse: { url: 'http://clickhouse.orrery.svc:8123', database: 'orrery' },
  store: { bucket: 'bucket-of-the-store', region: 'eu-west-1' },
  peers: { scoring: 'http://scoring.orrery.svc:8080', orchestrator: 'http://orchestrator.orrery.svc:8080' },
};
const base = { version: { own: 'sha256:own', closure: 'sha256:closure' }, port: 8080, tokenFile: '/run/orrery/token' };
const platform = {
  environment: 'dev',
  release: around.release,
  version: base.version,
  host: '0.0.0.0',
  port: 8080,
  tokenFile: '/run/orrery/token',
};

async function configOf(
  service: Pick<ConfiguredService, 'name' | 'needs' | 'peers'>,
): Promise<Record<string, unknown>> {
  const { result } = await record(
    () => new Promise((resolve) => configureService({ ...base, ...service }, around).apply(resolve)),
  );
  return result as Record<string, unknown>;
}

describe('the configuration of a service in the cloud', () => {
  it('tells a service what its manifest needs', async () => {
    assert.deepEqual(
      await configOf({
        name: 'orchestrator',
        needs: ['redis-state', 'clickhouse', 'store', 'bus'],
        peers: ['scoring'],
      }),
      {
        ...platform,
        service: 'orchestrator',
        redis: { state: 'rediss://state.example:6379' },
        clickhouse: { url: 'http://clickhouse.orrery.svc:8123', database: 'orrery' },
        store: { bucket: 'bucket-of-the-store', region: 'eu-west-1' },
        bus: { driver: 'redis' },
        peers: { scoring: 'http://scoring.orrery.svc:8080' },
      },
    );
  });

  it('tells it nothing else, and no peer that this environment does not run', async () => {
    assert.deepEqual(await configOf({ name: 'scoring', needs: ['redis-cache', 'live-pairs'], peers: ['features'] }), {
      ...platform,
      service: 'scoring',
      redis: { cache: 'rediss://cache.example:6379' },
      live: around.live,
      peers: {},
    });
  });

  it('is what the kit reads, but for the store: the kit knows a folder only, the cloud has a bucket', async () => {
    const { store, ...config } = await configOf({
      name: 'orchestrator',
      needs: ['redis-state', 'redis-cache', 'clickhouse', 'store', 'bus', 'live-pairs'],
      peers: ['scoring'],
    });
    assert.deepEqual(store, { bucket: 'bucket-of-the-store', region: 'eu-west-1' });
    assert.doesNotThrow(() => checkConfig(config, Type.Object({}), 'config.json'));
  });
});
