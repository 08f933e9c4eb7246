import assert from 'node:assert/strict';
import { CommandError } from '#stacks/errors.ts';
import { checkSettings, findProblems } from '#stacks/settings/check.ts';
import { settingsOfConfig } from '#stacks/settings/configuration.ts';
import { pulumiConfig, settingsOfFile } from '#test/support/cloud-release.ts';

type Settings = Record<string, Record<string, unknown>>;

function changed(environment: string, change: (settings: Settings) => void): unknown {
  const settings = structuredClone(settingsOfFile(environment)) as Settings;
  change(settings);
  return settings;
}

/** Path and reason of each problem: what a person looks for first. */
function problemsOf(environment: string, change: (settings: Settings) => void): string[] {
  return findProblems(environment, changed(environment, change)).map(({ path, reason }) => `${path} ${reason}`);
}

describe('the settings of an environment', () => {
  for (const environment of ['dev', 'prod', 'kubernetes']) {
    it(`are complete and right in Pulumi.${environment}.yaml`, () => {
      assert.deepEqual(findProblems(environment, settingsOfFile(environment)), []);
    });
  }

  it('name every problem at once, each with path, value, reason and remedy', () => {
    const settings = changed('dev', (made) => {
      made['region'] = 'Ireland' as never;
      (made['network'] as Record<string, unknown>)['nats'] = 'single';
      (made['spot'] as Record<string, unknown>)['nodesMax'] = 0;
      delete made['gpuMax'];
    });
    assert.deepEqual(
      findProblems('dev', settings).sort((left, right) => (left.path < right.path ? -1 : 1)),
      [
        {
          path: 'gpuMax',
          value: null,
          reason: 'is missing',
          fix: 'give the one cap of GPUs: node pool, quota and autoscaler all follow it',
        },
        { path: 'network.nats', value: 'nats', reason: 'is no known key', fix: 'did you mean "nat"?' },
        {
          path: 'region',
          value: 'Ireland',
          reason: 'must match pattern "^[a-z]{2}(-[a-z]+)+-\\d$"',
          fix: 'an AWS region such as eu-west-1',
        },
        {
          path: 'spot.nodesMax',
          value: 0,
          reason: 'must be >= 1',
          fix: 'nodes that are never exceeded, of the largest type',
        },
      ],
    );
    assert.throws(
      () => checkSettings('dev', settings),
      (error) =>
        error instanceof CommandError &&
        error.code === 'SETTINGS_INVALID' &&
        ['gpuMax', 'network.nats', 'region', 'spot.nodesMax'].every((path) => error.message.includes(path)),
    );
  });

  it('are refused where fields do not go together, all of them at once', () => {
    const problems = findProblems(
      'dev',
      changed('dev', (made) => {
        Object.assign(made['network'] ?? {}, { cidr: '10.20.1.0/16', zones: ['eu-west-1a', 'us-east-1b'] });
        Object.assign(made['system'] ?? {}, { nodesMin: 1 });
        Object.assign(made['spot'] ?? {}, { instanceTypes: ['m5.large', 'c5.large'] });
        Object.assign(made['gpu'] ?? {}, { instanceTypes: ['g6.xlarge', 'g6.12xlarge'] });
        Object.assign(made['services'] ?? {}, { scoring: { min: 3, max: 2 } });
      }),
    );
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['network.zones', 'network', 'system', 'spot', 'gpuMax', 'services.scoring'],
    );
  });

  it('never open the cluster to everyone', () => {
    const open = problemsOf('dev', (made) => {
      Object.assign(made['cluster'] ?? {}, { publicAccessCidrs: ['0.0.0.0/0'] });
    });
    assert.equal(open.length, 1);
    assert.match(open[0] ?? '', /^cluster\.publicAccessCidrs\.0 must match/);
  });

  it('know one number of GPUs and no second', () => {
    const second = problemsOf('dev', (made) => {
      Object.assign(made['gpu'] ?? {}, { nodesMax: 8 });
    });
    assert.deepEqual(second, ['gpu.nodesMax is no known key']);
  });

  it('hold prod to what prod promises', () => {
    const problems = findProblems('prod', settingsOfFile('dev'));
    assert.deepEqual(
      problems.map(({ path }) => path),
      [
        'network.nat',
        'cluster.publicAccessCidrs',
        'system.nodesMin',
        'redis.state.replicas',
        'redis.state.snapshotDays',
        'clickhouse.replicas',
        'clickhouse.keepers',
        'kafka.brokers',
        'store.lock.mode',
        'gateway.deletionProtection',
        'operators.replicas',
        'observability.metabase',
        'observability.logDays',
        'observability.metrics.retentionDays',
      ],
    );
    const twoZones = problemsOf('prod', (made) => {
      Object.assign(made['network'] ?? {}, { zones: ['eu-west-1a', 'eu-west-1b'] });
    });
    assert.deepEqual(twoZones, ['network.zones are not three']);
  });

  it('mean the same from the file and from Pulumi’s configuration', () => {
    for (const environment of ['dev', 'prod', 'kubernetes']) {
      const settings = settingsOfFile(environment);
      const config = { ...pulumiConfig(settings), 'aws:region': 'elsewhere' };
      assert.deepEqual(settingsOfConfig(config), settings);
    }
  });
});
