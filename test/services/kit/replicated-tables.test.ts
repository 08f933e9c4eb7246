import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { replicateTables } from '@orrery/kit/replicated-tables';

const services = new URL('../../../services/', import.meta.url);

/** Every statement of the services that makes a table, by its path. */
function tableStatements(): [string, string][] {
  return readdirSync(services, { recursive: true, encoding: 'utf8' })
    .filter((path) => /^\w+\/sql\/[\w-]+\.sql$/.test(path))
    .map((path): [string, string] => [path, readFileSync(new URL(path, services), 'utf8')])
    .filter(([, text]) => text.includes('CREATE TABLE IF NOT EXISTS'));
}

describe('a statement for a database with replicas', () => {
  it('names the replicated kin of each engine and keeps its arguments', () => {
    const engines = [
      ['ENGINE = MergeTree', 'ENGINE = ReplicatedMergeTree'],
      ['ENGINE=MergeTree()', 'ENGINE=ReplicatedMergeTree()'],
      ['engine MergeTree', 'engine ReplicatedMergeTree'],
      ['ENGINE\n  = ReplacingMergeTree(scored_at)', 'ENGINE\n  = ReplicatedReplacingMergeTree(scored_at)'],
      ['ENGINE = SummingMergeTree((a, b))', 'ENGINE = ReplicatedSummingMergeTree((a, b))'],
      ['ENGINE = AggregatingMergeTree', 'ENGINE = ReplicatedAggregatingMergeTree'],
      [
        'ENGINE = VersionedCollapsingMergeTree(sign, version)',
        'ENGINE = ReplicatedVersionedCollapsingMergeTree(sign, version)',
      ],
    ];
    for (const [plain = '', replicated = ''] of engines) {
      const before = `CREATE TABLE t (a UInt8) ${plain} ORDER BY a`;
      assert.equal(replicateTables(before), `CREATE TABLE t (a UInt8) ${replicated} ORDER BY a`);
    }
  });

  it('is left alone where nothing of it is kept on a replica of its own', () => {
    for (const statement of [
      'CREATE TABLE t (a UInt8) ENGINE = ReplicatedMergeTree ORDER BY a',
      'CREATE TABLE t (a UInt8) ENGINE = SharedMergeTree ORDER BY a',
      'CREATE TABLE t (a UInt8) ENGINE = Null',
      'CREATE TABLE t (a UInt8) ENGINE = Distributed(orrery, orrery, MergeTree)',
      'CREATE TABLE staging AS t',
      'ALTER TABLE t ADD COLUMN engine LowCardinality(String)',
      'SELECT engine FROM system.tables WHERE storage_engine = MergeTree',
    ]) {
      assert.equal(replicateTables(statement), statement);
    }
  });

  it('is not changed inside comments, texts and quoted names', () => {
    for (const statement of [
      '-- ENGINE = MergeTree\nSELECT 1',
      '/* ENGINE = MergeTree\n ENGINE = MergeTree */ SELECT 1',
      "SELECT 'ENGINE = MergeTree'",
      "SELECT 'it''s ENGINE = MergeTree', 'it\\'s ENGINE = MergeTree'",
      'SELECT `ENGINE = MergeTree`, "ENGINE = MergeTree"',
      "CREATE TABLE t (a String COMMENT 'non_replicated_deduplication_window = 7') ENGINE = Memory",
    ]) {
      assert.equal(replicateTables(statement), statement);
    }
    assert.equal(
      replicateTables("CREATE TABLE t (a String COMMENT '--') ENGINE = MergeTree -- ENGINE = MergeTree"),
      "CREATE TABLE t (a String COMMENT '--') ENGINE = ReplicatedMergeTree -- ENGINE = MergeTree",
    );
  });

  it('remembers as many blocks as the plain table would, for thirty days', () => {
    assert.equal(
      replicateTables(
        'ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 1',
      ),
      'ENGINE = ReplicatedMergeTree ORDER BY a SETTINGS replicated_deduplication_window = 10000, ' +
        'replicated_deduplication_window_seconds = 2592000, index_granularity = 1',
    );
  });

  it('gives the same when it is said twice', () => {
    for (const [path, text] of tableStatements()) {
      assert.equal(replicateTables(replicateTables(text)), replicateTables(text), path);
    }
  });

  it('is found in every table that the services make', () => {
    const statements = tableStatements();
    assert.ok(statements.length >= 10, `${statements.length} statements`);
    for (const [path, text] of statements) {
      const engines = [...replicateTables(text).matchAll(/^ENGINE = (\w+)/gm)].map(([, engine]) => engine ?? '');
      assert.ok(engines.length > 0 && engines.every((engine) => /^Replicated\w*MergeTree$/.test(engine)), path);
      assert.doesNotMatch(replicateTables(text), /non_replicated/, path);
    }
  });
});
