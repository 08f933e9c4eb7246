import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { countRows, cutRanges, missingRanges } from '#services/ingest/src/ranges.ts';

describe('ranges', () => {
  it('cut a file by row number from 1, the last one shorter', () => {
    assert.deepEqual(cutRanges(7, 3), [
      { lo: 1, hi: 3 },
      { lo: 4, hi: 6 },
      { lo: 7, hi: 7 },
    ]);
    assert.deepEqual(cutRanges(6, 3).at(-1), { lo: 4, hi: 6 });
    assert.deepEqual(cutRanges(0, 3), []);
  });

  it('hold every row once, whatever the sizes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 700 }), (rows, size) => {
        const ranges = cutRanges(rows, size);
        const all = ranges.flatMap(({ lo, hi }) => Array.from({ length: hi - lo + 1 }, (_, index) => lo + index));
        assert.deepEqual(
          all,
          Array.from({ length: rows }, (_, index) => index + 1),
        );
        assert.ok(ranges.every(({ lo, hi }) => hi - lo < size));
      }),
    );
  });

  it('are missing until recorded, and a record of other bounds counts for nothing', () => {
    const all = cutRanges(10, 4);
    assert.deepEqual(missingRanges(all, [{ lo: 5, hi: 8 }]), [
      { lo: 1, hi: 4 },
      { lo: 9, hi: 10 },
    ]);
    assert.deepEqual(missingRanges(all, [{ lo: 5, hi: 9 }]), all);
    assert.equal(countRows(missingRanges(all, [{ lo: 5, hi: 8 }])), 6);
  });
});
