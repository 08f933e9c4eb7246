import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { createPeer, type Peer } from '@orrery/kit/peer';
import { after, before, beforeEach, describe, it } from 'mocha';
import { backfill } from '#stacks/cli/backfill.ts';
import { cancel, kill, retry } from '#stacks/cli/control.ts';
import type { BulkTold, Told } from '#stacks/cli/control-answers.ts';
import { explain } from '#stacks/cli/explain.ts';
import type { OrchestratorVerb } from '#stacks/cli/orchestrator-verb.ts';
import { pause, resume } from '#stacks/cli/pause.ts';
import { run } from '#stacks/cli/run.ts';
import { runs } from '#stacks/cli/runs.ts';
import { show } from '#stacks/cli/show.ts';
import { approve, reset, skip } from '#stacks/cli/step-control.ts';
import type { VerbContext, VerbResult } from '#stacks/cli/verb.ts';
import { verbs } from '#stacks/cli/verbs.ts';
import { workflowCheck } from '#stacks/cli/workflow-check.ts';
import { Stage, task, token, workflow } from '#test/services/orchestrator/control/stage.ts';

const workflows = [
  workflow('chain', [task('a'), task('b', ['a'])], { parameters: { day: { type: 'string', default: 'x' } } }),
  workflow('ask', [{ name: 'ask', uses: 'approve', with: { who: ['ann', 'bob'] } }]),
  workflow('soft', [
    task('a', [], { fallback: { result: { stale: true } } }),
    task('b', ['a'], { retry: { attemptsMax: 2, backoffMs: 1 }, fallback: { result: null } }),
  ]),
  workflow('daily', [task('a')], { triggers: [{ cron: '0 6 * * *' }, { manual: true }] }),
];

/** What the history also tells of a step, and nobody asks for here. */
const timesOfNone = { state: '', retryingMs: 0, suspendedMs: 0, readyAtMs: 0, startedAtMs: null, endedAtMs: null };

