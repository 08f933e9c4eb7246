import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { loadLookup, type LookupOptions } from '#services/ingest/src/lookup.ts';

const airports = path.join(import.meta.dirname, '../../../node_modules/vega-datasets/data/airports.csv');
let folder = '';

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-lookup-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function load(text: string, columns: LookupOptions['columns'] = { city: 'string', latitude: 'number' }) {
  const file = path.join(folder, 'lookup.csv');
  writeFileSync(file, text);
  return loadLookup({ dataset: 'stations', path: file, key: 'id', columns });
}

describe('a lookup', () => {
  it('holds the real airports, quoted names too', async () => {
    const columns = { name: 'string', city: 'string', latitude: 'number' } as const;
    const lookup = await loadLookup({ dataset: 'airports', path: airports, key: 'iata', columns });
    assert.deepEqual(lookup.find('BTR'), ['Baton Rouge Metropolitan, Ryan', 'Baton Rouge', 30.53316083]);
    assert.equal(lookup.find('ZZZ'), undefined);
    assert.equal(lookup.find('__proto__'), undefined);
    assert.equal(lookup.find(null), undefined);
  });

  it('without a column that is asked for tells the nearest', async () => {
    await assert.rejects(load('id,town,latitude\n'), {
      code: 'LOOKUP_INVALID',
      message: 'the lookup "stations" can\'t be used: it has no column "city"',
      hint: 'its columns are id, town, latitude; did you mean "id"?',
    });
  });

  it('with two rows of one key is refused: which of them would count?', async () => {
    await assert.rejects(
      load('id,city,latitude\nlas,A,1\nphl,B,2\nlas,C,3\n'),
      /the key "las" stands a second time, in record 4/,
    );
  });

  it('with text where a number is declared is refused, naming the record', async () => {
    await assert.rejects(load('id,city,latitude\nlas,A,1\nphl,B,north\n'), /"latitude" is "north" in record 3/);
    await assert.rejects(load('id,city,latitude\nlas,A,\n'), /"latitude" is "" in record 2/);
  });

  it('that is no CSV is refused', async () => {
    await assert.rejects(load('id,city,latitude\nlas,"A,1\n'), { code: 'LOOKUP_INVALID' });
  });
});
