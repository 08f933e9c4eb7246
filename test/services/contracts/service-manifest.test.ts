import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Scaling, ServiceManifest } from '@orrery/contracts/service-manifest';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

const ajv = new Ajv2020({ strict: false });
const isManifest = ajv.compile(ServiceManifest);
const isScaling = ajv.compile(Scaling);
const folder = join(import.meta.dirname, '../../../services');
const scoring = parse(readFileSync(join(folder, 'scoring/service.yaml'), 'utf8')) as Record<string, unknown>;

describe('the manifest of a service', () => {
  it('may say nothing of GPUs, the gateway or its drain, as those before them did', () => {
    const { public: _public, drainSeconds: _drainSeconds, ...earlier } = scoring;
    assert.ok(isManifest({ ...earlier, scaling: 'cpu' }));
    assert.ok(isManifest({ ...earlier, scaling: 'none' }));
  });

  it('says what the number of replicas follows: nothing, cores, a queue in Redis, the lag of a topic, or a query', () => {
    for (const scaling of [
      'none',
      'cpu',
      { signal: 'redis-size', key: 'queue:campaigns:{main}', perReplica: 100 },
      { signal: 'kafka-lag', topic: 'orrery.run-events', group: 'recorder', perReplica: 1000 },
      { signal: 'prometheus', query: 'sum(orrery_requests_in_flight)', perReplica: 0.5 },
    ]) {
      assert.ok(isScaling(scaling), JSON.stringify(scaling));
    }
  });

  it('is refused with a signal that nobody reads, or that lacks what it is measured by', () => {
    for (const scaling of [
      'memory',
      { signal: 'sqs-depth', queue: 'objects', perReplica: 10 },
      { signal: 'redis-size', key: 'queue:campaigns:{main}' },
      { signal: 'redis-size', key: 'queue:campaigns:{main}', perReplica: 0 },
      { signal: 'kafka-lag', topic: 'orrery.run-events', perReplica: 10 },
      { signal: 'prometheus', query: 'up', perReplica: 1, topic: 'orrery.run-events' },
    ]) {
      assert.ok(!isScaling(scaling), JSON.stringify(scaling));
    }
    assert.ok(!isManifest({ ...scoring, drainSeconds: 0 }));
    assert.ok(!isManifest({ ...scoring, resources: { cpu: 1, memoryMiB: 512, gpus: 0.5 } }));
  });

  it('is what each service of this tree has', () => {
    const names = readdirSync(folder).filter((name) => readdirSync(join(folder, name)).includes('service.yaml'));
    assert.ok(names.length >= 7);
    for (const name of names) {
      assert.ok(isManifest(parse(readFileSync(join(folder, name, 'service.yaml'), 'utf8'))), name);
    }
  });
});
