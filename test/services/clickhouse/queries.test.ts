import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import {
  ClickHouseError,
  ClickHouseLogLevel,
  createClient,
  type ClickHouseClient,
  type ClickHouseSettings,
  type DataFormat,
  type ClickHouseClientConfigOptions,
} from '@clickhouse/client';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { eventually } from '#test/support/eventually.ts';

/** Where the suite runs: the embedded engine, and any ClickHouse server that is given. */
interface Target {
  readonly name: string;
  readonly embedded: boolean;
  open(): Promise<(options?: ClickHouseClientConfigOptions) => ClickHouseClient>;
  close(): Promise<void>;
}

function embedded(): Target {
  let server: ClickHouse;
  return {
    name: 'the embedded engine',
    embedded: true,
    open: async () => {
      server = await startClickHouse();
      return (options) => server.client(options);
    },
    close: async () => {
      assert.equal(await server.stop(), 0);
    },
  };
}

function given(url: string): Target {
  const clients: ClickHouseClient[] = [];
  return {
    name: 'the server at CLICKHOUSE_URL',
    embedded: false,
    open: async () => (options) => {
      const password = process.env['CLICKHOUSE_PASSWORD'] ?? '';
      const client = createClient({ url, password, log: { level: ClickHouseLogLevel.OFF }, ...options });
      clients.push(client);
      return client;
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

const url = process.env['CLICKHOUSE_URL'];
for (const target of [embedded(), ...(url === undefined ? [] : [given(url)])]) {
  describe(`the HTTP interface of ClickHouse, by ${target.name}`, () => defineSuite(target));
}
if (url === undefined) it.skip('the HTTP interface of ClickHouse, by a server: CLICKHOUSE_URL is not set');

function defineSuite(target: Target): void {
  const database = `orrery_test_${Date.now()}`;
  let open: Awaited<ReturnType<Target['open']>>;
  let client: ClickHouseClient;
  let tables = 0;

  before(async () => {
    open = await target.open();
    await open().command({ query: `CREATE DATABASE ${database}` });
    client = open({ database });
  });
  after(async () => {
    await client.command({ query: `DROP DATABASE ${database}` });
    await target.close();
  });

  const rows = async <T>(
    query: string,
    options: { params?: Record<string, unknown>; settings?: ClickHouseSettings } = {},
  ) => {
    const { params = {}, settings = {} } = options;
    const answer = await client.query({
      query,
      query_params: params,
      clickhouse_settings: settings,
      format: 'JSONEachRow',
    });
    return answer.json<T>();
  };
  const codeOf = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.then(
      () => assert.fail('it was answered'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ClickHouseError, String(error));
    return `${error.code} ${error.type ?? ''}`;
  };
  const createTable = async (columns: string, engine = 'MergeTree ORDER BY tuple()'): Promise<string> => {
    const table = `t${(tables += 1)}`;
    await client.command({ query: `CREATE TABLE ${table} (${columns}) ENGINE = ${engine}` });
    return table;
  };

  describe('parameters', () => {
    const cases: [string, unknown, string][] = [
      ['UInt64', '18446744073709551615', '18446744073709551615'],
      ['Int32', -5, '-5'],
      ['Bool', true, 'true'],
      ['Float64', 1.5, '1.5'],
      ['String', `it's "a" \\ back\tslash\nline ü`, `it's "a" \\ back\tslash\nline ü`],
      ['String', '', ''],
      ['String', `'); DROP TABLE t; --`, `'); DROP TABLE t; --`],
      ['Nullable(String)', null, 'NULL'],
      ['Nullable(Int8)', 3, '3'],
      ['Array(String)', [`a'b`, 'c\td', ''], `['a\\'b','c\\td','']`],
      ['Array(Nullable(UInt8))', [1, null], '[1,NULL]'],
      ['Map(String, UInt8)', new Map([["k'", 1]]), `{'k\\'':1}`],
      ['Date', '2026-11-21', '2026-11-21'],
      ['DateTime64(3)', '2026-11-21 01:02:03.456', '2026-11-21 01:02:03.456'],
      ['UUID', '61f0c404-5cb3-11e7-907b-a6006ad3dba0', '61f0c404-5cb3-11e7-907b-a6006ad3dba0'],
    ];
    for (const [type, value, expected] of cases) {
      it(`of type ${type} arrive as they are: ${JSON.stringify(value)}`, async () => {
        const select = `SELECT ifNull(toString({x:${type}}), 'NULL') AS x`;
        assert.deepEqual(await rows(select, { params: { x: value } }), [{ x: expected }]);
      });
    }

    it('of type Identifier name tables and columns', async () => {
      const table = await createTable('a UInt8, b UInt8');
      await client.insert({ table, values: [{ a: 1, b: 2 }], format: 'JSONEachRow' });
      const select = 'SELECT {column:Identifier} AS x FROM {table:Identifier}';
      assert.deepEqual(await rows(select, { params: { table, column: 'b' } }), [{ x: 2 }]);
    });

    it('that are missing are an error, also when an earlier query had them', async () => {
      await rows('SELECT {kept:UInt8} AS x', { params: { kept: 1 } });
      for (let query = 0; query < 12; query += 1) {
        assert.equal(await codeOf(rows('SELECT {kept:UInt8} AS x')), '456 UNKNOWN_QUERY_PARAMETER');
      }
    });

    it('of queries at the same time are not confused', async () => {
      const numbers = Array.from({ length: 200 }, (_, index) => index);
      const answers = await Promise.all(numbers.map((x) => rows('SELECT {x:UInt32} AS x', { params: { x } })));
      assert.deepEqual(
        answers,
        numbers.map((x) => [{ x }]),
      );
    });
  });

  describe('settings', () => {
    it('hold for their request only', async () => {
      const select = "SELECT getSetting('max_threads') AS x, getSetting('join_use_nulls') AS y";
      const [before] = await rows(select);
      assert.deepEqual(await rows(select, { settings: { max_threads: 7, join_use_nulls: 1 } }), [{ x: 7, y: true }]);
      for (let query = 0; query < 12; query += 1) assert.deepEqual((await rows(select))[0], before);
    });

    it('of a failed request do not stay either', async () => {
      const select = "SELECT getSetting('max_block_size') AS x";
      const [before] = await rows(select);
      const settings = { max_block_size: '77', no_such_setting: 1 } as ClickHouseSettings;
      for (let query = 0; query < 12; query += 1)
        assert.equal(await codeOf(rows(select, { settings })), '115 UNKNOWN_SETTING');
      for (let query = 0; query < 12; query += 1) assert.deepEqual((await rows(select))[0], before);
    });

    it('readonly refuses a write, and the next request may write again', async () => {
      const table = await createTable('a UInt8');
      const query = `INSERT INTO ${table} SELECT 1`;
      const settings = { readonly: '1' } as const;
      assert.equal(await codeOf(client.command({ query, clickhouse_settings: settings })), '164 READONLY');
      for (let count = 0; count < 12; count += 1) await client.command({ query });
    });

    it('max_execution_time ends a query', async () => {
      const query = 'SELECT sum(sipHash64(number)) FROM numbers(100000000000)';
      assert.equal(await codeOf(rows(query, { settings: { max_execution_time: 1 } })), '159 TIMEOUT_EXCEEDED');
    });

    it('the database is the one that the client names', async () => {
      assert.deepEqual(await rows('SELECT currentDatabase() AS x'), [{ x: database }]);
      const missing = open({ database: 'no_such_database' });
      assert.equal(await codeOf(missing.query({ query: 'SELECT 1' })), '81 UNKNOWN_DATABASE');
    });
  });

  describe('statements', () => {
    it('define, describe, alter, show and drop tables', async () => {
      const table = await createTable('a UInt8');
      await client.command({ query: `ALTER TABLE ${table} ADD COLUMN b String DEFAULT 'x'` });
      const columns = await rows<{ name: string; type: string }>(`DESCRIBE TABLE ${table}`);
      assert.deepEqual(
        columns.map(({ name, type }) => [name, type]),
        [
          ['a', 'UInt8'],
          ['b', 'String'],
        ],
      );
      assert.deepEqual(await rows(`EXISTS TABLE ${table}`), [{ result: 1 }]);
      assert.deepEqual(await rows(`SHOW TABLES LIKE '${table}'`), [{ name: table }]);
      await client.command({ query: `DROP TABLE ${table} SYNC` });
      assert.deepEqual(await rows(`EXISTS TABLE ${table}`), [{ result: 0 }]);
      assert.ok((await rows('EXPLAIN SELECT 1')).length > 0);
    });

    it('fail by the codes and names of ClickHouse', async () => {
      const cases: [string, string][] = [
        ['SELEC 1', target.embedded ? '497 ACCESS_DENIED' : '62 SYNTAX_ERROR'],
        ['SELECT (1', '62 SYNTAX_ERROR'],
        ['SELECT nope', '47 UNKNOWN_IDENTIFIER'],
        ['SELECT * FROM nope', '60 UNKNOWN_TABLE'],
        ["SELECT toUInt8('x')", '6 CANNOT_PARSE_TEXT'],
        ['SELECT throwIf(1)', '395 FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
        ['SELECT 1; SELECT 2', '62 SYNTAX_ERROR'],
      ];
      for (const [query, code] of cases) assert.equal(await codeOf(rows(query)), code, query);
      assert.equal(
        await codeOf(client.command({ query: 'CREATE TABLE t (a UInt8)  ENGINE = Nope' })),
        '56 UNKNOWN_STORAGE',
      );
    });

    it('answer in the format that is asked for', async () => {
      const ask = async (format: DataFormat) =>
        (await client.query({ query: "SELECT 1 AS a, 'x' AS b", format })).text();
      assert.equal(await ask('JSONEachRow'), '{"a":1,"b":"x"}\n');
      assert.deepEqual(JSON.parse(await ask('JSONCompactEachRow')), [1, 'x']);
      assert.equal(await ask('TabSeparated'), '1\tx\n');
      assert.equal(await ask('CSVWithNames'), '"a","b"\n1,"x"\n');
      assert.deepEqual((JSON.parse(await ask('JSON')) as { data: unknown }).data, [{ a: 1, b: 'x' }]);
      const empty = await client.query({ query: 'SELECT 1 AS a WHERE 0', format: 'JSON' });
      assert.deepEqual((await empty.json()).data, []);
      const { stream } = await client.exec({ query: 'SELECT number FROM numbers(1000) FORMAT Parquet' });
      const parquet = Buffer.concat((await stream.toArray()) as Buffer[]);
      assert.deepEqual(
        [parquet.toString('latin1', 0, 4), parquet.toString('latin1', parquet.length - 4)],
        ['PAR1', 'PAR1'],
      );
    });
  });

  describe('inserts', () => {
    it('take every listed format and columns by name', async () => {
      const table = await createTable('a UInt8, b String, c UInt8 DEFAULT 9');
      await client.insert({ table, values: [{ a: 1, b: 'one' }], format: 'JSONEachRow' });
      await client.insert({ table, values: [[2, "it's\n"]], format: 'JSONCompactEachRow', columns: ['a', 'b'] });
      await client.insert({ table, values: [[3, 'three']], columns: { except: ['c'] } });
      await client.insert({ table, values: Readable.from('4,"four",5\n', { objectMode: false }), format: 'CSV' });
      await client.insert({
        table,
        values: Readable.from('b\ta\nfive\t5\n', { objectMode: false }),
        format: 'TabSeparatedWithNames',
      });
      await client.command({ query: `INSERT INTO ${table} VALUES (6, 'it''s', 1), (7, '', 2)` });
      await client.command({ query: `INSERT INTO ${table} (a, b) FORMAT JSONEachRow {"a":8,"b":"eight"}` });
      await client.command({ query: `INSERT INTO ${table} SELECT 10, 'ten', 10` });
      assert.deepEqual(await rows(`SELECT * FROM ${table} ORDER BY a`), [
        { a: 1, b: 'one', c: 9 },
        { a: 2, b: "it's\n", c: 9 },
        { a: 3, b: 'three', c: 9 },
        { a: 4, b: 'four', c: 5 },
        { a: 5, b: 'five', c: 9 },
        { a: 6, b: "it's", c: 1 },
        { a: 7, b: '', c: 2 },
        { a: 8, b: 'eight', c: 9 },
        { a: 10, b: 'ten', c: 10 },
      ]);
    });

    it('say how many rows were written', async () => {
      const table = await createTable('a UInt8');
      const result = await client.insert({ table, values: [{ a: 1 }, { a: 2 }], format: 'JSONEachRow' });
      assert.equal(result.summary?.written_rows, '2');
    });

    it('with a malformed row write nothing and name the error', async () => {
      const table = await createTable('a UInt8');
      const values = Readable.from('1\n2\nx\n', { objectMode: false });
      assert.match(await codeOf(client.insert({ table, values, format: 'TabSeparated' })), /^27 /);
      assert.match(await codeOf(client.insert({ table: 'nope', values: [{ a: 1 }], format: 'JSONEachRow' })), /^60 /);
      assert.deepEqual(await rows(`SELECT count() AS n FROM ${table}`), [{ n: 0 }]);
    });

    it('with the same token count once, in the table and in its view; without, or with another, again', async () => {
      const dedup = 'MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100';
      const table = await createTable('a UInt8', dedup);
      const sums = await createTable('n UInt64', dedup.replace('BY a', 'BY n'));
      await client.command({
        query: `CREATE MATERIALIZED VIEW v${tables} TO ${sums} AS SELECT count() AS n FROM ${table}`,
      });
      const insert = (clickhouse_settings: ClickHouseSettings) =>
        client.insert({ table, values: [{ a: 1 }, { a: 2 }], format: 'JSONEachRow', clickhouse_settings });
      const counts = async () => [
        ...(await rows(`SELECT count() AS n FROM ${table}`)),
        ...(await rows(`SELECT sum(n) AS n FROM ${sums}`)),
      ];
      const token = {
        insert_deduplication_token: "file's:0-2",
        deduplicate_blocks_in_dependent_materialized_views: 1,
      } as const;
      await insert(token);
      await insert(token);
      assert.deepEqual(await counts(), [{ n: 2 }, { n: 2 }]);
      await insert({ ...token, insert_deduplication_token: 'file:2-4' });
      assert.deepEqual(await counts(), [{ n: 4 }, { n: 4 }]);
      await insert({ insert_deduplicate: 0 });
      assert.deepEqual(await counts(), [{ n: 6 }, { n: 6 }]);
    });

    it('may be compressed, as answers may', async () => {
      const table = await createTable('a UInt32');
      const compressed = open({ database, compression: { request: true, response: true } });
      const values = Array.from({ length: 10_000 }, (_, a) => ({ a }));
      await compressed.insert({ table, values, format: 'JSONEachRow' });
      const answer = await compressed.query({ query: `SELECT sum(a) AS n FROM ${table}`, format: 'JSONEachRow' });
      assert.deepEqual(
        [answer.response_headers['content-encoding'], await answer.json()],
        ['gzip', [{ n: 49_995_000 }]],
      );
      assert.equal(await codeOf(compressed.query({ query: 'SELECT nope' })), '47 UNKNOWN_IDENTIFIER');
    });
  });

  describe('answers', () => {
    it('are one document in every format, however long', async () => {
      const select = 'SELECT number FROM numbers(300000)';
      const count = async (format: string, mark: string) => {
        const { stream } = await client.exec({ query: `${select} FORMAT ${format} -- the end` });
        return (
          Buffer.concat((await stream.toArray()) as Buffer[])
            .toString('latin1')
            .split(mark).length - 1
        );
      };
      assert.equal(await count('Parquet', 'PAR1'), 2);
      assert.equal(await count('CSVWithNames', '"number"'), 1);
      assert.equal(await count('JSON', '"meta"'), 1);
      assert.equal(await count('TSV', '\n'), 300_000);
      const answer = await client.query({ query: select, format: 'JSONCompact' });
      assert.equal((await answer.json()).rows, 300_000);
    });

    it('stream: a million rows arrive in parts', async () => {
      const answer = await client.query({ query: 'SELECT number FROM numbers(1000000)', format: 'JSONEachRow' });
      let [count, parts] = [0, 0];
      for await (const part of answer.stream()) {
        count += part.length;
        parts += 1;
      }
      assert.equal(count, 1_000_000);
      assert.ok(parts > 10, `${parts} parts`);
    });

    it('that fail after their first bytes are never taken for whole', async () => {
      const query = 'SELECT throwIf(number = 3000000) AS x FROM numbers(100000000)';
      const answer = await client.query({ query, format: 'JSONEachRow', clickhouse_settings: { max_threads: 1 } });
      await assert.rejects(answer.json());
    });

    it('that wait for the end have a status even when they fail late', async () => {
      const settings = { wait_end_of_query: 1, max_threads: 1 } as const;
      const query = 'SELECT throwIf(number = 3000000) AS x FROM numbers(100000000)';
      assert.match(await codeOf(rows(query, { settings })), /^395 /);
      assert.deepEqual(await rows('SELECT count() AS n FROM numbers(10)', { settings }), [{ n: 10 }]);
    });

    it('of 20 requests at the same time are all right', async () => {
      const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
      const answers = await Promise.all(
        numbers.map((n) => rows<{ n: number }>(`SELECT sum(number) AS n FROM numbers(${n * 1000})`)),
      );
      assert.deepEqual(
        answers.map(([row]) => row?.n),
        numbers.map((n) => (n * 1000 * (n * 1000 - 1)) / 2),
      );
    });

    it('carry the query_id that was sent', async () => {
      const answer = await client.query({ query: 'SELECT 1', query_id: `q-${database}` });
      assert.deepEqual(
        [answer.query_id, answer.response_headers['x-clickhouse-query-id']],
        [`q-${database}`, `q-${database}`],
      );
    });

    it('include ping', async () => {
      assert.deepEqual(await client.ping(), { success: true });
      assert.equal((await client.ping({ select: true })).success, true);
    });
  });

  it('a client that leaves ends its query', async () => {
    const mark = `left ${database}`;
    const running = () =>
      rows(`SELECT 1 AS x FROM system.processes WHERE query LIKE '%${mark}%' AND query NOT LIKE '%processes%'`);
    const left = new AbortController();
    const query = `SELECT '${mark}', sum(sipHash64(number)) FROM numbers(100000000000)`;
    const settings = { cancel_http_readonly_queries_on_client_close: 1 } as const;
    const work = client.query({ query, abort_signal: left.signal, clickhouse_settings: settings });
    await eventually(async () => (await running()).length === 1);
    left.abort();
    await assert.rejects(work);
    await eventually(async () => (await running()).length === 0);
  });
}
