import assert from 'node:assert/strict';
import { findProblems } from '#stacks/settings/check.ts';
import { serviceRules } from '#stacks/settings/services.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';

/** What is wrong in the keys of this layer. */
function problemsOf(over: Record<string, unknown>): string[] {
  return findProblems('dev', { ...settingsOfFile('dev'), ...over })
    .filter(({ path }) => /^(services|bus|registry)\b/.test(path))
    .map(({ path, reason }) => `${path} ${reason}`);
}

const services = settingsOfFile('dev')['services'] as Record<string, object>;

describe('the settings of services', () => {
  it('name each service, with as many replicas at least as at most and more', () => {
    assert.deepEqual(problemsOf({ services: { ...services, features: { min: 3, max: 2 } } }), [
      'services.features has min above max',
    ]);
    const { ingest: _ingest, ...without } = services;
    assert.deepEqual(problemsOf({ services: without }), ['services.ingest is missing']);
    assert.deepEqual(problemsOf({ services: { ...services, scorer: { min: 1, max: 1 } } }), [
      'services.scorer is no known key',
    ]);
  });

  it('give one that owns a folder a volume and no number, since it is always one', () => {
    assert.deepEqual(problemsOf({ services: { ...services, registry: { min: 1, max: 1 } } }), [
      'services.registry.volumeGiB is missing',
      'services.registry.min is no known key',
      'services.registry.max is no known key',
    ]);
    assert.deepEqual(problemsOf({ services: { ...services, registry: { volumeGiB: 0 } } }), [
      'services.registry.volumeGiB must be >= 1',
    ]);
  });

  it('say by which of two the events travel', () => {
    assert.deepEqual(problemsOf({ bus: 'nats' }), ['bus must be equal to one of the allowed values']);
  });

  it('ask for Kafka only where there are brokers', () => {
    const problemsWith = (settings: object) =>
      serviceRules.flatMap(({ find }) => find({ registry: 'r/o', services, ...settings } as never, 'dev'));
    assert.deepEqual(problemsWith({ bus: 'kafka', kafka: { kind: 'none' } }), [
      {
        path: 'bus',
        value: 'kafka',
        reason: 'has no brokers here',
        fix: 'say redis, or give kafka another kind than none',
      },
    ]);
    assert.equal(problemsWith({ bus: 'kafka' }).length, 1);
    assert.deepEqual(problemsWith({ bus: 'kafka', kafka: { kind: 'strimzi' } }), []);
    assert.deepEqual(problemsWith({ bus: 'redis', kafka: { kind: 'none' } }), []);
  });

  it('name a registry without scheme and tag, with a port where it has one', () => {
    for (const registry of ['localhost:5000/orrery', 'registry.example/team/orrery']) {
      assert.deepEqual(problemsOf({ registry }), []);
    }
    for (const registry of ['https://registry.example/orrery', 'registry.example', 'registry.example/orrery:1']) {
      assert.equal(problemsOf({ registry }).length, 1, registry);
    }
  });
});
