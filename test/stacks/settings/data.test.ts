import assert from 'node:assert/strict';
import { findProblems } from '#stacks/settings/check.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';

type Settings = Record<string, Record<string, unknown>>;

const statePod = { kind: 'statefulset', cpu: 0.5, memoryMiB: 1024, volumeGiB: 2 };
const msk = { kind: 'msk', brokers: 3, instanceType: 'kafka.m7g.large', volumeGiB: 100 };

const keys = ['redis', 'clickhouse', 'kafka', 'store', 'archive', 'images', 'spark'];

/** Paths of the problems of data that a change of an environment's own file brings, sorted. */
function pathsOf(environment: string, change: (settings: Settings) => void): string[] {
  const settings = structuredClone(settingsOfFile(environment)) as Settings;
  change(settings);
  return findProblems(environment, settings)
    .map(({ path }) => path)
    .filter((path) => keys.includes(path.split('.')[0] ?? ''))
    .sort();
}

function put(key: string, value: Record<string, unknown>): (settings: Settings) => void {
  return (settings) => void Object.assign(settings[key] ?? {}, value);
}

function kafka(form: Record<string, unknown>): (settings: Settings) => void {
  return (settings) => void (settings['kafka'] = form);
}

describe('the settings of data', () => {
  for (const environment of ['dev', 'prod']) {
    it(`are right in Pulumi.${environment}.yaml`, () => {
      assert.deepEqual(
        pathsOf(environment, () => undefined),
        [],
      );
    });
  }

  it('take Redis by AWS or in a pod, each by its own form', () => {
    assert.deepEqual(pathsOf('dev', put('redis', { state: statePod })), []);
    assert.deepEqual(pathsOf('dev', put('redis', { cache: { kind: 'statefulset', cpu: 0.1, memoryMiB: 64 } })), []);
    assert.deepEqual(pathsOf('dev', put('redis', { state: { ...statePod, nodeType: 'cache.t4g.micro' } })), [
      'redis.state.nodeType',
    ]);
    assert.deepEqual(pathsOf('dev', put('redis', { cache: { kind: 'statefulset', cpu: 0.1, memoryMiB: 63 } })), [
      'redis.cache.memoryMiB',
    ]);
  });

  it('refuse state whose log can not be rewritten', () => {
    assert.deepEqual(pathsOf('dev', put('redis', { state: { ...statePod, memoryMiB: 1025 } })), ['redis.state']);
  });

  it('hold prod to a state that survives a zone and is kept for a week', () => {
    const managed = { kind: 'elasticache', nodeType: 'cache.r7g.large', replicas: 1, snapshotDays: 7 };
    assert.deepEqual(pathsOf('prod', put('redis', { state: managed })), []);
    assert.deepEqual(pathsOf('prod', put('redis', { state: { ...managed, replicas: 0, snapshotDays: 6 } })), [
      'redis.state.replicas',
      'redis.state.snapshotDays',
    ]);
    assert.deepEqual(pathsOf('prod', put('redis', { state: statePod })), ['redis.state.kind']);
  });

  it('refuse keepers without a majority of their own', () => {
    assert.deepEqual(pathsOf('dev', put('clickhouse', { keepers: 2 })), ['clickhouse']);
    assert.deepEqual(pathsOf('dev', put('clickhouse', { keepers: 3 })), []);
    assert.deepEqual(pathsOf('dev', put('clickhouse', { keepers: 0 })), ['clickhouse.keepers']);
  });

  it('refuse rows spread over servers of which a service reads one', () => {
    assert.deepEqual(pathsOf('dev', put('clickhouse', { shards: 2 })), ['clickhouse.shards']);
    assert.deepEqual(pathsOf('prod', put('clickhouse', { shards: 32 })), ['clickhouse.shards']);
    assert.deepEqual(pathsOf('dev', put('clickhouse', { shards: 33 })), ['clickhouse.shards']);
  });

  it('hold prod to copies in two zones, keepers that can lose one, and backups of a week', () => {
    assert.deepEqual(pathsOf('prod', put('clickhouse', { replicas: 2, keepers: 3 })), []);
    assert.deepEqual(pathsOf('prod', put('clickhouse', { replicas: 1, keepers: 1 })), [
      'clickhouse.keepers',
      'clickhouse.replicas',
    ]);
    assert.deepEqual(pathsOf('prod', put('clickhouse', { backup: { schedule: '0 1 * * *', keepDays: 6 } })), [
      'clickhouse.backup.keepDays',
    ]);
    assert.deepEqual(pathsOf('prod', put('clickhouse', { backup: { schedule: '0 1 * * *', keepDays: 7 } })), []);
  });

  it('refuse a schedule that is none', () => {
    assert.deepEqual(pathsOf('dev', put('clickhouse', { backup: { schedule: 'daily', keepDays: 7 } })), [
      'clickhouse.backup.schedule',
    ]);
  });

  it('take events by Redis Streams, by pods or by AWS', () => {
    assert.deepEqual(pathsOf('dev', kafka({ kind: 'none' })), []);
    assert.deepEqual(pathsOf('dev', kafka(msk)), []);
    assert.deepEqual(pathsOf('dev', kafka({ kind: 'none', brokers: 3 })), ['kafka.brokers']);
  });

  it('refuse brokers that can not agree, or that zones can not hold evenly', () => {
    assert.deepEqual(pathsOf('dev', put('kafka', { brokers: 2 })), ['kafka']);
    assert.deepEqual(pathsOf('dev', put('kafka', { brokers: 3 })), []);
    assert.deepEqual(pathsOf('dev', kafka({ ...msk, brokers: 4 })), ['kafka.brokers']);
    assert.deepEqual(pathsOf('dev', kafka({ ...msk, brokers: 6 })), []);
  });

  it('hold prod to brokers of which one may fall', () => {
    assert.deepEqual(pathsOf('prod', put('kafka', { brokers: 1 })), ['kafka.brokers']);
    assert.deepEqual(pathsOf('prod', put('kafka', { brokers: 3 })), []);
    assert.deepEqual(pathsOf('prod', kafka(msk)), []);
  });

  it('hold prod to a lock that nobody lifts', () => {
    assert.deepEqual(pathsOf('prod', put('store', { lock: { mode: 'GOVERNANCE', days: 400 } })), ['store.lock.mode']);
    assert.deepEqual(pathsOf('dev', put('store', { lock: { mode: 'FOREVER', days: 1 } })), ['store.lock.mode']);
  });

  it('know two ways to scan images', () => {
    assert.deepEqual(pathsOf('dev', put('images', { scan: 'never' })), ['images.scan']);
    assert.deepEqual(pathsOf('dev', put('images', { scan: 'enhanced' })), []);
  });
});
