import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import { after, before, describe, it } from 'mocha';
import type { RunResult } from '#services/ingest/src/pipeline-run.ts';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import type { Job } from '#test/support/ingest.ts';
import { expectedFile, plantedFile, plantRows, type ExpectedReject } from '#test/support/planted-rows.ts';
import { datasets, IngestPlace, plantedLines, query, standing } from './ingest-place.ts';

interface Reject {
  readonly row_number: number;
  readonly kind: string;
  readonly column_name: string;
  readonly value: string;
  readonly reason: string;
  readonly body: string;
}

const fileDigest = 'sha256:dbeb920c90f59b6ccaff823dcc3d08f25a97fa1ce128d93f40be4e931f5900b0';
/** Summed by another program over the first 60,000 rows of the file. */
const sixtyThousand = { rows: 60_000, numbers: 60_000, delay: 791_992, squares: 91_093_626, rejected: 200 };

let clickhouse: ClickHouse;
let client: ClickHouseClient;

before(async function () {
  this.timeout(60_000);
  clickhouse = await startClickHouse();
  client = clickhouse.client();
});
after(async () => {
  await clickhouse.stop();
});

function place(tenant: string, settings: Record<string, number> = {}): IngestPlace {
  return new IngestPlace(tenant, { clickhouseUrl: clickhouse.url, token: clickhouse.token, settings });
}

function resultOf(job: Job): RunResult {
  assert.equal(job.state, 'succeeded', JSON.stringify(job.error));
  return job.result as RunResult;
}

describe('the planted rows', () => {
  it('and what is expected of them are what their program writes', () => {
    const { rows, expected } = plantRows();
    assert.equal(readFileSync(plantedFile, 'utf8'), rows);
    assert.equal(readFileSync(expectedFile, 'utf8'), expected);
  });
});

