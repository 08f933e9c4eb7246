import assert from 'node:assert/strict';
import { encodeRows, readSpec, type Spec } from '#services/scoring/src/encoding.ts';

const spec: Spec = {
  schema: 1,
  output: { name: 'prediction' },
  missing: 'nan',
  target: { unit: 'minutes' },
  inputs: [
    { name: 'hour', type: 'number' },
    { name: 'origin', type: 'category', encoding: { values: { ATL: 4.5, ORD: -2 }, unseen: 1.25 } },
  ],
};

describe('the encoding of feature rows', () => {
  it('lays rows out in the order of the specification, whatever order their keys have', () => {
    const vectors = encodeRows(spec, [
      { origin: 'ATL', hour: 7 },
      { hour: 23, origin: 'ORD' },
    ]);
    assert.deepEqual([...vectors], [7, 4.5, 23, -2]);
  });

  it('takes what is missing as not a number, and an unseen word as the specification says', () => {
    const vectors = encodeRows(spec, [{ hour: null, origin: null }, { origin: 'ZZZ' }]);
    assert.deepEqual([...vectors], [Number.NaN, Number.NaN, Number.NaN, 1.25]);
  });

  it('does not take a word that every object answers to for a known one', () => {
    const words = ['constructor', '__proto__', 'toString'];
    const vectors = encodeRows(
      spec,
      words.map((origin) => ({ hour: 1, origin })),
    );
    assert.deepEqual([...vectors], [1, 1.25, 1, 1.25, 1, 1.25]);
  });

  it('rounds a number to the nearest float32, as training did', () => {
    assert.deepEqual([...encodeRows(spec, [{ hour: 0.1, origin: 'ATL' }])], [0.10000000149011612, 4.5]);
  });

  it('refuses a value of another type, and a specification that it does not know', () => {
    assert.throws(() => encodeRows(spec, [{ hour: '7', origin: 'ATL' }]), { code: 'FEATURE_INVALID' });
    assert.throws(() => readSpec('sha256:x', { ...spec, schema: 2 }), { code: 'PAIR_BROKEN' });
  });
});
