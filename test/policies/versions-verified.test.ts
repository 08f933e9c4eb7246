import assert from 'node:assert/strict';
import { judge, packOf, type Finding } from '#policies/pack.ts';
import type { Graph } from '#policies/graph.ts';
import type { ListedVersion } from '#policies/rule.ts';
import { exemplar } from './exemplar.ts';

const listed: readonly ListedVersion[] = [
  { kind: 'addon', name: 'coredns', version: 'v1.12.4-eksbuild.29', verified: true },
  { kind: 'chart', name: 'keda', version: '2.18.1', verified: true },
  { kind: 'engine', name: 'valkey', version: '8.2', verified: true },
];

function told({ rule, resource, property }: Finding): string {
  return `${rule}: ${resource.split(' ').at(-1) ?? ''} ${property}`;
}

function found(environment: string, versions: readonly ListedVersion[], graph: Graph = exemplar): string[] {
  return judge(graph, packOf(environment, { versions })).map(told);
}

function unverified(name: string): ListedVersion[] {
  return listed.map((one) => (one.name === name ? { ...one, verified: false } : one));
}

describe('versions of other people’s software', () => {
  it('are admitted in prod where each has been looked up', () => {
    assert.deepEqual(found('prod', listed), []);
  });

  for (const [name, place] of [
    ['coredns', 'dns addonVersion'],
    ['keda', 'keda version'],
  ] as const) {
    it(`are refused in prod, and admitted in dev, where nobody has looked up ${name}`, () => {
      assert.deepEqual(found('prod', unverified(name)), [`versions-verified: ${place}`]);
      assert.deepEqual(found('dev', unverified(name)), []);
    });
  }

  it('of Redis are refused in prod, each time that they are used', () => {
    assert.deepEqual(found('prod', unverified('valkey')), [
      'versions-verified: redis-state-group engineVersion',
      'versions-verified: redis-cache-group engineVersion',
    ]);
  });

  it('are refused everywhere where they are not listed', () => {
    const other = listed.map((one) => (one.name === 'keda' ? { ...one, version: '2.17.0' } : one));
    for (const environment of ['dev', 'prod']) {
      assert.deepEqual(found(environment, other), ['versions-verified: keda version']);
    }
  });

  it('of images are refused by their repository and version; our own images are of the release', () => {
    const image = `docker.io/clickhouse/clickhouse-server:26.3@sha256:${'a'.repeat(64)}`;
    const graph: Graph = {
      resources: [
        ...exemplar.resources,
        {
          type: 'kubernetes:clickhouse.altinity.com/v1:ClickHouseInstallation',
          name: 'analytics',
          protect: true,
          retainOnDelete: true,
          inputs: { spec: { templates: { files: { image } } } },
        },
      ],
    };
    const versions: ListedVersion[] = [
      ...listed,
      { kind: 'image', name: 'docker.io/clickhouse/clickhouse-server', version: '26.3', verified: false },
    ];
    assert.deepEqual(found('prod', versions, graph), ['versions-verified: analytics spec.templates.files.image']);
  });

  it('are not judged by a list where nobody gives one', () => {
    assert.deepEqual(judge(exemplar, packOf('prod')), []);
  });
});
