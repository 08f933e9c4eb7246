import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canonicalJson, digestOf, isDigest, parseDocument, writeDocument } from '#services/contracts/src/digest.ts';

function hidden(key: string, value: unknown): object {
  return Object.defineProperty({}, key, { value, enumerable: false });
}

function selfContaining(): object {
  const document: Record<string, unknown> = {};
  document['inner'] = [document];
  return document;
}

const listed = Object.assign([1], { named: 2 });
const nested = Array.from({ length: 101 }).reduce<unknown>((inner) => [inner], 1);

/** What a program might hand over by mistake, where it stands, and what is said of it. */
const refused: readonly (readonly [what: string, document: unknown, message: RegExp])[] = [
  ['undefined', { a: { b: undefined } }, /^\$\.a\.b: undefined/],
  ['undefined in a list', { a: [1, undefined] }, /^\$\.a\[1\]: undefined/],
  ['a hole in a list', { a: [1, , 3] }, /^\$\.a\[1\]: a hole/],
  ['a date', { at: new Date(0) }, /^\$\.at: Date/],
  ['a map', { a: new Map() }, /^\$\.a: Map/],
  ['a buffer', { a: Buffer.from('x') }, /^\$\.a: Buffer/],
  ['a boxed number', { a: Object(1) as unknown }, /^\$\.a: Number/],
  ['a list of a class of its own', { a: new (class Rows extends Array<number> {})() }, /^\$\.a: Rows/],
  ['a list with a named property', { a: listed }, /^\$\.a: the property named/],
  ['a function', { a: () => 1 }, /^\$\.a: a function/],
  ['toJSON', { a: { toJSON: () => 1 } }, /^\$\.a\.toJSON: a function/],
  ['a hidden toJSON', { a: hidden('toJSON', () => 1) }, /^\$\.a\.toJSON: a hidden property/],
  ['a hidden property', { a: hidden('b', 1) }, /^\$\.a\.b: a hidden property/],
  [
    'a computed property',
    {
      get a() {
        return 1;
      },
    },
    /^\$\.a: a computed property/,
  ],
  ['a symbol', { a: Symbol('s') }, /^\$\.a: a symbol/],
  ['a symbol as key', { a: { [Symbol('s')]: 1 } }, /^\$\.a: the key Symbol\(s\)/],
  ['a big integer', { a: 1n }, /^\$\.a: a bigint/],
  ['an integer that is not exact', { a: 2 ** 53 }, /^\$\.a: 9007199254740992 is not exact/],
  ['minus zero', { a: -0 }, /^\$\.a: -0/],
  ['infinity', { a: [Infinity] }, /^\$\.a\[0\]: Infinity/],
  ['no number', { a: NaN }, /^\$\.a: NaN/],
  ['half a character', { a: '\ud800' }, /^\$\.a: a lone surrogate/],
  ['half a character in a key', { a: { '\udc00': 1 } }, /^\$\.a key: a lone surrogate/],
  ['itself', selfContaining(), /^\$\.inner\[0\]: the document contains itself/],
  ['a hundred levels', nested, /deeper than 100 levels/],
];

describe('the digest of a document', () => {
  for (const [what, document, message] of refused) {
    it(`refuses ${what}, naming the path`, () => {
      assert.throws(() => digestOf('tree', document), { name: 'TypeError', message });
    });
  }

  it('is the SHA-256 of the line of its kind and of its RFC 8785 JSON', () => {
    const document = { b: [1, 0.5, '€'], a: null, '\u20ac': true, '1': 'x' };
    assert.equal(writeDocument('tree', document), 'orrery/tree@1\n{"1":"x","a":null,"b":[1,0.5,"€"],"€":true}');
    // printf 'orrery/tree@1\n{}' | sha256sum
    assert.equal(digestOf('tree', {}), 'sha256:64e51aed2b8d29e7fd3078c4e45780cec4cfd102fbad3338662b71027e7b75fd');
    assert.deepEqual(parseDocument(writeDocument('tree', document)), document);
  });

  it('admits one thing at two places, null prototypes and the largest exact integers', () => {
    const shared = { x: 1 };
    const bare = Object.assign(Object.create(null) as object, { a: shared, b: shared });
    assert.equal(canonicalJson([bare, 2 ** 53 - 1]), '[{"a":{"x":1},"b":{"x":1}},9007199254740991]');
  });

  it('is the same for any order of keys, another for another kind or value', () => {
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, 1.25, -7),
        fc.maxSafeInteger().map((value) => (value === 0 ? 0 : value)),
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.string({ unit: 'grapheme' }), tie('tree'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), tree, { noNullPrototype: true }), (document) => {
        const turned = Object.fromEntries(Object.entries(document).reverse());
        assert.equal(digestOf('tree', turned), digestOf('tree', document));
        assert.notEqual(digestOf('config', document), digestOf('tree', document));
        assert.notEqual(digestOf('tree', { ...document, 'another key': 1 }), digestOf('tree', document));
        assert.ok(isDigest(digestOf('tree', document)));
      }),
      { numRuns: 200 },
    );
  });
});
