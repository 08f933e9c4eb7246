import assert from 'node:assert/strict';
import { compareGraphs, showDifference } from '#stacks/render/difference.ts';
import { readGraph, writeGraph, type GraphResource } from '#stacks/render/graph.ts';
import { CommandError } from '#stacks/errors.ts';

function resource(name: string, inputs: Record<string, unknown> = {}): GraphResource {
  const urn = `urn:pulumi:dev::orrery::a:b:C::${name}`;
  const type = 'a:b:C';
  return {
    urn,
    type,
    name,
    parent: null,
    custom: true,
    inputs,
    dependencies: [],
    propertyDependencies: {},
    options: {},
  };
}

describe('a graph as text', () => {
  it('is one line a resource, sorted by URN, whatever the order of resources and keys', () => {
    const text = writeGraph([resource('b', { y: 1, x: 2 }), resource('a')]);
    assert.equal(text, writeGraph([resource('a'), resource('b', { x: 2, y: 1 })]));
    assert.deepEqual(
      text.split('\n').map((line) => /::(\w)"}$/.exec(line)?.[1]),
      ['a', 'b', undefined],
    );
  });

  it('refuses what JSON can’t carry exactly, by its place', () => {
    assert.throws(() => writeGraph([resource('a', { when: new Date(0) })]), /\$\.inputs\.when: Date/);
  });

  it('names the line that can’t be read', () => {
    const text = writeGraph([resource('a'), resource('b')]);
    for (const [broken, line] of [
      [text.slice(0, -1), 2],
      [text.replace('}', ''), 1],
      [`${text}null\n`, 3],
    ] as const) {
      assert.throws(
        () => readGraph(broken),
        (error) =>
          error instanceof CommandError && error.code === 'GRAPH_BROKEN' && error.message.includes(`line ${line} `),
      );
    }
  });
});

describe('two graphs', () => {
  it('differ by resource and JSON pointer, each with both values', () => {
    const left = [resource('a', { tags: { 'x/y': 'old' }, list: [1, 2] }), resource('gone')];
    const right = [resource('a', { tags: { 'x/y': 'now' }, list: [1] }), resource('same', {})];
    assert.deepEqual(
      compareGraphs(left, right).map(({ urn, property, left: one, right: other }) => [
        urn.slice(-4),
        property,
        one,
        other,
      ]),
      [
        ['C::a', '/inputs/list/1', 2, undefined],
        ['C::a', '/inputs/tags/x~1y', 'old', 'now'],
        ['gone', '', 'present', undefined],
        ['same', '', undefined, 'present'],
      ],
    );
  });

  it('are shown on one line a difference, however long the values are', () => {
    const [difference] = compareGraphs([resource('a', { text: 'x'.repeat(5000) })], [resource('a')]);
    assert.ok(difference !== undefined);
    const line = showDifference(difference);
    assert.match(line, /::a \/inputs\/text: "x+… or nothing$/);
    assert.ok(line.length < 400);
  });
});
