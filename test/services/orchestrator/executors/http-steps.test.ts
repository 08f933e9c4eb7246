import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'mocha';
import { eventually } from '#test/support/eventually.ts';
import { Floor, shard } from './floor.ts';

const call = { uses: 'http', with: { service: 'peer', path: '/v1/x', body: { day: '${{ run.day }}' } } };
const patienceMs = 400;
const probeMs = 300;

describe('an http step', function () {
  this.timeout(30_000);
  let floor: Floor;

  before(async () => {
    floor = await Floor.open({ patienceMs, probeMs });
  });

  beforeEach(() => {
    floor.requests.length = 0;
    floor.states.length = 0;
    floor.handler = (_request, response) => response.end('{"ok":true}');
  });

  after(() => floor.stop());

  it('calls its peer once under its key, and keeps the answer', async () => {
    floor.define('one', [{ name: 'a', ...call }]);
    const run = await floor.run('one');
    assert.equal(await floor.end(run), 'succeeded');
    assert.deepEqual(await floor.result(run, '0'), { ok: true });
    assert.deepEqual(
      floor.requests.map(({ path, key, body }) => ({ path, key, body })),
      [{ path: '/v1/x', key: `${run}/a`, body: { day: '2026-03-01' } }],
    );
  });

  const answers: [status: number, code: string, errorClass: string, calls: number][] = [
    [400, 'PEER_REFUSED', 'inputs', 1],
    [422, 'PEER_REFUSED', 'inputs', 1],
    [500, 'PEER_REFUSED', 'failure', 3],
  ];
  for (const [status, code, errorClass, calls] of answers) {
    it(`that is answered ${status} fails as ${errorClass}, after ${calls} calls of at most 3`, async () => {
      floor.handler = (_request, response) => response.writeHead(status).end('{}');
      // The policy of one class alone lets its attempts be counted.
      const classes = { failure: { attemptsMax: 3, backoffMs: 1 } };
      floor.define(`s${status}`, [{ name: 'a', ...call, retry: { attemptsMax: 2, backoffMs: 1, classes } }]);
      const run = await floor.run(`s${status}`);
      assert.equal(await floor.end(run), 'failed');
      assert.equal((await floor.error(run, '0'))?.code, code);
      assert.equal(floor.requests.length, calls);
    });
  }

  it('waits as long as a 429 asks for, in the attempt or until the next one', async () => {
    let refusals = 1;
    floor.handler = (_request, response) => {
      refusals -= 1;
      if (refusals < 0) response.end('{}');
      else response.writeHead(429, { 'retry-after': '1' }).end('{}');
    };
    // A second is more than the patience here: the attempt is handed back, and the next one begins no sooner.
    floor.define('busy', [{ name: 'a', ...call, retry: { attemptsMax: 2, backoffMs: 1 } }]);
    const run = await floor.run('busy');
    assert.equal(await floor.end(run), 'succeeded');
    const [first, second] = floor.requests.map(({ atMs }) => atMs);
    assert.ok((second ?? 0) - (first ?? 0) >= 1000, `${(second ?? 0) - (first ?? 0)} ms`);
    assert.equal((await floor.step(run, '0'))?.[1], 2);
  });

  it('is not called while its peer is away, and is again after a probe', async () => {
    const steps = [{ name: 'a', ...call, retry: { attemptsMax: 20, backoffMs: 1, backoffMaxMs: 1 } }];
    floor.define('patient', steps);
    floor.handler = (_request, response) => response.writeHead(503).end('{}');
    const first = await floor.run('patient');
    await eventually(() => floor.states.includes('peer open'), { what: 'the breaker open' });
    await floor.until(first, '0', 'retrying');
    const calls = floor.requests.length;
    const second = await floor.run('patient');
    const [, , failures, , , , , due] = await floor.until(second, '0', 'retrying');
    assert.equal(failures, 1);
    assert.equal((await floor.error(second, '0'))?.code, 'CIRCUIT_OPEN');
    assert.ok(due > Date.now() - 50 && due <= Date.now() + probeMs, 'until the probe');
    assert.equal(floor.requests.length, calls, 'without a call');
    floor.handler = (_request, response) => response.end('{}');
    assert.equal(await floor.end(first), 'succeeded');
    assert.equal(await floor.end(second), 'succeeded');
    assert.deepEqual(floor.states.slice(-2), ['peer half-open', 'peer closed']);
  });

  it('goes on with its fallback, marked degraded, when all attempts have failed', async () => {
    floor.handler = (_request, response) => response.writeHead(500).end('{}');
    const degraded = { name: 'a', ...call, fallback: { result: { stale: true }, classes: ['failure'] } };
    floor.define('soft', [degraded, { name: 'b', needs: ['a'], uses: 'wait', with: { forMs: 1 } }]);
    const run = await floor.run('soft');
    assert.equal(await floor.end(run), 'succeeded');
    assert.deepEqual(await floor.result(run, '0'), { stale: true });
    assert.equal((await floor.error(run, '0'))?.code, 'PEER_REFUSED');
    assert.match(await floor.lastReason(run, '0'), /^degraded: PEER_REFUSED/);
  });

  it('ends at its time, and without a word for longer than its heartbeat', async () => {
    floor.handler = () => undefined;
    floor.define('long', [{ name: 'a', ...call, timeouts: { attemptSeconds: 1 } }]);
    floor.define('silent', [{ name: 'a', ...call, timeouts: { heartbeatSeconds: 1 } }]);
    const [long, silent] = [await floor.run('long'), await floor.run('silent')];
    assert.equal(await floor.end(long), 'failed');
    assert.equal((await floor.error(long, '0'))?.code, 'ATTEMPT_TIMEOUT');
    assert.equal(await floor.end(silent), 'failed');
    assert.equal((await floor.error(silent, '0'))?.code, 'HEARTBEAT_TIMEOUT');
  });

  it('is stopped within the grace when its run is cancelled, and leaves no slot', async () => {
    floor.handler = () => undefined;
    floor.define('stuck', [{ name: 'a', ...call }]);
    const run = await floor.run('stuck');
    await floor.until(run, '0', 'running');
    const on = { on: run, tenant: 'main', actor: 'ann', reason: 'enough' };
    await floor.transitions.control(shard, on, { verb: 'cancel', graceMs: 5000 });
    assert.equal(await floor.end(run, 2000), 'cancelled');
    assert.equal((await floor.step(run, '0'))?.[0], 'cancelled');
    assert.match(await floor.lastReason(run, '0'), /stopped when the run was cancelled/);
    assert.deepEqual(await floor.held(), {});
  });

  it('whose lease was lost is given up, and what comes of it is not accepted', async () => {
    const release: (() => void)[] = [];
    floor.handler = (_request, response) => release.push(() => response.end('{"late":true}'));
    floor.define('lost', [{ name: 'a', ...call }]);
    const run = await floor.run('lost');
    await floor.until(run, '0', 'running');
    await floor.loseLeases();
    floor.handler = (_request, response) => response.end('{"second":true}');
    assert.equal(await floor.end(run), 'succeeded');
    assert.deepEqual(await floor.result(run, '0'), { second: true });
    assert.equal((await floor.step(run, '0'))?.[1], 2);
  });

  it('that names what is not there fails for its inputs, without a call', async () => {
    const missing = { uses: 'http', with: { service: 'peer', path: '/v1/x', body: '${{ parameters.none }}' } };
    floor.define('unresolved', [{ name: 'a', ...missing, retry: { attemptsMax: 5 } }]);
    const run = await floor.run('unresolved');
    assert.equal(await floor.end(run), 'failed');
    assert.equal((await floor.error(run, '0'))?.code, 'EXPRESSION_UNRESOLVED');
    assert.equal((await floor.step(run, '0'))?.[1], 1);
    assert.equal(floor.requests.length, 0);
  });
});

describe('the slots of a worker', function () {
  this.timeout(30_000);

  it('are never more than its bound, and what it holds goes back when it stops', async () => {
    const floor = await Floor.open({ stepsMax: 3 });
    floor.handler = () => undefined;
    floor.define(
      'wide',
      Array.from({ length: 10 }, (_, n) => ({ name: `s${n}`, ...call })),
    );
    const run = await floor.run('wide');
    await floor.until(run, '0', 'running');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await floor.held())['p|http'], '3');
    await floor.worker.drain({ http: 0, sql: 0, process: 0, inner: 0 });
    assert.deepEqual(await floor.held(), {}, 'given back');
    const states = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => (await floor.step(run, String(n)))?.[0]),
    );
    assert.deepEqual(new Set(states), new Set(['ready']));
    await floor.stop();
  });
});
