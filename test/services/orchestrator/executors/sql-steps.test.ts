import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { openClickHouse } from '@orrery/kit/clickhouse';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { eventually } from '#test/support/eventually.ts';
import { Floor, shard } from './floor.ts';

const numbers = 'SELECT number AS n, toString(number) AS text FROM numbers({count:UInt32})';
/** Reads as long as it is let. */
const endless = 'SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1';

describe('an sql step', function () {
  this.timeout(60_000);
  let clickhouse: ClickHouse;
  let floor: Floor;

  before(async () => {
    clickhouse = await startClickHouse();
    const { url, token } = clickhouse;
    floor = await Floor.open({
      clickhouse: openClickHouse({ url, token, database: 'orrery', service: 'orchestrator' }),
    });
    const window = 'SETTINGS non_replicated_deduplication_window = 100';
    await clickhouse
      .client()
      .command({ query: `CREATE TABLE target (n UInt64) ENGINE = MergeTree ORDER BY n ${window}` });
  });

  after(async () => {
    await floor.stop();
    await clickhouse.stop();
  });

  const sql = (statement: string, more: object = {}, step: object = {}) => [
    { name: 'query', uses: 'sql', with: { statement, ...more }, ...step },
  ];
  const running = async () => {
    const answer = await clickhouse.client().query({
      query:
        "SELECT query FROM system.processes WHERE query LIKE '%sipHash64%' AND query NOT LIKE '%system.processes%'",
      format: 'JSONEachRow',
    });
    return (await answer.json()).length;
  };

  it('takes typed parameters, and leaves its rows with their types', async () => {
    floor.define('read', sql(`${numbers};`, { parameters: { count: '${{ parameters.count }}' } }));
    const run = await floor.run('read', { count: 2 });
    assert.equal(await floor.end(run), 'succeeded', JSON.stringify(await floor.error(run, '0')));
    const { seconds, ...result } = (await floor.result(run, '0')) as { seconds: number };
    assert.deepEqual(result, {
      rows: [
        { n: 0, text: '0' },
        { n: 1, text: '1' },
      ],
      rowsCount: 2,
      readRows: 2,
    });
    assert.ok(seconds > 0);
  });

  it('keeps integers whole that JavaScript has no number for', async () => {
    floor.define('wide', sql('SELECT toUInt64(18446744073709551615) AS most, toInt64(-5) AS small'));
    const run = await floor.run('wide');
    assert.equal(await floor.end(run), 'succeeded');
    assert.deepEqual(((await floor.result(run, '0')) as { rows: unknown }).rows, [
      { most: '18446744073709551615', small: -5 },
    ]);
  });

  it('fails with more rows than rowsMax, and says so', async () => {
    floor.define('rows', sql(numbers, { parameters: { count: 11 }, rowsMax: 10 }, { retry: { attemptsMax: 3 } }));
    const run = await floor.run('rows');
    assert.equal(await floor.end(run), 'failed');
    const error = await floor.error(run, '0');
    assert.equal(error?.code, 'ROWS_EXCEEDED');
    assert.match(error.message, /more than 10 rows/);
    assert.equal((await floor.step(run, '0'))?.[1], 1, 'no further attempt');
  });

  const refused: [what: string, statement: string, code: string, message: RegExp][] = [
    ['a table that is made', 'CREATE TABLE x (n UInt8) ENGINE = Memory', 'STATEMENT_REFUSED', /CREATE/],
    ['a second statement', 'SELECT 1; SELECT 2', 'STATEMENT_REFUSED', /second statement/],
    ['data within', 'INSERT INTO target FORMAT CSV 1', 'STATEMENT_REFUSED', /data/],
    ['a wrong word', 'SELECT 1 FORM numbers(1)', 'CLICKHOUSE_62', /SYNTAX_ERROR.*position \d+/s],
    ['an unknown table', 'SELECT 1 FROM nowhere', 'CLICKHOUSE_60', /UNKNOWN_TABLE/],
    ['a parameter that is missing', 'SELECT {a:UInt8}', 'CLICKHOUSE_456', /UNKNOWN_QUERY_PARAMETER/],
  ];
  for (const [what, statement, code, message] of refused) {
    it(`is not tried again for ${what}: ${code}`, async () => {
      floor.define('refused', sql(statement, {}, { retry: { attemptsMax: 3, backoffMs: 1 } }));
      const run = await floor.run('refused');
      assert.equal(await floor.end(run), 'failed');
      const error = await floor.error(run, '0');
      assert.equal(error?.code, code, error?.message);
      assert.match(error.message, message);
      assert.equal((await floor.step(run, '0'))?.[1], 1);
    });
  }

  it('inserts once what it selects, also when it is done again', async () => {
    const insert = 'INSERT INTO target SELECT number FROM numbers({count:UInt32})';
    floor.define('insert', sql(insert, { parameters: { count: 5 } }));
    const frozen = floor.freezeNext('sql');
    const run = await floor.run('insert');
    await frozen;
    await floor.loseLeases();
    assert.equal(await floor.end(run), 'succeeded', JSON.stringify(await floor.error(run, '0')));
    assert.equal((await floor.step(run, '0'))?.[1], 2, 'it was done twice');
    const answer = await clickhouse.client().query({ query: 'SELECT count() AS n FROM target', format: 'JSONEachRow' });
    assert.deepEqual(
      (await answer.json<{ n: number | string }>()).map(({ n }) => Number(n)),
      [5],
    );
    const other = await floor.run('insert');
    assert.equal(await floor.end(other), 'succeeded');
    const again = await clickhouse.client().query({ query: 'SELECT count() AS n FROM target', format: 'JSONEachRow' });
    assert.deepEqual(
      (await again.json<{ n: number | string }>()).map(({ n }) => Number(n)),
      [10],
      'another run is another insert',
    );
  });

  it('ends with its attempt: its time is that of the query', async () => {
    floor.define('long', sql(endless, {}, { timeouts: { attemptSeconds: 1 } }));
    const run = await floor.run('long');
    assert.equal(await floor.end(run), 'failed');
    assert.match((await floor.error(run, '0'))?.code ?? '', /^(ATTEMPT_TIMEOUT|CLICKHOUSE_159)$/);
    await eventually(async () => (await running()) === 0, { what: 'the query gone' });
  });

  it('whose run is cancelled leaves no query behind', async () => {
    floor.define('cancelled', sql(endless));
    const run = await floor.run('cancelled');
    await eventually(async () => (await running()) === 1, { what: 'the query' });
    const on = { on: run, tenant: 'main', actor: 'ann', reason: 'enough' };
    await floor.transitions.control(shard, on, { verb: 'cancel', graceMs: 5000 });
    floor.worker.wake();
    assert.equal(await floor.end(run), 'cancelled');
    await eventually(async () => (await running()) === 0, { what: 'the query gone' });
  });

  it('fails as unavailable while ClickHouse is away, and goes on when it is back', async () => {
    floor.define(
      'away',
      sql('SELECT 1 AS one', {}, { retry: { attemptsMax: 20, backoffMs: 200, jitter: 'none', backoffMaxMs: 500 } }),
    );
    await clickhouse.kill();
    const run = await floor.run('away');
    await floor.until(run, '0', 'retrying');
    assert.equal((await floor.error(run, '0'))?.code, 'CLICKHOUSE_UNREACHABLE');
    await clickhouse.restart();
    assert.equal(await floor.end(run, 20_000), 'succeeded');
  });
});
