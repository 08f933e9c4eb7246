import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parquetWriteBuffer, type BasicType } from 'hyparquet-writer';
import { after, before, describe, it } from 'mocha';
import type { RawBatch } from '#services/ingest/src/batch.ts';
import { assertUnchanged, inspectDataset } from '#services/ingest/src/dataset-file.ts';
import type { Range } from '#services/ingest/src/ranges.ts';
import type { RowSource } from '#services/ingest/src/row-source.ts';
import { openSource } from '#services/ingest/src/source.ts';
import type { Contract } from '#services/ingest/src/contract.ts';

const contract: Contract = {
  unknownColumns: 'reject',
  columns: {
    left: { type: 'timestamp' },
    late: { type: 'integer' },
    station: { type: 'string', required: false },
  },
};

const flights: Contract = {
  unknownColumns: 'reject',
  columns: {
    date: { type: 'timestamp' },
    delay: { type: 'integer' },
    distance: { type: 'integer' },
    origin: { type: 'string' },
    destination: { type: 'string' },
  },
};

const vega = path.join(import.meta.dirname, '../../../node_modules/vega-datasets/data/flights-3m.parquet');
let folder = '';

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-sources-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function open(format: 'jsonl' | 'parquet', content: string | Buffer, rules = contract): Promise<RowSource> {
  const file = path.join(folder, `rides-${Math.random()}`);
  writeFileSync(file, content);
  return openSource(format, await inspectDataset('rides', { rides: file }), rules);
}

async function readAll(source: RowSource, ranges: readonly Range[]): Promise<RawBatch[]> {
  const batches: RawBatch[] = [];
  for await (const batch of source.read(ranges)) batches.push(batch);
  await source.close();
  return batches;
}

function parquet(columns: { name: string; type: BasicType; data: unknown[] }[], rowGroupSize = 1000): Buffer {
  const columnData = columns.map((column) => ({ ...column, nullable: true })) as Parameters<
    typeof parquetWriteBuffer
  >[0]['columnData'];
  return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize }));
}

