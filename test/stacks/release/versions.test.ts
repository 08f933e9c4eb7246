import assert from 'node:assert/strict';
import fc from 'fast-check';
import { digestOf } from '@orrery/contracts/digest';
import { closureVersions, componentsOf } from '#stacks/release/versions.ts';

const own = (name: string) => digestOf('own', { name });
const service = (name: string, ...peers: string[]) => ({ own: own(name), peers });

describe('synthetic versions', () => {
  it('orders services so that each comes after all it depends on', () => {
    const services = {
      gateway: service('gateway', 'scoring'),
      scoring: service('scoring', 'store'),
      store: service('store'),
    };
    assert.deepEqual(componentsOf(services), [['store'], ['scoring'], ['gateway']]);
  });

  it('keeps services that depend on each other in a circle together', () => {
    const services = { a: service('a', 'b'), b: service('b', 'c'), c: service('c', 'a'), d: service('d', 'a') };
    assert.deepEqual(componentsOf(services), [['a', 'b', 'c'], ['d']]);
  });

  it('changes the closure of exactly those that depend on what changed', () => {
    const before = closureVersions({ a: service('a', 'b'), b: service('b'), c: service('c') });
    const after = closureVersions({ a: service('a', 'b'), b: { own: own('b, changed'), peers: [] }, c: service('c') });
    assert.notEqual(after['a'], before['a']);
    assert.notEqual(after['b'], before['b']);
    assert.equal(after['c'], before['c']);
  });

  it('changes every member of a circle when one of them changes', () => {
    const before = closureVersions({ a: service('a', 'b'), b: service('b', 'a') });
    const after = closureVersions({ a: service('a', 'b'), b: { own: own('other'), peers: ['a'] } });
    assert.notEqual(after['a'], before['a']);
    assert.notEqual(after['b'], before['b']);
  });

  it('does not depend on the order in which services and peers are written', () => {
    const one = closureVersions({ a: service('a', 'b', 'c'), b: service('b'), c: service('c') });
    const other = closureVersions({ c: service('c'), b: service('b'), a: service('a', 'c', 'b') });
    assert.deepEqual(one, other);
  });

  it('changes the closures of exactly those that reach what changed, in any graph', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const graphs = fc.record(Object.fromEntries(names.map((name) => [name, fc.subarray(names, { maxLength: 3 })])));
    fc.assert(
      fc.property(graphs, fc.constantFrom(...names), (peers, changed) => {
        const graph = (text: (name: string) => string) =>
          Object.fromEntries(names.map((name) => [name, { own: own(text(name)), peers: peers[name] ?? [] }]));
        const before = closureVersions(graph((name) => name));
        const after = closureVersions(graph((name) => (name === changed ? `${name}, changed` : name)));
        const differing = names.filter((name) => after[name] !== before[name]);
        assert.deepEqual(
          differing,
          names.filter((name) => reaches(peers, name, changed)),
        );
        assert.equal(new Set(Object.values(before)).size, names.length);
      }),
      { numRuns: 300 },
    );
  });
});

function reaches(peers: Readonly<Record<string, readonly string[]>>, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const name of seen) for (const peer of peers[name] ?? []) seen.add(peer);
  return seen.has(to);
}
