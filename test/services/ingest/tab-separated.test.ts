import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Batch, Reject } from '#services/ingest/src/batch.ts';
import { batchColumns, bodyBytesMax, encodeBatch, encodeRejects } from '#services/ingest/src/tab-separated.ts';

const constants = { names: ['tenant'], values: ['main'] };

function batchOf(columns: Record<string, (string | number | null)[]>, positions: number[]): Batch {
  const raw = { lo: 11, rows: 20, columns: new Map(), faults: new Map(), body: () => '' };
  return { raw, positions, columns: new Map(Object.entries(columns)) };
}

describe('tab-separated bodies', () => {
  it('hold constants, the row number and the columns in the order of the table', () => {
    const columns = [
      { name: 'day', shape: { type: 'day', nullable: false } },
      { name: 'departure', shape: { type: 'timestamp', nullable: false } },
      { name: 'latitude', shape: { type: 'number', nullable: true } },
      { name: 'city', shape: { type: 'string', nullable: false } },
    ] as const;
    const batch = batchOf(
      {
        city: ['Las Vegas', 'St. Louis'],
        day: [11_488, 0],
        departure: [992_626_200, 1],
        latitude: [36.08036111, null],
      },
      [0, 5],
    );
    assert.deepEqual(batchColumns(columns, constants), [
      'tenant',
      'row_number',
      'day',
      'departure',
      'latitude',
      'city',
    ]);
    const [piece, ...others] = encodeBatch(batch, columns, constants);
    assert.deepEqual(others, []);
    assert.deepEqual([piece?.lo, piece?.hi, piece?.rows], [11, 16, 2]);
    assert.equal(
      piece?.body.toString(),
      'main\t11\t2001-06-15\t992626200\t36.08036111\tLas Vegas\nmain\t16\t1970-01-01\t1\t\\N\tSt. Louis\n',
    );
  });

  it('escape what the format gives a meaning, and nothing else', () => {
    const columns = [{ name: 'city', shape: { type: 'string', nullable: false } }] as const;
    const [piece] = encodeBatch(batchOf({ city: ['a\tb\\c\nd\re\bf\fg\0h"\'ü🛩 \\N'] }, [0]), columns, constants);
    assert.equal(piece?.body.toString(), 'main\t11\ta\\tb\\\\c\\nd\\re\\bf\\fg\\0h"\'ü🛩 \\\\N\n');
  });

  it('stay below the bound, cut at the same rows each time, and hold every row once', () => {
    const rejects = Array.from({ length: 400 }, (_, index): Reject => ({
      rowNumber: index + 1,
      kind: 'not_json',
      column: '',
      value: 'ü',
      reason: 'r',
      body: 'ü'.repeat(10_000 + ((index * 7919) % 50_000)),
    }));
    const pieces = encodeRejects(rejects, constants);
    assert.ok(pieces.length > 1);
    assert.ok(pieces.every((piece) => piece.body.length <= bodyBytesMax));
    assert.equal(
      pieces.reduce((sum, piece) => sum + piece.rows, 0),
      400,
    );
    pieces.forEach((piece, index) => assert.equal(piece.lo, (pieces[index - 1]?.hi ?? 0) + 1));
    assert.deepEqual(encodeRejects(rejects, constants), pieces);
  });

  it('are none for no rows', () => {
    assert.deepEqual(encodeRejects([], constants), []);
  });
});
