import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { eventually } from '#test/support/eventually.ts';

const endless = 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)';

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => assert.fail('it was answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ClickHouseError, String(error));
  return `${error.code} ${error.type ?? ''}`;
}

describe('the embedded ClickHouse server', () => {
  let server: ClickHouse;
  let client: ClickHouseClient;
  const rows = async (query: string) => (await client.query({ query, format: 'JSONEachRow' })).json();
  /** A request without the client: `path` after the address, with the key unless `headers` say otherwise. */
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { 'x-clickhouse-key': server.token, ...(init.headers as Record<string, string> | undefined) };
    const response = await fetch(`${server.url}${path}`, { ...init, headers });
    return {
      status: response.status,
      code: response.headers.get('x-clickhouse-exception-code'),
      text: await response.text(),
    };
  };
  const insertPath = (table: string) =>
    `/?database=orrery&query=${encodeURIComponent(`INSERT INTO ${table} FORMAT TSV`)}`;

  before(async () => {
    server = await startClickHouse({
      settings: { sessions: 2, waitingMax: 2, waitMs: 2000, memoryMiB: 300, insertBytesMax: 100_000 },
    });
    client = server.client();
    await client.command({ query: 'CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a' });
  });
  after(async () => {
    assert.equal(await server.stop(), 0);
  });

  it('tells everyone that it lives and is ready, with release and version', async () => {
    const open = { headers: { 'x-clickhouse-key': '' } };
    assert.deepEqual(await ask('/ping', open), { status: 200, code: null, text: 'Ok.\n' });
    assert.deepEqual(JSON.parse((await ask('/readyz', open)).text), { ready: true, missing: [] });
    const health = JSON.parse((await ask('/healthz', open)).text) as Record<string, unknown>;
    assert.deepEqual(Object.keys(health).toSorted(), ['environment', 'release', 'service', 'status', 'version']);
    assert.deepEqual([health['service'], health['status']], ['clickhouse', 'ok']);
  });

  it('answers nothing else without the key', async () => {
    assert.equal(
      await codeOf(server.client({ password: 'wrong' }).query({ query: 'SELECT 1' })),
      '516 AUTHENTICATION_FAILED',
    );
    assert.equal(
      await codeOf(server.client({ username: 'admin' }).query({ query: 'SELECT 1' })),
      '516 AUTHENTICATION_FAILED',
    );
    const headers = [
      { 'x-clickhouse-key': '' },
      { 'x-clickhouse-key': `${server.token}x` },
      { 'x-clickhouse-user': 'root' },
      { authorization: 'Basic !' },
      { authorization: `Bearer ${server.token}`, 'x-clickhouse-key': '' },
    ];
    for (const header of headers) {
      const { status, code } = await ask('/?query=SELECT%201', { headers: header });
      assert.deepEqual([status, code], [403, '516'], JSON.stringify(header));
    }
    assert.equal((await ask('/?query=SELECT%201')).text, '1\n');
  });

  it('reads by GET but does not write', async () => {
    assert.deepEqual(await ask('/?query=SELECT%20count()%20FROM%20orrery.t'), { status: 200, code: null, text: '0\n' });
    assert.equal((await ask('/?query=DROP%20TABLE%20orrery.t')).code, '164');
  });

  it('reaches no file, program or host', async () => {
    for (const query of [
      "SELECT * FROM file('/etc/passwd', 'LineAsString')",
      "SELECT file('/etc/passwd')",
      "SELECT 1 INTO OUTFILE '/tmp/x'",
    ]) {
      assert.equal(await codeOf(client.command({ query })), '497 ACCESS_DENIED', query);
    }
    const names = ['`/etc/passwd`', 'default.`/etc/passwd`', "'/etc/passwd'"];
    for (const name of names)
      assert.match(await codeOf(client.command({ query: `SELECT * FROM ${name}` })), /^(60|62) /, name);
    const files = server.client({ database: 'default' });
    assert.equal(await codeOf(files.query({ query: 'SELECT * FROM `/etc/passwd`' })), '60 UNKNOWN_TABLE');
    const engines = ['File(CSV)', "URL('http://127.0.0.1')", "SQLite('/tmp/x.db', 't')"];
    for (const engine of engines) {
      assert.equal(
        await codeOf(client.command({ query: `CREATE TABLE f (a UInt8) ENGINE = ${engine}` })),
        '497 ACCESS_DENIED',
      );
    }
    const filter = await ask(
      `/?additional_result_filter=${encodeURIComponent("file('/etc/passwd') != ''")}&query=SELECT%201`,
    );
    assert.deepEqual([filter.status, filter.code], [400, '36']);
  });

  it('outlives requests that no client sends', async () => {
    const port = Number(new URL(server.url).port);
    for (const start of [
      'GET // HTTP/1.1',
      'GET http://[ HTTP/1.1',
      'OPTIONS * HTTP/1.1',
      'GET /%?query=%ff%zz HTTP/1.1',
      'nonsense',
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.end(`${start}\r\nHost: x\r\nX-ClickHouse-Key: ${server.token}\r\nConnection: close\r\n\r\n`);
      assert.match(Buffer.concat((await socket.toArray()) as Buffer[]).toString(), /^HTTP\/1\.1 4\d\d /, start);
    }
    assert.equal((await ask('/ping')).status, 200);
  });

  it('refuses keys of the URL that are no names, and settings that the engine lacks', async () => {
    assert.equal((await ask('/?max_threads%3D1%2Cx=2&query=SELECT%201')).code, '36');
    assert.equal((await ask('/?session_id=a&query=SELECT%201')).code, '115');
    assert.equal((await ask('/?max_threads=1%27%2C%20x=2&query=SELECT%201')).status, 400 + 100);
  });

  it('takes a body up to its bound, refuses a larger one with both figures, and goes on', async () => {
    const within = await ask(insertPath('t'), { method: 'POST', body: 'a'.repeat(99_000) });
    assert.deepEqual([within.status, within.text], [200, '']);
    const large = await ask(insertPath('t'), { method: 'POST', body: 'a'.repeat(3_000_000) });
    assert.deepEqual([large.status, large.code], [413, '307']);
    assert.match(large.text, /the body has 3000\d\d\d bytes, more than 100000/);
    const body = gzipSync('a'.repeat(3_000_000));
    const packed = await ask(insertPath('t'), { method: 'POST', body, headers: { 'content-encoding': 'gzip' } });
    assert.deepEqual([packed.status, packed.code], [413, '307']);
    const values = Array.from({ length: 20_000 }, (_, a) => ({ a: `row ${a}` }));
    assert.equal(await codeOf(client.insert({ table: 't', values, format: 'JSONEachRow' })), '307 TOO_MANY_BYTES');
    assert.deepEqual(await rows('SELECT count() AS n FROM t'), [{ n: 1 }]);
  });

  it('inserts what is no UTF-8 byte by byte, or refuses it, but never alters it', async () => {
    const bytes = Buffer.from([0x61, 0xff, 0x62, 0x0a]);
    assert.equal((await ask(insertPath('t'), { method: 'POST', body: bytes })).status, 200);
    assert.deepEqual(await rows('SELECT hex(a) AS x FROM t WHERE length(a) = 3'), [{ x: '61FF62' }]);
    const query = encodeURIComponent('INSERT INTO t FORMAT LineAsString');
    const refused = await ask(`/?database=orrery&query=${query}`, { method: 'POST', body: bytes });
    assert.deepEqual([refused.status, refused.code], [400, '48']);
  });

  it('bounds the memory of a query', async () => {
    assert.equal(await codeOf(rows('SELECT groupArray(number) FROM numbers(200000000)')), '241 MEMORY_LIMIT_EXCEEDED');
  });

  it('lets as many wait as it says, as long as it says, and refuses the others at once', async () => {
    const left = new AbortController();
    const work = Array.from({ length: 2 }, () => client.query({ query: endless, abort_signal: left.signal }));
    const ended = Promise.allSettled(work);
    try {
      const busy = () =>
        ask('/?query=SELECT%201', { signal: AbortSignal.timeout(200) }).then(
          () => false,
          () => true,
        );
      await eventually(busy);
      const began = performance.now();
      const codes = Array.from({ length: 8 }, () =>
        codeOf(rows('SELECT 1')).then((code) => [code, performance.now() - began] as const),
      );
      const refused = await Promise.all(codes);
      assert.deepEqual(new Set(refused.map(([code]) => code)), new Set(['202 TOO_MANY_SIMULTANEOUS_QUERIES']));
      const waited = refused.filter(([, ms]) => ms >= 1900);
      assert.ok(waited.length === 1 || waited.length === 2, `${waited.length} waited`);
    } finally {
      left.abort();
      await ended;
    }
    assert.deepEqual(await eventually(() => rows('SELECT 1 AS x')), [{ x: 1 }]);
  });

  it('has all its sessions back after clients left in every moment of a query', async () => {
    for (let round = 0; round < 20; round += 1) {
      const left = new AbortController();
      const queries = [endless, 'SELECT number FROM numbers(100000000)'];
      const work = queries.map(async (query) => {
        const answer = await client.query({ query, abort_signal: left.signal, format: 'JSONEachRow' });
        for await (const part of answer.stream()) if (part.length === 0 || left.signal.aborted) break;
      });
      const ended = Promise.allSettled(work);
      setTimeout(() => left.abort(), round * 5);
      await ended;
    }
    const asleep = rows('SELECT sum(sleepEachRow(0.1)) AS x FROM numbers(30) SETTINGS max_block_size = 1');
    const seen = "SELECT count() AS n FROM system.processes WHERE query LIKE '%sleepEachRow%'";
    assert.deepEqual(
      await eventually(async () => {
        const [row] = (await rows(seen)) as { n: number }[];
        return row?.n === 2 && row;
      }),
      { n: 2 },
    );
    assert.deepEqual(await asleep, [{ x: 0 }]);
  });

  it('streams a million rows to a slow reader in memory that does not grow with them', async () => {
    const resident = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
    const query = "SELECT number, repeat('x', 1000) AS x FROM numbers(1000000)";
    const before = resident();
    const answer = await client.exec({ query: `${query} FORMAT TSV`, clickhouse_settings: { max_block_size: '8192' } });
    let [bytes, highest, turns] = [0, before, 0];
    for await (const chunk of answer.stream) {
      bytes += (chunk as Buffer).length;
      turns += 1;
      if (turns % 256 === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        highest = Math.max(highest, resident());
      }
    }
    assert.ok(bytes > 1_000_000_000, `${bytes} bytes`);
    assert.ok(highest - before < 300, `grew by ${highest - before} MiB`);
  });
});

describe('an embedded ClickHouse whose client stops reading', () => {
  it('gives the connection up, so that the session serves another', async function () {
    this.timeout(60_000);
    const server = await startClickHouse({ settings: { sessions: 1, queryTimeoutSeconds: 1, waitMs: 40_000 } });
    try {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      const query = encodeURIComponent('SELECT number FROM numbers(1000000000) SETTINGS max_execution_time = 600');
      socket.write(`GET /?query=${query} HTTP/1.1\r\nHost: x\r\nX-ClickHouse-Key: ${server.token}\r\n\r\n`);
      await new Promise((resolve) => socket.once('readable', resolve));
      const answer = await server.client().query({ query: 'SELECT 1 AS x', format: 'JSONEachRow' });
      assert.deepEqual(await answer.json(), [{ x: 1 }]);
      socket.destroy();
    } finally {
      await server.stop();
    }
  });
});
