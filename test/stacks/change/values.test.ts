import assert from 'node:assert/strict';
import fc from 'fast-check';
import { diffValues } from '#stacks/change/values.ts';

describe('the difference of two values', () => {
  it('is empty for equal values, whatever the order of their keys', () => {
    assert.deepEqual(diffValues({ a: 1, b: [{ name: 'x' }] }, { b: [{ name: 'x' }], a: 1 }), []);
  });

  it('names each place by a path for people and a pointer for programs', () => {
    assert.deepEqual(diffValues({ a: { 'b/c': 1, d: 2 } }, { a: { 'b/c': 3 } }), [
      { path: 'a["b/c"]', pointer: '/a/b~1c', before: 1, after: 3 },
      { path: 'a.d', pointer: '/a/d', before: 2 },
    ]);
  });

  it('finds items of a list by their name, so that an inserted one changes no other', () => {
    const before = {
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
    };
    const after = {
      env: [
        { name: 'Z', value: '0' },
        { name: 'A', value: '1' },
        { name: 'B', value: '3' },
      ],
    };
    assert.deepEqual(diffValues(before, after), [
      { path: 'env[B].value', pointer: '/env/2/value', before: '2', after: '3' },
      { path: 'env[Z]', pointer: '/env/0', after: { name: 'Z', value: '0' } },
    ]);
  });

  it('tells another order of named items', () => {
    const [first, second] = [{ name: 'a' }, { name: 'b' }];
    assert.deepEqual(diffValues({ list: [first, second] }, { list: [second, first] }), [
      { path: 'list', pointer: '/list', before: ['a', 'b'], after: ['b', 'a'] },
    ]);
  });

  it('keeps a list of plain values whole', () => {
    assert.deepEqual(diffValues({ types: ['a', 'b'] }, { types: ['b', 'c'] }), [
      { path: 'types', pointer: '/types', before: ['a', 'b'], after: ['b', 'c'] },
    ]);
  });

  it('looks into JSON that stands in a text', () => {
    assert.deepEqual(diffValues({ data: '{"port":1,"host":"a"}' }, { data: '{"port":2,"host":"a"}' }), [
      { path: 'data.port', pointer: '/data#/port', before: 1, after: 2 },
    ]);
  });

  it('tells the same JSON in other letters as another text', () => {
    assert.deepEqual(diffValues({ data: '{"a":1}' }, { data: '{ "a": 1 }' }), [
      { path: 'data', pointer: '/data', before: '{"a":1}', after: '{ "a": 1 }' },
    ]);
  });

  it('shows what a secret refers to, and nothing of a secret that is a value', () => {
    const before = { password: { $secret: '${token.result}' }, other: { $secret: { deep: ['canary-one'] } } };
    const after = { password: { $secret: 'canary-two' }, other: { $secret: { deep: ['canary-three'] } } };
    assert.deepEqual(diffValues(before, after), [
      {
        path: 'other',
        pointer: '/other',
        before: { $secret: { deep: ['(hidden)'] } },
        after: { $secret: { deep: ['(hidden)'] } },
      },
      {
        path: 'password',
        pointer: '/password',
        before: { $secret: '${token.result}' },
        after: { $secret: '(hidden)' },
      },
    ]);
  });

  it('hides a secret in a whole that is added or removed', () => {
    assert.deepEqual(diffValues({}, { env: [{ name: 'A', value: { $secret: 'canary' } }] }), [
      { path: 'env', pointer: '/env', after: [{ name: 'A', value: { $secret: '(hidden)' } }] },
    ]);
  });

  it('is empty for equal and never for different JSON values', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (left, right) => {
        const [one, other] = [left, right].map((value) => JSON.parse(JSON.stringify(value)) as unknown);
        const same = canonical(one) === canonical(other);
        assert.equal(diffValues(one, other).length === 0, same);
        assert.deepEqual(diffValues(one, structuredClone(one)), []);
      }),
      { numRuns: 500 },
    );
  });
});

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
