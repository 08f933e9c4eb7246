import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { startClickHouse, type ClickHouse } from '#test/support/clickhouse.ts';
import { createFlightTables } from './flight-tables.ts';
import { RunningFeatures } from './running-features.ts';
import { shortWindows } from './short-windows.ts';

describe('the API of features', () => {
  let clickhouse: ClickHouse;
  let features: RunningFeatures;

  before(async () => {
    clickhouse = await startClickHouse();
    await createFlightTables(clickhouse.client());
    features = new RunningFeatures({ clickhouse, definitions: { 'short.yaml': shortWindows } });
    await features.start();
  });

  after(async () => {
    await features.stop();
    await clickhouse.stop();
  });

  async function codeOf(method: 'GET' | 'POST', route: string, body?: unknown): Promise<string> {
    const answer = await features.call(method, route, body);
    return `${answer.status} ${(answer.body['error'] as { code: string }).code}`;
  }

  it('lists the feature sets and tells how each is computed', async () => {
    const { body } = await features.call('GET', '/v1/feature-sets');
    const [listed] = body['featureSets'] as { name: string; fingerprint: string; features: number }[];
    assert.deepEqual([listed?.name, listed?.features], ['short', 7]);
    const described = (await features.call('GET', '/v1/feature-sets/short')).body;
    assert.equal(described['fingerprint'], listed?.fingerprint);
    assert.match(String(described['fingerprint']), /^sha256:[0-9a-f]{64}$/);
    assert.match(String(described['sql']), /^SELECT[^]+FROM \{\{ rows \}\} AS row\nLEFT JOIN/);
    assert.equal((described['definition'] as { name: string }).name, 'short');
  });

  it('answers nobody without the token', async () => {
    const { status } = await features.call('GET', '/v1/feature-sets', undefined, { authorization: 'Bearer other' });
    assert.equal(status, 401);
  });

  it('refuses what it does not know', async () => {
    const span = { from: '2001-03-01', to: '2001-03-02' };
    assert.equal(await codeOf('GET', '/v1/feature-sets/long'), '404 FEATURE_SET_UNKNOWN');
    assert.equal(await codeOf('POST', '/v1/feature-sets/long/materialisations', span), '404 FEATURE_SET_UNKNOWN');
    assert.equal(await codeOf('POST', '/v1/feature-sets/long/vectors', { rows: [{}] }), '404 FEATURE_SET_UNKNOWN');
    assert.equal(await codeOf('GET', '/v1/feature-sets/short/materialisations/main.x'), '404 JOB_UNKNOWN');
    assert.equal(
      await codeOf('POST', '/v1/feature-sets/short/materialisations', { ...span, force: true }),
      '400 REQUEST_INVALID',
    );
    const long = { from: '1990-01-01', to: '2001-01-01' };
    assert.equal(await codeOf('POST', '/v1/feature-sets/short/materialisations', long), '400 SPAN_INVALID');
  });

  it('answers a second request for the same days by the job that runs', async () => {
    const span = { from: '2001-03-01', to: '2001-05-01' };
    const route = '/v1/feature-sets/short/materialisations';
    const [first, second] = await Promise.all([features.call('POST', route, span), features.call('POST', route, span)]);
    assert.equal(first.body['location'], second.body['location']);
  });

  it('describes itself and counts what it does', async () => {
    const { body } = await features.call('GET', '/openapi.json');
    const paths = Object.keys(body['paths'] as object);
    assert.deepEqual(paths.filter((path) => path.startsWith('/v1/')).sort(), [
      '/v1/feature-sets',
      '/v1/feature-sets/{name}',
      '/v1/feature-sets/{name}/datasets',
      '/v1/feature-sets/{name}/datasets/{id}',
      '/v1/feature-sets/{name}/materialisations',
      '/v1/feature-sets/{name}/materialisations/{id}',
      '/v1/feature-sets/{name}/vectors',
    ]);
    await features.result('short/materialisations', '2001-03-01', '2001-03-02');
    assert.match(
      await features.text('/metrics'),
      /orrery_features_days_(computed|reused)_total\{[^}]*feature_set="short"/,
    );
  });
});

describe('features, started with definitions that are wrong', () => {
  let clickhouse: ClickHouse;

  before(async () => {
    clickhouse = await startClickHouse();
  });

  after(async () => {
    await clickhouse.stop();
  });

  async function failure(definitions: Readonly<Record<string, string>>): Promise<string> {
    const features = new RunningFeatures({ clickhouse, definitions });
    const message = await features.start().then(
      () => 'it started',
      (error: unknown) => String(error),
    );
    await features.stop();
    return message;
  }

  it('stops with every problem of every file', async () => {
    const message = await failure({
      'a.yaml': shortWindows.replace('lower(origin)', 'delay_minutes').replace('day: Date', 'day: Dat'),
      'b.yaml': shortWindows.replace('lower(origin)', 'lower(flights.origin)').replace('name: short', 'name: other'),
    });
    assert.match(message, /features\/a\.yaml:9:\d+ /);
    assert.match(message, /features\/b\.yaml:20:11 "flights" is no window of the past/);
  });

  it('stops when the engine has something against the SQL', async () => {
    const message = await failure({ 'a.yaml': shortWindows.replace('lower(origin)', 'lower(distance_miles)') });
    assert.match(message, /ClickHouse refuses the SQL of "short".*lower/);
  });
});
