import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'mocha';
import { systemClock } from '@orrery/kit/clock';
import { silentLog } from '@orrery/kit/log';
import { createFolderStore } from '@orrery/kit/store';
import { ProcessExecutor } from '#services/orchestrator/src/executors/process.ts';
import { DefinitionReader } from '#services/orchestrator/src/work/definition-reader.ts';
import { fcall } from '@orrery/kit/redis-functions';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import { planFields, planWorkflow } from '#services/orchestrator/src/core/plan.ts';
import { readLibrary } from '#services/orchestrator/src/library.ts';
import { Floor, shard } from './floor.ts';

const post = (body: unknown) => ({ uses: 'http', with: { service: 'peer', path: '/v1/x', body } });

describe('what a step is given', function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), 'orrery-inputs-'));
  let floor: Floor;

  before(async () => {
    const shell = { command: ['/bin/sh'], environment: {}, folder, bundle: `sha256:${'0'.repeat(64)}` };
    const program = new ProcessExecutor({
      programs: { shell },
      store: createFolderStore(join(folder, 'store')),
      results: { get: () => Promise.resolve(undefined), set: () => Promise.resolve() },
      ...{ folder: join(folder, 'workspaces'), hidden: '', platform: process.platform, resultBytesMax: 65_536 },
      ...{ clock: systemClock, log: silentLog() },
    });
    await program.start();
    floor = await Floor.open({ executors: { process: program } });
  });

  beforeEach(() => {
    floor.requests.length = 0;
    floor.handler = ({ path, body }, response) => response.end(JSON.stringify(body ?? path));
  });

  after(async () => {
    await floor.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are the results of more steps than a claim carries', async () => {
    const many = Array.from({ length: 40 }, (_, n) => ({ name: `s${n}`, ...post(n) }));
    const names = many.map(({ name }) => name);
    floor.define('join', [...many, { name: 'join', needs: names, ...post('${{ needs }}') }]);
    const run = await floor.run('join');
    assert.equal(await floor.end(run), 'succeeded');
    assert.deepEqual(await floor.result(run, '40'), Object.fromEntries(names.map((name, n) => [name, n])));
  });

  it('is null of what a person has skipped', async () => {
    floor.define('skip', [
      { name: 'a', uses: 'wait', with: { event: 'never' } },
      { name: 'b', ...post(1) },
      { name: 'c', needs: ['a', 'b'], ...post('${{ needs }}') },
    ]);
    const run = await floor.run('skip');
    await floor.until(run, '0', 'suspended');
    const on = { on: run, tenant: 'main', actor: 'ann', reason: 'not needed' };
    await floor.transitions.control(shard, on, { verb: 'skip', ref: '0' });
    assert.equal(await floor.end(run), 'succeeded');
    assert.deepEqual(await floor.result(run, '2'), { a: null, b: 1 });
  });

  it('is the same of a step in the middle of a long definition, by name', async () => {
    const steps = Array.from({ length: 600 }, (_, n) => ({
      name: `s${n}`,
      ...(n === 0 ? {} : { needs: [`s${n - 1}`] }),
      ...(n === 599 ? post(['${{ steps.s0.result }}', '${{ steps.s300.result }}']) : post(n)),
    }));
    floor.define('chain', steps);
    const run = await floor.run('chain');
    assert.equal(await floor.end(run, 30_000), 'succeeded');
    assert.deepEqual(await floor.result(run, '599'), [0, 300]);
  });

  it('reaches a program, whose result reaches the next step', async () => {
    const script = 'cat in/given.json >out/result.json';
    const limits = { memoryMiB: 64, processesMax: 8, outputMiB: 4 };
    floor.define('program', [
      {
        name: 'a',
        uses: 'process',
        with: { program: 'shell', arguments: ['-c', script], inputs: { 'given.json': ['${{ run.day }}'] }, limits },
      },
      { name: 'b', needs: ['a'], ...post('${{ steps.a.result.result[0] }}') },
      {
        name: 'c',
        uses: 'process',
        with: { program: 'shell', arguments: ['-c', 'exit 2'], limits },
        retry: { attemptsMax: 5 },
        fallback: { result: 'none', classes: ['inputs'] },
      },
    ]);
    const run = await floor.run('program');
    assert.equal(await floor.end(run, 20_000), 'succeeded', JSON.stringify(await floor.error(run, '0')));
    assert.equal(await floor.result(run, '1'), '2026-03-01');
    assert.equal((await floor.step(run, '2'))?.[1], 1, 'wrong inputs are not tried again');
    assert.equal(await floor.result(run, '2'), 'none');
  });

  it('is told to a remote worker, with what is left of its time; a step of another kind is not', async () => {
    floor.define('remote', [
      { name: 'a', ...post({ n: 7 }) },
      {
        name: 'far',
        needs: ['a'],
        uses: 'task',
        with: { handler: 'train', input: '${{ steps.a.result }}' },
        timeouts: { attemptSeconds: 9 },
      },
      {
        name: 'all',
        needs: ['a'],
        uses: 'map',
        with: { over: '${{ parameters.list }}' },
        step: { uses: 'task', with: { handler: 'one', input: '${{ item }}-${{ index }}' } },
      },
    ]);
    const run = await floor.run('remote', { list: ['x'] });
    await floor.until(run, '1', 'ready');
    await floor.until(run, '2.0', 'ready');
    const { claimed } = await floor.transitions.exchange(shard, { pools: ['default'], want: 5, leaseMs: 1000 }, []);
    const told = await Promise.all(claimed.map((each) => floor.inputs.resolveInput(each)));
    assert.deepEqual(told.map(({ handler, input, step }) => [handler, input, step]).sort(), [
      ['one', 'x-0', 'all.0'],
      ['train', { n: 7 }, 'far'],
    ]);
    const train = told.find(({ handler }) => handler === 'train');
    assert.ok((train?.deadlineMs ?? 0) > 8000 && (train?.deadlineMs ?? 0) <= 9000);
    const [first] = claimed;
    assert.ok(first !== undefined);
    await assert.rejects(floor.inputs.resolveInput({ ...first, ref: '0' }), { code: 'POOL_WRONG' });
  });

  it('is whole, also when the last run of its definition was forgotten while another laid it down', async () => {
    floor.define(
      'forgotten',
      Array.from({ length: 100 }, (_, n) => ({ name: `s${n}`, ...post(n) })),
    );
    const workflow = floor.workflows.get('forgotten');
    assert.ok(workflow !== undefined);
    const plan = planWorkflow(workflow);
    const library = readLibrary();
    const where = keys.definition(shard, plan.digest);
    const fieldsOf = () => floor.redis.hkeys(where).then((fields) => fields.toSorted());
    for (const fields of planFields(plan)) {
      if (fields[0] === 'p:1') await floor.redis.del(where);
      const args = ['sha256:release', plan.digest, ...fields];
      await fcall(floor.redis, library, { name: `${library.name}_define`, keys: [keys.prefix(shard)], args });
    }
    assert.deepEqual(await fieldsOf(), ['p:1', 'runs', 't:1']);
    assert.equal(await floor.end(await floor.run('forgotten')), 'succeeded');
    assert.deepEqual(await fieldsOf(), ['complete', 'head', 'p:0', 'p:1', 'plan', 'runs', 't:0', 't:1']);
  });

  it('is read again when more definitions are used than are kept', async () => {
    const plans = ['p', 'q', 'r'].map((name) => {
      floor.define(
        name,
        Array.from({ length: 300 }, (_, n) => ({ name: `${name}${n}`, ...post(n) })),
      );
      const workflow = floor.workflows.get(name);
      assert.ok(workflow !== undefined);
      return planWorkflow(workflow);
    });
    for (const plan of plans) await floor.transitions.define(shard, plan);
    const reader = new DefinitionReader(floor.redis, 400);
    for (let round = 0; round < 2; round += 1) {
      for (const [index, { digest }] of plans.entries()) {
        const name = ['p', 'q', 'r'][index] ?? '';
        const found = await Promise.all([0, 63, 64, 299].map((number) => reader.step(shard, digest, number)));
        assert.deepEqual(
          found.map(({ step }) => step.name),
          [`${name}0`, `${name}63`, `${name}64`, `${name}299`],
        );
      }
    }
    assert.equal((await reader.head(shard, plans[0]?.digest ?? '')).stepsCount, 300);
    await assert.rejects(reader.step(shard, plans[0]?.digest ?? '', 300), { code: 'STATE_UNEXPECTED' });
  });
});