describe('the verbs for runs', function () {
  this.timeout(30_000);
  const stage = new Stage(workflows);
  let peer: Peer;
  before(async () => {
    await stage.start();
    const url = await stage.app.listen({ host: '127.0.0.1', port: 0 });
    peer = createPeer({ name: 'orchestrator', url, token });
  });
  after(() => stage.stop());
  beforeEach(async () => {
    await stage.redis.flushdb();
  });

  const contextOf = (actor: string): VerbContext => ({
    places: { root: '/nowhere', state: '/nowhere' },
    portBase: undefined,
    actor,
    json: false,
    now: () => new Date(),
    progress: () => undefined,
    input: () => Readable.from([]),
    untilInterrupted: async () => undefined,
  });
  /** The verb as it is typed. */
  const say = async (verb: OrchestratorVerb, line: readonly string[], actor = 'ann'): Promise<VerbResult> => {
    const { values, positionals } = parseArgs({ args: [...line], options: verb.options ?? {}, allowPositionals: true });
    return verb.act(peer, contextOf(actor), { words: positionals, values });
  };
  const refusal = async (verb: OrchestratorVerb, line: readonly string[], actor = 'ann') =>
    say(verb, line, actor).then(
      () => ({ code: 'none', message: '', hint: '' }),
      (error: unknown) => error as { code: string; message: string; hint: string },
    );
  const start = async (name = 'chain') => ((await say(run, [name, '--no-wait'])).json as { run: string }).run;

  it('start a run with parameters, once under a key', async () => {
    const line = ['chain', '--set', 'day=2026-01-01', '--priority', '9', '--key', 'k1', '--no-wait'];
    const first = await say(run, line);
    assert.deepEqual((await say(run, line)).json, first.json);
    const view = await stage.call<{ parameters: unknown; priority: number; actor: string }>(
      'GET',
      `/v1/runs/${first.text}`,
    );
    assert.deepEqual([view.body.parameters, view.body.priority, view.body.actor], [{ day: '2026-01-01' }, 9, 'ann']);
    assert.equal((await refusal(run, ['chian', '--no-wait'])).code, 'WORKFLOW_NOT_FOUND');
    assert.match((await refusal(run, ['chain', '--set', 'day'])).hint, /NAME=VALUE/);
    assert.match((await refusal(run, ['chain', '--priority', '10'])).message, /--priority is "10"/);
  });

  it('list runs, and say how to go on', async () => {
    for (let index = 0; index < 3; index += 1) await start();
    const { text, json } = await say(runs, ['--workflow', 'chain', '--limit', '2']);
    const { next } = json as { next: string };
    assert.match(text, new RegExp(`more: --cursor ${next}$`));
    assert.equal(((await say(runs, ['--cursor', next])).json as { runs: unknown[] }).runs.length, 1);
    assert.match((await refusal(runs, ['--state', 'runing'])).hint, /did you mean running/);
    assert.match((await refusal(runs, ['--older-than', 'yesterday'])).hint, /--older-than 2h/);
  });

  it('show a run, its failure and one step, also while the history is empty', async () => {
    const id = await start();
    await stage.work(({ ref }) => ref === '1');
    const { text } = await say(show, [id]);
    assert.match(text, new RegExp(`^${id}  chain  failed`));
    assert.match(text, /b +failed +1 .*NO no/);
    assert.match(text, /history {3}nothing is recorded yet/);
    assert.match((await say(show, [id, '--step', 'a'])).text, /"did": "0"/);
    assert.match((await say(show, [id, '--steps', 'failed'])).text, /^step +state +try\nb +failed +1 +no$/);
    assert.equal((await refusal(show, ['s00-000000000000'])).code, 'RUN_NOT_FOUND');
  });

  it('show which steps ended with their fallbacks, and why', async () => {
    const id = await start('soft');
    await stage.work(({ ref }) => ref === '0');
    const { text, json } = await say(show, [id]);
    assert.match(text, /\na +succeeded +1 +\d\.\d +degraded, by its fallback: NO no\n/);
    assert.match(text, /\nb +succeeded +1 +\d\.\d\n/);
    const { steps } = json as { steps: { degraded?: true; result: unknown }[] };
    assert.deepEqual(
      steps.map(({ degraded, result }) => [degraded, result]),
      [
        [true, { stale: true }],
        [undefined, { did: '1' }],
      ],
    );
    const page = (await say(show, [id, '--steps', 'succeeded'])).text;
    assert.match(page, /\na +succeeded +1 +degraded, by its fallback: NO no\n/);
  });

  it('show the fallbacks of a run that only the history knows', async () => {
    const of = { tries: 1, runningMs: 1000, waitingMs: 0, refs: 1, degraded: 0 };
    const told = {
      ...{ tenant: 'main', run: 's00-0old00000000', workflow: 'soft', definition: '', state: 'succeeded' },
      howLong: {
        ...{ queuedMs: 0, runningMs: 1000, totalMs: 1000, stepsTotal: 3 },
        steps: [
          { ...of, step: 'a', degraded: 1 },
          { ...of, step: 'each', refs: 4, degraded: 2 },
          { ...of, step: 'b' },
        ].map((step) => ({ ...step, ...timesOfNone })),
      },
      howMuch: { attemptSeconds: 1, pools: [], cost: 0, unpriced: [] },
      ...{ whyFailed: null, whoDidIt: [] },
    };
    const { history } = stage.started;
    stage.started = { ...stage.started, history: { ...history, explain: async () => told } };
    const { text } = await say(show, [told.run]);
    assert.match(text, /\ndegraded {2}a, each \(2 of it and its items\): ended with their fallbacks\n/);
    stage.started = { ...stage.started, history };
  });

  it('explain what a run waits for', async () => {
    const { text } = await say(explain, [await start()]);
    assert.match(text, /a +ready +\d+\.\d s +is number 1 of 1 in the line of the pool default/);
    assert.match(text, /b +waiting +- +waits for a \(ready\)/);
  });

  it('pause and resume a run, a workflow and all', async () => {
    const id = await start();
    assert.equal((await say(pause, [id, '--reason', 'look'])).text, `${id}: running`);
    assert.equal((await say(pause, [id])).text, `${id}: running already`);
    assert.equal((await say(pause, ['--workflow', 'chain'])).text, 'the workflow chain is paused');
    assert.equal((await say(pause, ['--everything'])).text, 'the tenant main is paused');
    assert.equal((await say(resume, ['--everything'])).text, 'the tenant main goes on');
    assert.equal((await say(resume, ['--workflow', 'chain'])).text, 'the workflow chain goes on');
    assert.equal((await say(resume, ['--workflow', 'chain'])).text, 'the workflow chain goes on already');
    assert.equal((await refusal(pause, [])).code, 'USAGE');
    assert.equal((await refusal(pause, [id, '--everything'])).code, 'USAGE');
  });

  it('tell what a pause, its end and a skip would do, and do nothing of it', async () => {
    const id = await start();
    assert.equal(
      (await say(pause, [id, '--dry-run'])).text,
      `${id} is running; pause would: starts no more steps; 0 attempts in progress will end`,
    );
    assert.equal((await say(resume, [id, '--dry-run'])).text, `${id}: running already`);
    assert.match(
      (await say(pause, ['--workflow', 'chain', '--dry-run'])).text,
      /^the workflow chain; pause would: starts/,
    );
    assert.match(
      (await say(pause, ['--everything', '--dry-run'])).text,
      /^the tenant main; pause would: starts no more/,
    );
    assert.equal((await say(resume, ['--everything', '--dry-run'])).text, 'the tenant main goes on already');
    assert.equal(
      (await say(skip, [id, 'a', '--dry-run'])).text,
      `${id} is running; skip would: ends a, which is ready, as if it had ended well; then b`,
    );
    assert.equal((await refusal(skip, [id, 'z', '--dry-run'])).code, 'STEP_NOT_FOUND');
    assert.deepEqual(await stage.states(id), { a: 'ready', b: 'waiting' });
    assert.equal((await stage.show(id)).paused, false);
  });

  it('cancel and kill one run', async () => {
    const [first, second] = [await start(), await start()];
    assert.equal((await say(cancel, [first, '--grace', '0s'])).text, `${first}: cancelled`);
    const dry = await say(kill, [second, '--dry-run']);
    assert.match(dry.text, /is running; kill would: ends 2 steps; 0 attempts in progress are taken/);
    assert.equal((await refusal(kill, [second])).code, 'REASON_MISSING');
    assert.equal((await say(kill, [second, '--reason', 'it leaks'])).text, `${second}: cancelled`);
  });

  it('cancel many only after a look: the confirmed list or nothing', async () => {
    const ids = [await start(), await start()].sort();
    assert.match((await refusal(cancel, ['--workflow', 'chain'])).hint, /--dry-run/);
    const dry = await say(cancel, ['--workflow', 'chain', '--reason', 'wrong day', '--dry-run']);
    const told = dry.json as BulkTold;
    assert.deepEqual(told.acts.map((each) => each.run).sort(), ids);
    const confirm = `npx orrery cancel --workflow chain --reason "wrong day" --confirm ${told.token}`;
    assert.ok(dry.text.endsWith(`to do exactly this: ${confirm}`), dry.text);
    const late = await start();
    const line = ['--workflow', 'chain', '--reason', 'wrong day', '--confirm', told.token];
    assert.equal((await refusal(cancel, line)).code, 'BULK_CHANGED');
    await say(kill, [late, '--reason', 'out of the way']);
    const done = await say(cancel, line);
    assert.deepEqual(
      [done.exitCode, (done.json as BulkTold).nothing.length],
      [0, 1],
      'what is so already is no refusal',
    );
    assert.deepEqual((done.json as BulkTold).acts.map((each) => each.run).sort(), ids);
  });

  it('retry from what failed, and from a step', async () => {
    const id = await start();
    await stage.work(({ ref }) => ref === '1');
    const dry = await say(retry, [id, '--dry-run']);
    assert.match(dry.text, /is failed; retry would: 1 step goes again: b\n {2}b$/);
    assert.match((await say(retry, [id, '--from', 'a'])).text, /: running, 2 steps go again: a, b$/);
    await stage.work();
    assert.equal((await refusal(retry, [id])).code, 'RUN_STATE_WRONG');
    assert.equal((await refusal(retry, [])).code, 'USAGE');
    assert.equal((await refusal(retry, [id, '--state', 'failed'])).code, 'USAGE');
  });

  it('skip a step and reset to one', async () => {
    const id = await start();
    assert.equal((await refusal(skip, [id, 'a'])).code, 'REASON_MISSING');
    assert.equal((await say(skip, [id, 'a', '--reason', 'not today'])).text, `${id}: a is skipped`);
    await stage.work();
    const dry = (await say(reset, [id, 'a', '--dry-run'])).json as Told;
    assert.deepEqual(dry.again?.steps, ['a', 'b']);
    await say(reset, [id, 'b']);
    assert.deepEqual(await stage.work(), ['1']);
    assert.match((await refusal(reset, [id, 'bb'])).hint, /did you mean b\?/);
  });

  it('approve and reject as oneself', async () => {
    const id = await start('ask');
    const [claimed] = await stage.take('inner');
    assert.ok(claimed !== undefined);
    await stage.end(claimed, 'suspended', { on: 'approval', who: ['ann', 'bob'], quorum: 2 });
    assert.equal((await refusal(approve, [id, 'ask'], 'mallory')).code, 'DECISION_NOT_ASKED');
    assert.match((await say(approve, [id, 'ask'])).text, /ask is approved by ann; it is suspended$/);
    assert.match((await refusal(approve, [id, 'ask', '--reject'], 'bob')).hint, /--comment/);
    const rejected = await say(approve, [id, 'ask', '--reject', '--comment', 'not yet'], 'bob');
    assert.match(rejected.text, /ask is rejected by bob; it is failed$/);
  });

  it('estimate a backfill, begin it, and tell how far it is', async () => {
    const asked: unknown[] = [];
    const spread = { p50: 90_000, p90: 600_000 };
    const estimate = {
      ...{ times: 31, existing: 1, starts: 30, first: '2026-01-01T06:00:00.000Z', last: '2026-01-31T06:00:00.000Z' },
      ...{ durationMs: spread, costUsd: 'unknown' as const, pastRuns: 12 },
    };
    const progress = { decided: 3, open: ['s00-x'], accepted: 2, known: 1, left: 0, ended: false };
    const request = { tenant: 'main', workflow: 'daily', trigger: 'cron', fromMs: 0, untilMs: 1 } as const;
    const record = {
      ...{ id: '0123456789abcdef', actor: 'ann', wish: 'run' as const, progress },
      request: { ...request, order: 'oldest-first' as const, atOnceMax: 1, again: 0 },
    };
    stage.started = {
      ...stage.started,
      backfills: {
        estimate: async (wanted) => {
          asked.push(wanted);
          return estimate;
        },
        start: async () => ({ id: record.id, fresh: true }),
        show: async () => record,
        wish: async (_tenant, _id, wish) => {
          const left = wish === 'cancel' ? { ended: true, open: [] } : { open: ['s00-x', 's00-y'] };
          return { ...record, wish, progress: { ...progress, ...left } };
        },
        active: async () => [record],
      },
    };
    const line = ['daily', '--from', '2026-01-01', '--until', '2026-02-01', '--at-once', '4'];
    const dry = await say(backfill, [...line, '--dry-run']);
    assert.match(dry.text, /^a backfill would start 30 runs of daily: 31 times, 1 have a run already/);
    assert.match(dry.text, /how long {2}90\.0 s, nine of ten times below 10\.0 min, by 12 past runs/);
    assert.deepEqual(asked, [
      {
        ...{ tenant: 'main', workflow: 'daily', trigger: 'cron 0 6 * * * UTC', order: 'oldest-first' },
        ...{ fromMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2026, 1, 1), atOnceMax: 4, again: 0 },
      },
    ]);
    assert.match((await say(backfill, line)).text, /backfill 0123456789abcdef starts 30 runs/);
    assert.match((await say(backfill, [])).text, /0123456789abcdef +daily +goes on +3 decided, 1 open +ann$/);
    const counted = '3 times decided: 2 runs started, 1 were there, 0 could not start';
    const range = 'from 1970-01-01T00:00:00Z until 1970-01-01T00:00:00Z';
    const lines = async (...words: readonly string[]) =>
      (await say(backfill, ['--id', record.id, ...words])).text.split('\n');
    assert.deepEqual(await lines(), [
      ...['0123456789abcdef  daily  goes on', range, counted, '1 of these runs goes on: s00-x'],
    ]);
    assert.deepEqual(await lines('--pause'), [
      ...['0123456789abcdef  daily  paused', range, counted, '2 of these runs go on: s00-x, s00-y'],
    ]);
    assert.deepEqual(await lines('--cancel'), [
      '0123456789abcdef  daily  cancelled: it starts no more runs',
      ...[range, counted, 'none of these runs goes on'],
    ]);
    assert.equal((await refusal(backfill, ['chain', ...line.slice(1)])).code, 'TRIGGER_UNCLEAR');
    assert.equal((await refusal(backfill, ['daly', ...line.slice(1)])).code, 'WORKFLOW_NOT_FOUND');
    assert.match((await refusal(backfill, ['daily', '--from', 'monday'])).message, /--from is "monday"/);
  });

  it('serve one tenant at a time', async () => {
    const id = await start();
    assert.equal((await refusal(cancel, [id, '--tenant', 't7'])).code, 'RUN_NOT_FOUND');
  });

  it('teach: every one of them says what for, how, and by an example', () => {
    for (const name of [
      'run',
      'runs',
      'show',
      'pause',
      'resume',
      'cancel',
      'kill',
      'retry',
      'skip',
      'reset',
      'explain',
      'approve',
      'backfill',
    ]) {
      const verb = verbs.find((each) => each.name === name);
      assert.ok(verb !== undefined, name);
      assert.ok(verb.summary.length < 80, name);
      assert.ok(verb.help.length > 80, name);
    }
  });
});