describe('a run of the flights', function () {
  this.timeout(60_000);
  const flights = place.bind(undefined, 'flights');
  let here: IngestPlace;
  let first: RunResult;

  before(async () => {
    here = flights();
    here.define(60_000, 10_000);
    await here.ingest.start();
    first = resultOf(await here.ingest.run('flights'));
  });
  after(() => here.remove());

  it('accounts for every row that was read', () => {
    const { read, accepted, rejected, rejects, reused } = first;
    assert.deepEqual(
      { read, accepted, rejected, reused },
      { read: 60_200, accepted: 60_000, rejected: 200, reused: false },
    );
    assert.deepEqual(rejects, [
      { kind: 'missing_column', rows: 25 },
      { kind: 'not_a_timestamp', rows: 25 },
      { kind: 'not_an_integer', rows: 25 },
      { kind: 'not_in_airports', rows: 25 },
      { kind: 'not_json', rows: 25 },
      { kind: 'out_of_range', rows: 25 },
      { kind: 'same_origin_and_destination', rows: 25 },
      { kind: 'unknown_column', rows: 25 },
    ]);
    assert.deepEqual(first.files[0], { dataset: 'flights-3m', digest: fileDigest, rows: 60_000 });
    assert.equal(first.files[1]?.rows, 200);
    assert.match(first.data, /^sha256:[0-9a-f]{64}$/);
  });

  it('leaves in table and view what the file holds', async () => {
    assert.deepEqual(await standing(client, 'flights'), sixtyThousand);
  });

  it('writes a row as it was, enriched, with the hour before its delay', async () => {
    const [row] = await query(
      client,
      'SELECT * EXCEPT (ingested_at, intake) FROM flights WHERE tenant = {tenant:String} AND row_number = 71',
      'flights',
    );
    assert.deepEqual(row, {
      tenant: 'flights',
      file_digest: fileDigest,
      row_number: 71,
      day: '2000-12-31',
      scheduled_hour: 22,
      departure: '2001-01-01 00:47:00',
      delay_minutes: 110,
      distance_miles: 261,
      origin: 'ANC',
      destination: 'FAI',
      origin_city: 'Anchorage',
      origin_state: 'AK',
      origin_latitude: 61.17432028,
      origin_longitude: -149.9961856,
      destination_city: 'Fairbanks',
      destination_state: 'AK',
      destination_latitude: 64.8136775,
      destination_longitude: -147.8596694,
      ttl_days: 400,
    });
  });

  it('keeps rows that are equal in everything but their number', async () => {
    const twins = await query<{ rows: number[] }>(
      client,
      `SELECT arraySort(groupArray(row_number)) AS rows FROM flights WHERE tenant = {tenant:String}
       GROUP BY departure, delay_minutes, distance_miles, origin, destination HAVING count() > 1 ORDER BY rows`,
      'flights',
    );
    assert.deepEqual(
      twins.map(({ rows }) => rows),
      [
        [32_586, 32_589],
        [38_799, 38_813],
        [39_353, 39_366],
      ],
    );
  });

  it('keeps each planted row among the rejects, with what is wrong and the row as it came', async () => {
    const expected = JSON.parse(readFileSync(expectedFile, 'utf8')) as ExpectedReject[];
    const answer = await here.ingest.call('GET', '/v1/pipelines/flights/rejects?limit=1000');
    const { rejects } = answer.body as { rejects: Reject[] };
    assert.equal(rejects.length, 200);
    for (const { row, kind, column, value, reason } of expected) {
      const found = rejects.find((reject) => reject.row_number === row);
      assert.deepEqual(
        [found?.kind, found?.column_name, found?.value, found?.body, found?.reason.slice(0, reason.length)],
        [kind, column, value, plantedLines[row - 1], reason],
      );
    }
  });

  it('lists rejects of one kind, up to a limit', async () => {
    const answer = await here.ingest.call('GET', '/v1/pipelines/flights/rejects?kind=not_json&limit=3');
    const { rejects } = answer.body as { rejects: Reject[] };
    assert.deepEqual(
      rejects.map((reject) => reject.row_number),
      [8, 16, 24],
    );
  });

  it('doubles nothing the second time and says that all of it stood', async () => {
    const second = resultOf(await here.ingest.run('flights'));
    assert.equal(second.reused, true);
    const { reused: _first, seconds: _firstSeconds, ...before } = first;
    const { reused: _second, seconds: _secondSeconds, ...now } = second;
    assert.deepEqual(now, before);
    assert.deepEqual(await standing(client, 'flights'), sixtyThousand);
  });

  it('is found done by another process, whatever its batch size', async () => {
    await here.ingest.kill();
    here.define(60_000, 7000);
    await here.ingest.start();
    assert.equal(resultOf(await here.ingest.run('flights')).reused, true);
    assert.deepEqual(await standing(client, 'flights'), sixtyThousand);
  });

  it('asked for twice at once runs once, under one id', async () => {
    const orders = [1, 2, 3].map(() => here.ingest.call('POST', '/v1/pipelines/flights/runs', {}));
    const jobs = (await Promise.all(orders)).map((answer) => answer.body as Job);
    assert.equal(new Set(jobs.map((job) => job.id)).size, 1);
    assert.match(jobs[0]?.location ?? '', /^\/v1\/pipelines\/flights\/runs\/flights-[0-9a-f]{16}$/);
    assert.equal(resultOf(await here.ingest.run('flights')).reused, true);
  });

  it('is counted in the metrics', async () => {
    const response = await here.ingest.text('/metrics');
    assert.match(response, /orrery_ingest_runs_total\{pipeline="flights",outcome="reused",service="ingest"\} [1-9]/);
  });
});

