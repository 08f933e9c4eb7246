import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cloneRepository, type Clone } from '#test/support/clone.ts';
import { eventually } from '#test/support/eventually.ts';
import { sampleFlights, useFlights } from '#test/support/flights.ts';
import { call, clickHouseOf, numbers, processesNaming, processesOf } from '#test/support/platform.ts';

interface RunView {
  readonly run: string;
  readonly state: string;
  readonly steps: { name: string; state: string; attempt: number; result?: unknown; error?: unknown }[];
}

const everyNth = 10;
const [orchestrator, registry] = [10, 13];
const restartedMs = 60_000;

describe('the main job while every process in turn is killed', () => {
  let clone: Clone;
  let run: string;
  const killed: string[] = [];

  before(async function () {
    this.timeout(180_000);
    clone = cloneRepository();
    useFlights(clone, sampleFlights(everyNth));
    const up = await clone.orrery(['up']);
    assert.equal(up.code, 0, up.stderr);
  });
  after(async () => clone.remove());

  const view = () => call<RunView>(clone, orchestrator, `/v1/runs/${run}`);

  async function kill(name: string): Promise<void> {
    const victim = (await processesOf(clone)).find((one) => one.name === name);
    assert.ok(victim?.pid, `${name} does not run`);
    process.kill(victim.pid, 'SIGKILL');
    killed.push(name);
    const back = async () => {
      const now = (await processesOf(clone)).find((one) => one.name === name);
      return now?.state === 'ready' && now.pid !== victim.pid;
    };
    await eventually(back, { timeoutMs: restartedMs, intervalMs: 100, what: `${name} back after its death` });
  }

  /** Waits until a step runs, and says whether it still did when it was seen. */
  async function during(step: string): Promise<void> {
    const running = async () => {
      const found = (await view()).steps.find((one) => one.name === step);
      return found !== undefined && ['running', 'succeeded'].includes(found.state);
    };
    await eventually(running, { timeoutMs: 180_000, intervalMs: 50, what: `step ${step} running` });
  }

  it('reaches its end all the same', async function () {
    this.timeout(600_000);
    ({ run } = await call<{ run: string }>(clone, orchestrator, '/v1/workflows/arrival-delay/runs', {}));
    await during('ingest');
    for (const name of ['ingest', 'clickhouse', 'redis-state', 'orchestrator', 'redis-cache']) await kill(name);
    await during('features');
    for (const name of ['features', 'clickhouse']) await kill(name);
    await during('train');
    for (const name of ['orchestrator', 'scoring', 'registry']) await kill(name);
    await killSupervisor();
    const ended = await eventually(
      async () => {
        const now = await view();
        return ['succeeded', 'failed', 'cancelled'].includes(now.state) ? now : undefined;
      },
      { timeoutMs: 400_000, intervalMs: 500, what: 'the end of the run' },
    );
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.steps.filter((step) => step.state !== 'succeeded')));
    const every = (await processesOf(clone)).map((one) => one.name);
    assert.deepEqual(
      every.filter((name) => !killed.includes(name)),
      [],
    );
  });

  async function killSupervisor(): Promise<void> {
    const { pid } = JSON.parse(readFileSync(join(clone.state, 'run', 'agent.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    const up = await clone.orrery(['up']);
    assert.equal(up.code, 0, up.stderr);
    assert.match(up.stderr, /ended what an earlier supervisor had left: .*redis/);
  }

  it('has lost no row, doubled none, and its view adds up', async () => {
    const client = clickHouseOf(clone);
    const result = (await view()).steps.find((step) => step.name === 'ingest')?.result as {
      read: number;
      accepted: number;
      rejected: number;
    };
    const flights = await numbers(
      client,
      'SELECT count() AS n, uniqExact(file_digest, row_number) AS d, sum(delay_minutes) AS s FROM flights',
    );
    const rejects = await numbers(client, 'SELECT count() AS n, uniqExact(file_digest, row_number) AS d FROM rejects');
    const viewed = await numbers(client, 'SELECT sum(flights) AS n, sum(delay_sum) AS s FROM flights_by_hour');
    await client.close();
    assert.equal(result.read, 3_000_000 / everyNth + 200);
    assert.deepEqual([flights['n'], flights['d']], [result.accepted, result.accepted]);
    assert.deepEqual([rejects['n'], rejects['d']], [result.rejected, result.rejected]);
    assert.deepEqual([viewed['n'], viewed['s']], [flights['n'], flights['s']]);
    assert.equal(result.accepted + result.rejected, result.read);
  });

  it('has accepted no step twice, and its history has no gap', async () => {
    const client = clickHouseOf(clone);
    const whole = async () => {
      const found = await numbers(
        client,
        `SELECT uniqExact(sequence) AS d, max(sequence) AS last,
           countIf(step != '' AND to_state = 'succeeded') AS accepted, uniqExactIf(step, step != '' AND to_state = 'succeeded') AS steps
         FROM (SELECT DISTINCT sequence, step, to_state FROM run_events WHERE run = '${run}')`,
      );
      return found['steps'] === 9 ? found : undefined;
    };
    const found = await eventually(whole, { timeoutMs: 30_000, intervalMs: 200, what: 'the history of the run' });
    await client.close();
    assert.deepEqual([found['d'], found['accepted']], [found['last'], 9]);
  });

  it('has registered one pair, and that one is live', async () => {
    const { pairs } = await call<{ pairs: { pair: string; stage: string }[] }>(clone, registry, '/v1/pairs');
    assert.deepEqual(
      pairs.map((pair) => pair.stage),
      ['live'],
    );
    const score = await clone.orrery([
      'score',
      'arrival-delay',
      '--rows',
      '[{"origin":"ATL","destination":"ORD","day":"2001-06-15","scheduled_hour":17,"distance_miles":606}]',
    ]);
    assert.equal(score.code, 0, score.stderr);
    assert.equal((JSON.parse(score.stdout) as { pair: string }).pair, pairs[0]?.pair);
  });

  it('leaves nothing running when it is ended', async function () {
    this.timeout(120_000);
    const down = await clone.orrery(['down']);
    assert.equal(down.code, 0, down.stderr);
    assert.deepEqual(processesNaming(clone.root), []);
  });
});
