import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { OrreryError } from '@orrery/kit/errors';
import {
  namedIn,
  resolve,
  resolvePath,
  stepsNamedIn,
  type Scope,
} from '#services/orchestrator/src/work/expressions.ts';

const scope: Scope = {
  parameters: { day: '2001-06-15', rows: 7, dry: false },
  results: new Map<string, unknown>([['train', { outputs: { 'model.onnx': 'sha256:1' }, list: [{ n: null }] }]]),
  run: { id: 's00-1', tenant: 'main', logicalMs: Date.UTC(2026, 2, 1, 6) },
};

describe('an expression', () => {
  it('that stands alone becomes the value itself, of its type', () => {
    assert.equal(resolve('${{ parameters.rows }}', scope), 7);
    assert.equal(resolve('${{parameters.dry}}', scope), false);
    assert.equal(resolve('${{ steps.train.result.list[0].n }}', scope), null);
    assert.deepEqual(resolve('${{ steps.train.result.outputs }}', scope), { 'model.onnx': 'sha256:1' });
  });

  it('within text becomes text', () => {
    assert.equal(resolve('${{ parameters.rows }} rows on ${{ parameters.day }}!', scope), '7 rows on 2001-06-15!');
    assert.equal(resolve('no expression, ${ } and }} are text', scope), 'no expression, ${ } and }} are text');
  });

  it('is found however deep', () => {
    const value = { a: [1, { b: '${{ steps.train.result.outputs["model.onnx"] }}' }], c: null };
    assert.deepEqual(resolve(value, scope), { a: [1, { b: 'sha256:1' }], c: null });
    assert.deepEqual(stepsNamedIn(value), ['train']);
  });

  it('tells what a run is', () => {
    const all = 'run ${{ run.id }} of ${{ run.tenant }}, ${{ run.day }}, ${{ run.time }}';
    assert.equal(resolve(all, scope), 'run s00-1 of main, 2026-03-01, 2026-03-01T06:00:00.000Z');
  });

  it('in a path adds neither segment nor query', () => {
    const wicked = { ...scope, parameters: { day: '../a?b=c#d' } };
    assert.equal(resolvePath('/v1/${{ parameters.day }}/x', wicked), '/v1/..%2Fa%3Fb%3Dc%23d/x');
  });

  const refused: [string, RegExp][] = [
    ['${{ steps.train.result.output }}', /there is no "output"; there is outputs, list/],
    ['${{ steps.train.result.list[3] }}', /there is no "3"/],
    ['${{ steps.train.result.list[0].n.deeper }}', /there is no "deeper" in null/],
    ['${{ steps.other.result }}', /the step "other" has left no result/],
    ['text ${{ steps.train.result.outputs }}', /must stand alone/],
    ['${{ parameters.constructor }}', /there is no "constructor"/],
  ];
  for (const [text, reason] of refused) {
    it(`without a value is a final error: ${text}`, () => {
      assert.throws(
        () => resolve(text, scope),
        (error: unknown) => {
          assert.ok(error instanceof OrreryError);
          assert.equal(`${error.code} ${error.retry}`, 'EXPRESSION_UNRESOLVED terminal');
          assert.match(error.message, reason);
          return true;
        },
      );
    });
  }
});

describe('an expression of the step of a map', () => {
  const inMap: Scope = { ...scope, item: { shop: 'x', lines: [1, 2] }, index: 3 };

  it('knows the item and its place in the list', () => {
    assert.deepEqual(resolve(['${{ item }}', '${{ item.lines[1] }}', '${{ index }}'], inMap), [
      { shop: 'x', lines: [1, 2] },
      2,
      3,
    ]);
    assert.equal(resolve('${{ item }}', { ...inMap, item: null }), null);
  });

  it('without an item is a final error', () => {
    assert.throws(() => resolve('${{ item }}', scope), /only the step of a map has an item/);
    assert.throws(() => resolve('${{ index }}', scope), /only the step of a map has an item/);
  });
});

describe('an expression over what came before', () => {
  const after: Scope = {
    ...scope,
    needs: ['train'],
    lists: new Map([['each', [{ n: 1 }, null]]]),
    event: { day: '2026-03-01' },
  };

  it('has the results of needs by their names', () => {
    assert.deepEqual(resolve('${{ needs }}', after), { train: scope.results.get('train') });
    assert.deepEqual(resolve('${{ needs.train.outputs }}', after), { 'model.onnx': 'sha256:1' });
    assert.throws(() => resolve('${{ needs.other }}', after), /the step does not need "other"/);
  });

  it('has the results of a map in order, null where one failed', () => {
    assert.deepEqual(resolve('${{ steps.each.results }}', after), [{ n: 1 }, null]);
    assert.equal(resolve('${{ steps.each.results[0].n }}', after), 1);
    assert.throws(() => resolve('${{ steps.each.results[2] }}', after), /there is no "2"; it is a list of 2 items/);
    assert.throws(() => resolve('${{ steps.each.results.length }}', after), /there is no "length"/);
    assert.throws(() => resolve('${{ steps.train.results }}', after), /the map "train" has left no results/);
  });

  it('has the event that a trigger came with', () => {
    assert.equal(resolve('on ${{ event.day }}', after), 'on 2026-03-01');
    assert.throws(() => resolve('${{ event.day }}', scope), /no event has started this/);
  });

  it('tells which steps it needs to know of', () => {
    const value = {
      a: '${{ needs }}',
      b: '${{ steps.each.results[0] }}',
      c: ['${{ steps.x.result }}', '${{ needs.y }}'],
    };
    assert.deepEqual(namedIn(value, ['train']), { results: ['train', 'x', 'y'], lists: ['each'] });
  });
});

describe('a value that is resolved', () => {
  it('may be deeper than calls can be', () => {
    let deep: unknown = '${{ parameters.rows }}';
    for (let level = 0; level < 100_000; level += 1) deep = level % 2 === 0 ? [deep] : { deep };
    let found = resolve(deep, scope);
    for (let level = 0; level < 100_000; level += 1) found = Object.values(found as object)[0];
    assert.equal(found, 7);
    assert.deepEqual(stepsNamedIn(deep), []);
  });

  it('keeps __proto__ as a key, and never follows what it inherits', () => {
    const given: unknown = JSON.parse('{"__proto__": {"a": "${{ parameters.rows }}"}}');
    const resolved = resolve(given, scope) as object;
    assert.equal(JSON.stringify(resolved), '{"__proto__":{"a":7}}');
    assert.equal(Object.getPrototypeOf(resolved), Object.prototype);
    for (const text of [
      '${{ steps.train.result.toString }}',
      '${{ steps.train.result["__proto__"] }}',
      '${{ run.valueOf }}',
    ]) {
      assert.throws(() => resolve(text, scope), /there is no "/, text);
    }
  });

  it('is not read again: a result that looks like an expression stays text', () => {
    const wicked = { ...scope, parameters: { day: '${{ run.id }}' } };
    assert.equal(resolve('${{ parameters.day }}', wicked), '${{ run.id }}');
  });
});