describe('a pipeline that changed', function () {
  this.timeout(60_000);
  let here: IngestPlace;
  before(() => {
    here = place('changing');
  });
  after(() => here.remove());

  /** Runs the first 3,000 rows under a contract that takes delays up to `maximum`. */
  async function runWith(maximum: number, body: unknown = {}): Promise<RunResult> {
    await here.ingest.kill();
    here.define(3000, 1000, (text) => text.replace('maximum: 2880', `maximum: ${maximum}`));
    await here.ingest.start();
    return resultOf(await here.ingest.run('flights', body));
  }

  it('replaces the rows of the file, and again when it changes back: neither doubled nor taken for known', async () => {
    const wide = await runWith(2880);
    assert.deepEqual([wide.accepted, wide.rejected], [3000, 200]);
    const whole = await standing(client, 'changing');

    const narrow = await runWith(60);
    assert.deepEqual([narrow.reused, narrow.read, narrow.accepted + narrow.rejected], [false, 3200, 3200]);
    assert.ok(narrow.rejected > 200);
    assert.notEqual(narrow.data, wide.data);
    const { rows, rejected } = await standing(client, 'changing');
    assert.deepEqual([rows, rejected], [narrow.accepted, narrow.rejected]);

    const back = await runWith(2880);
    assert.deepEqual([back.reused, back.accepted, back.data], [false, 3000, wide.data]);
    assert.deepEqual(await standing(client, 'changing'), whole);
  });

  it('replaces nothing when what changed has no effect on rows', async () => {
    await here.ingest.kill();
    here.define(3000, 1000, (text) =>
      text.replace('owner: data', 'owner: people').replace('ttlDays: 400', 'ttlDays: 30'),
    );
    await here.ingest.start();
    assert.equal(resultOf(await here.ingest.run('flights')).reused, true);
  });

  it('refuses to call a run done when rows went missing, and takes the file in afresh when told to', async () => {
    const whole = await standing(client, 'changing');
    await client.command({
      query: "ALTER TABLE flights DELETE WHERE tenant = 'changing' AND row_number <= 10 SETTINGS mutations_sync = 1",
    });
    const failed = await here.ingest.run('flights');
    assert.deepEqual(
      [failed.state, failed.error?.code, failed.error?.retryable],
      ['failed', 'ROWS_UNACCOUNTED', false],
    );
    assert.match(failed.error?.message ?? '', /flights\/flights-3m\/3: flights has 2990 rows where 3000 were written/);
    assert.match(failed.error?.hint ?? '', /\{"again": true\}/);

    const afresh = resultOf(await here.ingest.run('flights', { again: true }));
    assert.deepEqual([afresh.reused, afresh.accepted, afresh.rejected], [false, 3000, 200]);
    assert.deepEqual(await standing(client, 'changing'), whole);
  });

  it('removes the rows of a file that it no longer names', async () => {
    await here.ingest.kill();
    here.define(3000, 1000, (text) => text.replace('    - dataset: planted-rows\n      format: jsonl\n', ''));
    await here.ingest.start();
    const result = resultOf(await here.ingest.run('flights'));
    assert.deepEqual([result.reused, result.read, result.rejected], [true, 3000, 0]);
    assert.equal((await standing(client, 'changing')).rejected, 0);
  });
});

describe('the API of ingest', function () {
  this.timeout(60_000);
  let here: IngestPlace;
  before(async () => {
    here = place('api');
    here.define(1000, 1000);
    await here.ingest.start();
  });
  after(() => here.remove());

  interface Refusal {
    readonly error: { readonly code: string; readonly hint: string };
  }
  async function refusal(
    method: 'GET' | 'POST',
    route: string,
    body?: unknown,
    headers = {},
  ): Promise<[number, string]> {
    const answer = await here.ingest.call(method, route, body, headers);
    return [answer.status, (answer.body as Refusal).error.code];
  }

  it('lists pipelines and shows one with its definition', async () => {
    const list = (await here.ingest.call('GET', '/v1/pipelines')).body as { pipelines: unknown[] };
    assert.equal(list.pipelines.length, 1);
    const one = (await here.ingest.call('GET', '/v1/pipelines/flights')).body as Record<string, unknown>;
    assert.deepEqual(
      [one['table'], one['datasets'], one['tenant']],
      ['flights', ['flights-3m', 'planted-rows'], 'api'],
    );
    assert.equal((one['definition'] as { kind: string }).kind, 'Pipeline');
  });

  it('answers nobody without the token, and no tenant what belongs to another', async () => {
    assert.deepEqual(await refusal('GET', '/v1/pipelines', undefined, { authorization: 'Bearer x' }), [
      401,
      'UNAUTHENTICATED',
    ]);
    const other = { 'x-orrery-tenant': 'other' };
    const list = (await here.ingest.call('GET', '/v1/pipelines', undefined, other)).body as { pipelines: unknown[] };
    assert.deepEqual(list.pipelines, []);
    assert.deepEqual(await refusal('POST', '/v1/pipelines/flights/runs', {}, other), [404, 'PIPELINE_NOT_FOUND']);
    assert.deepEqual(await refusal('GET', '/v1/pipelines/flights/rejects', undefined, other), [
      404,
      'PIPELINE_NOT_FOUND',
    ]);
  });

  it('tells what is wrong with a request, with the nearest name', async () => {
    const answer = await here.ingest.call('POST', '/v1/pipelines/fligths/runs', {});
    assert.equal(answer.status, 404);
    assert.match((answer.body as Refusal).error.hint, /did you mean "flights"\?/);
    assert.deepEqual(await refusal('POST', '/v1/pipelines/flights/runs', { agian: true }), [400, 'REQUEST_INVALID']);
    assert.deepEqual(await refusal('GET', '/v1/pipelines/flights/runs/flights-0'), [404, 'RUN_NOT_FOUND']);
    for (const search of ['limit=0', 'limit=1001', 'limit=x', 'kind=Not-A-Kind', 'sort=up']) {
      assert.deepEqual(
        await refusal('GET', `/v1/pipelines/flights/rejects?${search}`),
        [400, 'REQUEST_INVALID'],
        search,
      );
    }
  });

  it('publishes every route', async () => {
    const { paths } = JSON.parse(await here.ingest.text('/openapi.json')) as { paths: Record<string, unknown> };
    assert.deepEqual(Object.keys(paths).sort(), [
      '/v1/pipelines',
      '/v1/pipelines/{name}',
      '/v1/pipelines/{name}/rejects',
      '/v1/pipelines/{name}/runs',
      '/v1/pipelines/{name}/runs/{id}',
    ]);
  });
});

