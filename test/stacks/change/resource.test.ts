import assert from 'node:assert/strict';
import type { ResourceChange } from '#stacks/change/change.ts';
import { compareResources } from '#stacks/change/resource.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { withInput, withOption, without } from './corpus/case.ts';
import { baseGraph, resource } from './corpus/graph.ts';
import { baseWorld } from './corpus/world.ts';

const graph = baseGraph(baseWorld().release);

function told(base: readonly GraphResource[], head: readonly GraphResource[]): string[] {
  return compareResources(base, head).map(({ operation, name }) => `${operation} ${name}`);
}

function only(changes: readonly ResourceChange[], name: string): ResourceChange {
  const [found, ...more] = changes.filter((change) => change.name === name);
  assert.ok(found !== undefined && more.length === 0, `${name} in ${changes.map((one) => one.name).join(', ')}`);
  return found;
}

describe('the resources of two graphs', () => {
  it('do not differ when they are the same, in any order', () => {
    assert.deepEqual(compareResources(graph, graph.toReversed()), []);
  });

  it('are all created where there was nothing', () => {
    const changes = compareResources([], graph);
    assert.deepEqual(new Set(changes.map(({ operation }) => operation)), new Set(['create']));
    assert.equal(changes.length, graph.length);
  });

  it('that are another stack are matched, and named as their own stack names them', () => {
    const dev = JSON.parse(
      JSON.stringify(graph).replaceAll('urn:pulumi:prod::', 'urn:pulumi:dev::'),
    ) as GraphResource[];
    assert.deepEqual(compareResources(dev, graph), []);
    const [change] = compareResources(dev, withInput(graph, 'key', 'description', 'another'));
    assert.equal(change?.urn, 'urn:pulumi:prod::orrery::aws:kms/key:Key::key');
  });

  it('move with the parent that an alias finds, and nothing is deleted', () => {
    const moved = JSON.parse(
      JSON.stringify(graph)
        .replaceAll('::store"', '::objects"')
        .replaceAll('"name":"store"', '"name":"objects"')
        .replaceAll('::store-', '::objects-')
        .replaceAll('"name":"store-', '"name":"objects-')
        .replaceAll('${store-', '${objects-'),
    ) as GraphResource[];
    const aliased = withOption(moved, 'objects', 'aliases', [{ name: 'store' }]);
    assert.deepEqual(told(graph, aliased), ['move objects-bucket', 'replace objects-versioning', 'options objects']);
    assert.deepEqual(
      told(graph, moved).filter((line) => line.startsWith('delete')),
      ['delete store-bucket', 'delete store-versioning', 'delete store'],
    );
  });

  it('move by an alias that is a URN, and by a former type', () => {
    const former = resource('aws:s3/bucketV2:BucketV2', 'logs');
    const urn = resource('aws:s3/bucket:Bucket', 'logs', { options: { aliases: [former.urn] } });
    const type = resource('aws:s3/bucket:Bucket', 'logs', {
      options: { aliases: [{ type: 'aws:s3/bucketV2:BucketV2' }] },
    });
    for (const present of [urn, type]) {
      const [change] = compareResources([former], [present]);
      assert.deepEqual([change?.movedFrom, change?.operation], [former.urn, 'options']);
    }
  });

  it('are only told what the engine ignores', () => {
    const ignoring = withOption(graph, 'redis-state-group', 'ignoreChanges', ['kmsKeyId']);
    const [change] = compareResources(ignoring, withInput(ignoring, 'redis-state-group', 'kmsKeyId', 'other'));
    assert.equal(change?.operation, 'options');
    assert.deepEqual(
      change.properties.map(({ effect }) => effect),
      ['ignore'],
    );
  });

  it('are replaced by what replaceOnChanges names', () => {
    const eager = withOption(graph, 'gpu-quota', 'replaceOnChanges', ['spec.hard']);
    const [change] = compareResources(eager, withInput(eager, 'gpu-quota', 'spec.hard', { pods: '3' }));
    assert.equal(change?.operation, 'replace');
  });

  it('of Kubernetes with a fixed name are deleted before they are made again', () => {
    const fixed = withInput(graph, 'scoring-deployment', 'metadata.name', 'scoring');
    const change = only(
      compareResources(fixed, withInput(fixed, 'scoring-deployment', 'spec.selector', {})),
      'scoring-deployment',
    );
    assert.deepEqual([change.operation, change.order], ['replace', 'delete first']);
    const free = only(
      compareResources(graph, withInput(graph, 'scoring-deployment', 'spec.selector', {})),
      'scoring-deployment',
    );
    assert.equal(free.order, 'create first');
  });

  it('that are replaced and unprotected at once are not refused: the engine allows it', () => {
    const open = withOption(graph, 'redis-state-group', 'protect', undefined);
    const change = only(
      compareResources(graph, withInput(open, 'redis-state-group', 'kmsKeyId', 'other')),
      'redis-state-group',
    );
    assert.equal(change.fate, 'kept');
  });

  it('that are deleted are refused by the protection that they had', () => {
    const change = only(compareResources(graph, without(graph, 'key')), 'key');
    assert.equal(change.fate, 'refused');
  });

  it('follow what is replaced through every reference, and a protected one is refused', () => {
    const changes = compareResources(graph, withInput(graph, 'key', 'keyUsage', 'SIGN_VERIFY'));
    assert.equal(only(changes, 'key').operation, 'replace');
    const database = only(changes, 'redis-state-group');
    assert.deepEqual(database.follows, [{ of: only(changes, 'key').urn, path: 'kmsKeyId', effect: 'replace' }]);
    assert.equal(database.fate, 'refused');
    assert.equal(only(changes, 'scoring-config').follows?.[0]?.effect, 'replace');
    assert.equal(only(changes, 'scoring-deployment').follows?.[0]?.effect, 'update');
  });

  it('of a provider are replaced with it', () => {
    const changes = compareResources(graph, withInput(graph, 'cluster-kubernetes', 'clusterIdentifier', 'another'));
    assert.equal(only(changes, 'clickhouse-volume').follows?.[0]?.path, 'provider');
    assert.equal(only(changes, 'clickhouse-volume').fate, 'refused');
  });

  it('tell every other difference too: another order of things, another parent, another stack output', () => {
    const waiting = graph.map((one) =>
      one.name === 'key' ? { ...one, dependencies: ['urn:pulumi:prod::orrery::x::y'] } : one,
    );
    assert.deepEqual(
      only(compareResources(graph, waiting), 'key').options.map(({ path }) => path),
      ['dependencies'],
    );
    const traced = graph.map((one) => (one.name === 'key' ? { ...one, propertyDependencies: { policy: ['a'] } } : one));
    assert.equal(compareResources(graph, traced).length, 1);
    const exporting = graph.map((one) => (one.parent === null ? { ...one, outputs: { url: 'x' } } : one));
    assert.deepEqual(
      only(compareResources(graph, exporting), 'orrery-prod').properties.map(({ path }) => path),
      ['outputs.release', 'outputs.url'],
    );
  });
});