describe('a file of JSON lines', () => {
  const lines = [
    '{"left":"2001-06-15T17:30","late":4,"station":"las"}',
    '{"late":5,"left":"2001-06-15T17:31"}\r',
    '',
    '{"left":"2001-06-15T17:30","late":4,',
    '[1,2]',
    '{"left":"x","late":6,"platform":9}',
    '{"left":"2001-06-15T17:32","late":7,"__proto__":{"station":"phl"}}',
  ];

  it('brings values as they are, and tells rows that are none', async () => {
    const source = await open('jsonl', lines.join('\n'));
    assert.equal(source.rows, 7);
    const [batch, ...others] = await readAll(source, [{ lo: 1, hi: 7 }]);
    assert.ok(batch !== undefined && others.length === 0);
    assert.deepEqual(batch.columns.get('late'), [4, 5, undefined, undefined, undefined, 6, 7]);
    assert.deepEqual(batch.columns.get('station'), [
      'las',
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    assert.deepEqual(
      [...batch.faults].map(([position, fault]) => [position, fault.kind, fault.column]),
      [
        [2, 'not_json', ''],
        [3, 'not_json', ''],
        [4, 'not_an_object', ''],
        [5, 'unknown_column', 'platform'],
        [6, 'unknown_column', '__proto__'],
      ],
    );
    assert.equal(batch.body(3), lines[3]);
    assert.equal(batch.body(1), '{"late":5,"left":"2001-06-15T17:31"}');
  });

  it('is read from any range on, and counts a last line without an end', async () => {
    const text = Array.from({ length: 10 }, (_, index) => `{"left":"2001-06-15T17:30","late":${index + 1}}`).join('\n');
    for (const ending of ['', '\n']) {
      const source = await open('jsonl', text + ending);
      assert.equal(source.rows, 10);
      const batches = await readAll(source, [
        { lo: 3, hi: 4 },
        { lo: 9, hi: 10 },
      ]);
      assert.deepEqual(
        batches.map((batch) => [batch.lo, batch.columns.get('late')]),
        [
          [3, [3, 4]],
          [9, [9, 10]],
        ],
      );
    }
  });

  it('is refused a line above the bound, and goes on after it', async () => {
    const long = `{"left":"2001-06-15T17:30","late":1,"station":"${'x'.repeat(3_000_000)}"}`;
    const [batch] = await readAll(await open('jsonl', `${long}\n${lines[0] ?? ''}\n`), [{ lo: 1, hi: 2 }]);
    assert.equal(batch?.faults.get(0)?.kind, 'row_too_long');
    assert.match(batch.faults.get(0)?.reason ?? '', /3000049 bytes, at most 65536/);
    assert.equal(batch.body(0).length, 65_536);
    assert.deepEqual(batch.columns.get('late'), [undefined, 4]);
  });

  it('comes in several batches where rows are large, cut at the same rows each time', async () => {
    const line = `{"left":"2001-06-15T17:30","late":1,"station":"${'x'.repeat(60_000)}"}`;
    const source = await open('jsonl', `${line}\n`.repeat(300));
    const sizes: number[][] = [];
    for (let round = 0; round < 2; round += 1) {
      const batches: RawBatch[] = [];
      for await (const batch of source.read([{ lo: 1, hi: 300 }])) batches.push(batch);
      sizes.push(batches.map((batch) => batch.rows));
    }
    assert.deepEqual(sizes, [
      [140, 140, 20],
      [140, 140, 20],
    ]);
  });

  it('that is empty has no rows', async () => {
    const source = await open('jsonl', '');
    assert.equal(source.rows, 0);
    assert.deepEqual(await readAll(source, []), []);
  });
});

describe('a Parquet file', () => {
  it('brings the real flights by ranges, across its row groups', async () => {
    const file = await inspectDataset('flights', { flights: vega });
    const source = await openSource('parquet', file, flights);
    assert.equal(source.rows, 3_000_000);
    const [first, across] = await readAll(source, [
      { lo: 1, hi: 2 },
      { lo: 272_726, hi: 272_729 },
    ]);
    assert.equal(
      first?.body(0),
      '{"date":"2001-01-01T00:01:00","delay":33,"distance":2176,"origin":"LAS","destination":"PHL"}',
    );
    assert.equal(across?.rows, 4);
    assert.deepEqual(across.columns.get('date'), [979_745_700, 979_745_700, 979_745_700, 979_745_700]);
    assert.ok((across.columns.get('delay') ?? []).every((delay) => Number.isInteger(delay)));
  });

  it('brings nulls, and 64-bit numbers that fit no number as such', async () => {
    const source = await open(
      'parquet',
      parquet(
        [
          { name: 'left', type: 'TIMESTAMP', data: [new Date('2001-06-15T17:30:00Z'), null, new Date(-1500)] },
          { name: 'late', type: 'INT64', data: [4n, null, 2n ** 60n] },
          { name: 'station', type: 'STRING', data: ['las', null, ''] },
        ],
        2,
      ),
    );
    const [batch] = await readAll(source, [{ lo: 1, hi: 3 }]);
    const plain = (name: string) => batch?.columns.get(name)?.map((value) => value ?? null);
    assert.deepEqual(plain('left'), [992_626_200, null, -2]);
    assert.deepEqual(plain('late'), [4, null, Number.NaN]);
    assert.deepEqual(plain('station'), ['las', null, '']);
  });

  it('is refused as a whole, with every reason, when no row of it could be accepted', async () => {
    const content = parquet([
      { name: 'late', type: 'DOUBLE', data: [4.5] },
      { name: 'station', type: 'INT32', data: [1] },
      { name: 'platform', type: 'STRING', data: ['9'] },
    ]);
    await assert.rejects(open('parquet', content), (error: { code: string; message: string }) => {
      assert.equal(error.code, 'FILE_OFF_CONTRACT');
      assert.deepEqual(error.message.split('\n').slice(1), [
        '  - it has no column "left"',
        '  - its column "late" is DOUBLE, not integer',
        '  - its column "station" is INT32, not string',
        '  - the contract knows no column "platform"',
      ]);
      return true;
    });
  });

  it('may lack a column that is not required', async () => {
    const content = parquet([
      { name: 'left', type: 'TIMESTAMP', data: [new Date(0)] },
      { name: 'late', type: 'INT32', data: [4] },
    ]);
    const [batch] = await readAll(await open('parquet', content), [{ lo: 1, hi: 1 }]);
    assert.deepEqual([...(batch?.columns.keys() ?? [])], ['left', 'late']);
  });

  it('that is cut off or none is told as such', async () => {
    const whole = parquet([
      { name: 'left', type: 'TIMESTAMP', data: [new Date(0)] },
      { name: 'late', type: 'INT32', data: [4] },
    ]);
    for (const content of [whole.subarray(0, whole.length - 5), Buffer.from('date,delay\n'), Buffer.alloc(0)]) {
      await assert.rejects(open('parquet', content), { code: 'FILE_UNREADABLE' });
    }
  });
});

describe('a dataset', () => {
  it('is known by the digest of its bytes', async () => {
    const file = path.join(folder, 'abc');
    writeFileSync(file, 'abc');
    const { digest, lines, bytes } = await inspectDataset('letters', { letters: file });
    assert.equal(digest, 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    assert.deepEqual([lines, bytes], [1, 3]);
  });

  it('that nobody bound is told with the nearest that is', async () => {
    await assert.rejects(inspectDataset('flights-3n', { 'flights-3m': '/x', airports: '/y' }), {
      code: 'UNKNOWN_DATASET',
      message: 'unknown dataset "flights-3n": this environment has no file for it',
      hint: 'did you mean "flights-3m"? there are: flights-3m, airports',
    });
  });

  it('whose file is not there is told by name and path', async () => {
    await assert.rejects(inspectDataset('rides', { rides: path.join(folder, 'nowhere') }), {
      code: 'DATASET_UNREADABLE',
    });
  });

  it('whose file was written to since is told', async () => {
    const file = path.join(folder, 'changing');
    writeFileSync(file, 'a\n');
    const inspected = await inspectDataset('rides', { rides: file });
    await assertUnchanged(inspected);
    writeFileSync(file, 'b\nc\n');
    await assert.rejects(assertUnchanged(inspected), { code: 'FILE_CHANGED', retry: 'retryable' });
  });
});
