import assert from 'node:assert/strict';
import { phaseOf, type Phase } from '#stacks/release/migrations.ts';

const file = 'services/a/sql/007_change_rows.sql';

const known: readonly (readonly [Phase, string])[] = [
  ['expand', 'CREATE TABLE IF NOT EXISTS rows (a String) ENGINE = MergeTree ORDER BY a'],
  ['expand', "create table t (note String comment 'drop; rename') engine = Log; create view v as select * from t"],
  ['expand', 'CREATE MATERIALIZED VIEW v TO t AS SELECT a, count() FROM rows GROUP BY a'],
  ['expand', "ALTER TABLE rows ADD COLUMN IF NOT EXISTS b UInt8 DEFAULT if(a = 'x', 1, 2), ADD INDEX i b TYPE minmax"],
  ['expand', 'ALTER TABLE `odd; name` ON CLUSTER main ADD COLUMN b UInt8'],
  ['backfill', 'INSERT INTO rows SELECT a FROM older'],
  ['backfill', 'INSERT INTO rows (a, b) VALUES (1, 2)'],
  ['backfill', 'ALTER TABLE rows UPDATE b = 1 WHERE b = 0'],
  ['backfill', 'ALTER TABLE rows MATERIALIZE COLUMN b'],
  ['backfill', 'CREATE TABLE copy ENGINE = MergeTree ORDER BY a AS SELECT a FROM rows'],
  ['backfill', 'CREATE MATERIALIZED VIEW v ENGINE = Log POPULATE AS SELECT a FROM rows'],
  ['contract', 'DROP TABLE rows'],
  ['contract', 'RENAME TABLE rows TO old'],
  ['contract', 'EXCHANGE TABLES rows AND next'],
  ['contract', 'TRUNCATE TABLE rows'],
  ['contract', 'DELETE FROM rows WHERE a = 1'],
  ['contract', 'ALTER TABLE rows DROP COLUMN b'],
  ['contract', 'ALTER TABLE rows RENAME COLUMN b TO c'],
  ['contract', 'ALTER TABLE rows MODIFY COLUMN b UInt8'],
  ['contract', 'ALTER TABLE rows MODIFY TTL at + INTERVAL 1 DAY'],
  ['contract', 'CREATE OR REPLACE TABLE rows (a String) ENGINE = Log'],
];

describe('the phase of a migration', () => {
  for (const [phase, sql] of known) {
    it(`is ${phase} for: ${sql}`, () => assert.equal(phaseOf(sql, file), phase));
  }

  it('is not told by words in comments and texts', () => {
    const sql =
      "-- DROP TABLE rows;\n/* RENAME;\n*/ CREATE TABLE t (a String DEFAULT 'it''s; DROP TABLE t') ENGINE = Log;\n";
    assert.equal(phaseOf(sql, file), 'expand');
  });

  it('is refused where a file has two, naming the line of the second', () => {
    const sql = '-- first\nCREATE TABLE a (b String) ENGINE = Log;\n\n-- then\nINSERT INTO a\nSELECT b FROM c;\n';
    assert.throws(() => phaseOf(sql, file), {
      code: 'MIGRATION_UNCLEAR',
      message: `${file}:5 is of the phase backfill, line 2 is of the phase expand`,
    });
  });

  it('is refused where one statement has two', () => {
    assert.throws(() => phaseOf('ALTER TABLE a ADD COLUMN b UInt8, DROP COLUMN c', file), {
      code: 'MIGRATION_UNCLEAR',
      message: /:1 is of the phase contract, line 1 is of the phase expand/,
    });
  });

  it('is refused for a statement that nobody has judged, naming the line', () => {
    for (const sql of ['\nSYSTEM RELOAD CONFIG', '\nGRANT SELECT ON a TO b', '\nALTER TABLE a FREEZE']) {
      assert.throws(() => phaseOf(sql, file), { code: 'MIGRATION_UNCLEAR', message: new RegExp(`^${file}:2 "`) });
    }
  });

  it('is refused for a file without a statement', () => {
    assert.throws(() => phaseOf('-- nothing;\n', file), { code: 'MIGRATION_UNCLEAR', message: /holds no statement/ });
  });
});
