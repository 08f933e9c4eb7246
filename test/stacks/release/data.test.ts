import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, digestOfBytes } from '@orrery/contracts/digest';
import { RunLogEntry, runEventsTopic } from '@orrery/contracts/run-event';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import { describeData, describeKeySpaces, describeTopics } from '#stacks/release/data.ts';

function manifest(name: string, more: Partial<ServiceManifest> = {}): ServiceManifest {
  return {
    name,
    description: name,
    runtime: 'node',
    ports: {},
    consumes: [],
    produces: [],
    keySpaces: [],
    definitions: [],
    native: [],
    peers: [],
    resources: { cpu: 1, memoryMiB: 64 },
    probes: {},
    stateful: false,
    scaling: 'none',
    ...more,
  };
}

describe('the data of a release', () => {
  it('are the numbered migrations alone, each with its text and phase', () => {
    const root = mkdtempSync(join(tmpdir(), 'orrery-data-'));
    try {
      const folder = join(root, 'services', 'a', 'sql');
      mkdirSync(folder, { recursive: true });
      const text = 'CREATE TABLE a (b String) ENGINE = Log';
      writeFileSync(join(folder, '001_create_a.sql'), text);
      writeFileSync(join(folder, '002_drop_b.sql'), 'DROP TABLE b');
      writeFileSync(join(folder, 'select_a.sql'), 'SELECT 1');
      assert.deepEqual(describeData(root, [manifest('a')]).clickhouse, {
        'a/001_create_a.sql': { text: digestOfBytes(text), phase: 'expand' },
        'a/002_drop_b.sql': { text: digestOfBytes('DROP TABLE b'), phase: 'contract' },
      });
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('name who writes and who reads each topic, and its schema', () => {
    const services = [
      manifest('z', { produces: [runEventsTopic] }),
      manifest('b', { consumes: [runEventsTopic] }),
      manifest('a', { consumes: [runEventsTopic], produces: [runEventsTopic] }),
    ];
    assert.deepEqual(describeTopics(services), {
      'orrery.run-events': {
        schema: digestOf('schema', JSON.parse(JSON.stringify(RunLogEntry))),
        producers: ['a', 'z'],
        consumers: ['a', 'b'],
      },
    });
  });

  it('refuse a topic without a schema, naming the topics that have one', () => {
    assert.throws(() => describeTopics([manifest('a', { consumes: ['orrery.run-event'] })]), {
      code: 'TOPIC_UNKNOWN',
      message: /services\/a\/service\.yaml .*"orrery\.run-event"/,
      hint: /orrery\.run-events/,
    });
  });

  it('say of each key space who owns it, and in which Redis it lies', () => {
    const spaces = describeKeySpaces([
      manifest('a', { keySpaces: ['a:*'], needs: ['redis-state', 'clickhouse'] }),
      manifest('b', { keySpaces: ['b:*'], needs: ['redis-cache'] }),
    ]);
    assert.deepEqual(spaces, {
      'a:*': { service: 'a', store: 'state' },
      'b:*': { service: 'b', store: 'cache' },
    });
  });

  it('refuse key spaces with two owners, with no Redis and with two, all at once', () => {
    const services = [
      manifest('a', { keySpaces: ['a:*'], needs: ['redis-state'] }),
      manifest('b', { keySpaces: ['a:*'], needs: ['redis-state'] }),
      manifest('c', { keySpaces: ['c:*'] }),
      manifest('d', { keySpaces: ['d:*'], needs: ['redis-state', 'redis-cache'] }),
    ];
    assert.throws(
      () => describeKeySpaces(services),
      (error: { code: string; message: string }) => {
        assert.equal(error.code, 'DEFINITION_INVALID');
        assert.match(error.message, /services\/b\/service\.yaml has the key space "a:\*", which a owns/);
        assert.match(error.message, /"c:\*" and needs 0 Redis/);
        assert.match(error.message, /"d:\*" and needs 2 Redis/);
        return true;
      },
    );
  });
});
