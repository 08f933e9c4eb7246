import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { OrreryError } from '@orrery/kit/errors';
import { resolve, resolvePath, stepsNamedIn, type Scope } from '#services/orchestrator/src/expressions.ts';

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
