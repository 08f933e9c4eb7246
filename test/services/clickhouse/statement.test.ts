import assert from 'node:assert/strict';
import { OrreryError } from '@orrery/kit/errors';
import { outwardOf, readStatement } from '#services/clickhouse/src/statement.ts';

const outward = outwardOf(
  ['file', 'url', 'numbers', 'remoteSecure', 'view'],
  ['File', 'URL', 'MergeTree', 'Filesystem'],
);
const read = (text: string) => readStatement(Buffer.from(text), outward);

function codeOf(text: string): string {
  try {
    read(text);
    return 'read';
  } catch (error) {
    assert.ok(error instanceof OrreryError);
    return error.code;
  }
}

describe('a statement', () => {
  it('is streamed when it answers rows, and whole otherwise', () => {
    const kinds = [
      'SELECT 1',
      '(SELECT 1) UNION ALL (SELECT 2)',
      'with 1 AS x SELECT x',
      'SHOW TABLES',
      'OPTIMIZE TABLE t',
    ];
    assert.deepEqual(
      kinds.map((text) => [read(text).kind, read(text).reads]),
      [
        ['rows', true],
        ['rows', true],
        ['rows', true],
        ['whole', true],
        ['whole', false],
      ],
    );
  });

  it('tells the format that it asks for, and takes no column for one', () => {
    const cases: [string, string][] = [
      ['SELECT 1 FORMAT Parquet', 'Parquet'],
      ['SELECT 1 format JSON; -- FORMAT CSV', 'JSON'],
      ['SELECT 1 FORMAT CSV SETTINGS max_threads = 1', 'CSV'],
      ['SELECT format, 1 FROM t WHERE format = 1', ''],
      ["SELECT 'FORMAT CSV'", ''],
    ];
    for (const [text, format] of cases) assert.equal(read(text).format, format, text);
  });

  it('ends where the data of an insert begins, to the byte', () => {
    const cases: [string, string, string][] = [
      ['INSERT INTO t FORMAT JSONEachRow\n{"a":1}\n', 'JSONEachRow', '{"a":1}\n'],
      ['INSERT INTO t FORMAT TSV \n\n\n', 'TSV', '\n\n'],
      ['INSERT INTO t (a, format) FORMAT CSV 1,2', 'CSV', '1,2'],
      ['insert into d.t settings async_insert = 0 format CSV;\r\n1', 'CSV', '1'],
      [
        'INSERT INTO t FORMAT JSONEachRow\n{"s":"it\'s; SELECT file(\'x\')"}',
        'JSONEachRow',
        '{"s":"it\'s; SELECT file(\'x\')"}',
      ],
      ['INSERT INTO `é` FORMAT TSV\né', 'TSV', 'é'],
    ];
    for (const [text, format, data] of cases) {
      const statement = read(text);
      assert.deepEqual([statement.kind, statement.format, statement.data.toString()], ['insert', format, data], text);
    }
    const bytes = readStatement(
      Buffer.concat([Buffer.from('INSERT INTO t FORMAT TSV\n'), Buffer.from([0xff, 0x00])]),
      outward,
    );
    assert.deepEqual([...bytes.data], [0xff, 0x00]);
  });

  it('has no data when an insert selects, or when its values are expressions', () => {
    for (const text of [
      'INSERT INTO t SELECT 1 FORMAT TSV',
      'INSERT INTO t VALUES (1)',
      'INSERT INTO t FORMAT Values (1)',
    ]) {
      assert.deepEqual([read(text).kind, read(text).text, read(text).data.length], ['whole', text, 0]);
    }
  });

  it('names its placeholders, but not those in texts and comments', () => {
    const text =
      "SELECT {a:UInt8}, '{b:String}', map('k', 1) /* {c:Int8} */ FROM {Tab:Identifier} -- {d:Int8}\nWHERE x = { e : Array(String) }";
    assert.deepEqual([...read(text).placeholders], ['a', 'Tab', 'e']);
  });

  it('is one: a second one is refused, a last semicolon is not', () => {
    assert.equal(codeOf('SELECT 1;  -- the end\n'), 'read');
    assert.equal(codeOf("SELECT ';'"), 'read');
    assert.equal(codeOf('SELECT 1; DROP TABLE t'), 'SYNTAX_ERROR');
    assert.equal(codeOf(' \n-- nothing'), 'SYNTAX_ERROR');
  });

  it('begins with a verb of the subset', () => {
    for (const text of [
      'SET x = 1',
      'USE system',
      'SYSTEM SHUTDOWN',
      'BACKUP TABLE t',
      "ATTACH TABLE t FROM '/x'",
      'KILL QUERY WHERE 1',
      '1 + 1',
    ]) {
      assert.equal(codeOf(text), 'ACCESS_DENIED', text);
    }
  });

  it('reaches no file, program or host, however it is written', () => {
    const cases = [
      "SELECT * FROM file('/etc/passwd')",
      "SELECT FILE /* */ ('/etc/passwd')",
      "SELECT `file`('/x'), 1",
      'SELECT "fi\\x6ce"(\'/x\')',
      "SELECT 1 // it's\n, file('/x') // '",
      "SELECT ‘ ' ’, file('/x'), '",
      "INSERT INTO FUNCTION file('/x') SELECT 1",
      "INSERT INTO t VALUES (file('/x'))",
      "INSERT INTO t FORMAT Values (file('/x'))",
      "INSERT INTO t FROM INFILE '/x' FORMAT CSV",
      "SELECT 1 INTO OUTFILE '/x'",
      "SELECT * FROM remotesecure('h', system.one)",
      'CREATE TABLE t (a Int8) ENGINE = File(CSV)',
      "CREATE TABLE t (a Int8) ENGINE `URL`('http://x')",
      "CREATE DATABASE d ENGINE = Filesystem('/')",
      "CREATE DICTIONARY d (a Int8) PRIMARY KEY a SOURCE(HTTP(url 'http://x')) LAYOUT(FLAT())",
      "SELECT 1 SETTINGS additional_result_filter = 'file(1)'",
    ];
    for (const text of cases) assert.match(codeOf(text), /^(ACCESS_DENIED|SYNTAX_ERROR)$/, text);
  });

  it('may use those words for its own tables, columns and texts', () => {
    const cases = [
      "SELECT file, url FROM t WHERE name = 'file(1)' -- file(1)",
      "SELECT engine FROM system.tables WHERE engine = 'File'",
      'CREATE TABLE t (file String, engine String) ENGINE = ReplacingMergeTree ORDER BY file',
      'SELECT * FROM numbers(10), view(SELECT 1)',
      "SELECT $$it's file('x')$$",
      'ALTER TABLE t UPDATE url = 1 WHERE 1',
    ];
    for (const text of cases) assert.equal(codeOf(text), 'read', text);
  });
});