describe('what is not as it should be', function () {
  this.timeout(60_000);
  const connection = () => ({ clickhouseUrl: clickhouse.url, token: clickhouse.token });

  it('in a definition stops the start with file, line, column and the nearest word', async () => {
    const here = place('broken');
    here.define(1000, 1000, (text) =>
      text.replace('uses: normalise', 'uses: normalize').replace('key: iata', 'kee: iata'),
    );
    await assert.rejects(here.ingest.start(), (error: Error) => {
      assert.match(error.message, /exited with 1/);
      assert.match(
        error.message,
        /pipelines\/flights\.yaml:\d+:\d+ steps\.0\.uses is "normalize"\n +did you mean "normalise"\?/,
      );
      assert.match(
        error.message,
        /pipelines\/flights\.yaml:\d+:\d+ unknown key "kee" in lookups\.0\n +did you mean "key"\?/,
      );
      return true;
    });
    await here.remove();
  });

  const { 'flights-3m': parquet, airports, 'planted-rows': planted } = datasets;
  const refused: [what: string, bound: Record<string, string>, code: string, told: RegExp][] = [
    [
      'an unknown dataset',
      { 'flights-3n': parquet, airports, 'planted-rows': planted },
      'UNKNOWN_DATASET',
      /unknown dataset "flights-3m"/,
    ],
    [
      'an unknown lookup',
      { 'flights-3m': parquet, 'planted-rows': planted },
      'UNKNOWN_DATASET',
      /unknown dataset "airports"/,
    ],
    [
      'a file that is not there',
      { 'flights-3m': '/nowhere', airports, 'planted-rows': planted },
      'DATASET_UNREADABLE',
      /\/nowhere/,
    ],
    [
      'one file as two datasets',
      { 'flights-3m': parquet, airports, 'planted-rows': parquet },
      'FILES_EQUAL',
      /same file/,
    ],
  ];
  for (const [what, bound, code, told] of refused) {
    it(`${what}, is told when a run is asked for`, async () => {
      const here = new IngestPlace('bound', { ...connection(), datasets: bound });
      here.define(1000, 1000);
      await here.ingest.start();
      const answer = await here.ingest.call('POST', '/v1/pipelines/flights/runs', {});
      const { error } = answer.body as { error: { code: string; message: string } };
      assert.equal(error.code, code);
      assert.match(error.message, told);
      await here.remove();
    });
  }

  it('in the fit of rows and table, fails the run before a row is written', async () => {
    const here = place('misfit');
    here.define(1000, 1000, (text) => text.replace('maximum: 2880', 'maximum: 100000'));
    await here.ingest.start();
    const job = await here.ingest.run('flights');
    assert.deepEqual([job.error?.code, job.error?.retryable], ['SINK_MISMATCH', false]);
    assert.match(job.error?.message ?? '', /"delay_minutes" is bounded -1440 to 100000 by its contract, Int16 holds/);
    assert.equal((await standing(client, 'misfit')).rows, 0);
    await here.remove();
  });
});