describe('orrery workflow check', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-check-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const check = async (text: string): Promise<VerbResult> => {
    const file = join(folder, 'hello.yaml');
    writeFileSync(file, text);
    return workflowCheck.run(undefined as never, { words: [file], values: {} });
  };
  const hello = `kind: Workflow
schema: 1
name: hello
owner: people
triggers: [{ manual: true }]
steps:
  - { name: first, uses: wait, with: { forMs: 5 } }
  - { name: second, needs: [first], uses: wait, with: { forMs: 5 } }
`;

  it('names what a file defines and its digest', async () => {
    const { text, exitCode } = await check(hello);
    assert.match(text, /Workflow hello, 2 steps, sha256:[0-9a-f]{64}$/);
    assert.equal(exitCode, 0);
  });

  it('tells every mistake with its place and the nearest word', async () => {
    const { text, exitCode } = await check(hello.replace('[first]', '[frist]'));
    assert.match(text, /hello\.yaml:8:29 .*frist/);
    assert.match(text, /did you mean "first"/);
    assert.equal(exitCode, 1);
    assert.match((await check(hello.replace('owner:', 'onwer:'))).text, /hello\.yaml:4:1 .*onwer/);
    const missing = await check(hello)
      .then(() => workflowCheck.run(undefined as never, { words: ['no.yaml'], values: {} }))
      .catch((error: unknown) => error as { code: string });
    assert.equal((missing as { code: string }).code, 'NO_FILE');
  });

  it('tells of workflows that start each other, also where only one of them is named', async () => {
    const started = (name: string, by: string) =>
      hello.replace('name: hello', `name: ${name}`).replace('{ manual: true }', `{ workflow: ${by} }`);
    writeFileSync(join(folder, 'bye.yaml'), started('bye', 'hello'));
    assert.equal((await check(hello)).exitCode, 0);
    const { text, exitCode } = await check(started('hello', 'bye'));
    const [mine, other] = [join(folder, 'hello.yaml:5:14'), join(folder, 'bye.yaml:5:14')];
    const message = `${mine} these workflows start each other, without an end: hello starts bye starts hello`;
    assert.equal(text, `${message}\n    take out one of these triggers: ${mine}, ${other}`);
    assert.equal(exitCode, 1);
  });
});
