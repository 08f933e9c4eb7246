import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerEntry } from '@orrery/contracts/ledger';
import { digestOfBytes } from '@orrery/contracts/digest';
import { movesOf, readLedger } from '#stacks/promotion/ledger.ts';
import { movePin, readPin } from '#stacks/promotion/pin.ts';
import { isRunning } from '#stacks/running.ts';
import { cloneRepository, collect, type Answer, type Clone } from '#test/support/clone.ts';
import { EngineStandIn, type Behaviour } from '#test/support/engine-stand-in.ts';
import { eventually } from '#test/support/eventually.ts';

const minuteMs = 60_000;
const names = EngineStandIn.resources;
const urnOf = (name: string | undefined) => `urn:pulumi:dev::orrery::aws:s3/bucket:Bucket::${name ?? ''}`;

describe('deploying a cloud by its pin', function () {
  this.timeout(6 * minuteMs);
  let clone: Clone;
  let engine: EngineStandIn;
  const releases: string[] = [];
  const begun: ChildProcess[] = [];

  before(async () => {
    clone = cloneRepository();
    engine = new EngineStandIn();
    for (const mark of ['', '\nexport const mark = 1;\n']) {
      if (mark !== '')
        clone.commit('services/scoring/src/config.ts', (text) => text.replace(/default: 2/, 'default: 4'));
      const created = await clone.orrery(['release', 'create', '--json']);
      assert.equal(created.code, 0, created.stderr);
      releases.push((created.json() as { release: string }).release);
      commitRecords();
    }
    await pin(0);
    commitRecords();
  });
  after(async () => {
    for (const deployer of begun) deployer.kill('SIGKILL');
    await clone.remove();
    engine.remove();
  });
  beforeEach(() => {
    engine.behave({});
    engine.takeCalls();
  });

  const places = () => ({ root: clone.root, state: clone.state });
  const orrery = (...words: string[]) => clone.orrery(words, { env: engine.env });
  const ledger = () => readLedger(places(), 'dev');
  function commitRecords(): void {
    clone.git('add', '--all', 'stacks');
    clone.git('commit', '--quiet', '--allow-empty', '--message', 'record');
  }
  async function pin(index: number): Promise<void> {
    const pinned = await clone.orrery(['pin', 'dev', releases[index] ?? '']);
    assert.equal(pinned.code, 0, pinned.stderr);
  }
  const codeOf = (answer: Answer) => (answer.json() as { error?: { code: string } }).error?.code;
  /** One word an entry of the last deployment, as a person would tell it. */
  const told = (from: readonly LedgerEntry[] = ledger()) => {
    const begun = from.findLastIndex((entry) => entry.event.kind === 'deployment-started');
    return from.slice(begun).map(({ event }) => {
      if (event.kind === 'deployment-step') return `${event.step} ${event.outcome}`;
      return event.kind === 'deployment-ended' ? `${event.outcome}, stands on ${event.standsOn}` : event.kind;
    });
  };
  const whole = ['verify', 'preview', 'up', 'state'].flatMap((step) => [`${step} started`, `${step} done`]);
  /** Starts a deployment that hangs in its third resource. */
  async function hanging(behaviour: Behaviour = {}) {
    engine.behave({ hangAt: 2, ...behaviour });
    engine.forget('made.json');
    engine.forget('hangs');
    const deployer = clone.start(['deploy', 'dev', '--json'], { env: engine.env });
    begun.push(deployer);
    const answer = collect(deployer, 5 * minuteMs);
    const pid = await eventually(() => engine.has('hangs') && Number(engine.read('hangs')), { timeoutMs: minuteMs });
    return { deployer, answer, pid };
  }

  it('needs the engine, and says what to install', async () => {
    const env = { ...engine.env, PATH: '/usr/bin:/bin' };
    const answer = await clone.orrery(['deploy', 'dev'], { env });
    assert.equal(answer.code, 1);
    assert.match(answer.stderr, /there is no pulumi on the PATH\n {2}install it: https:\/\/www\.pulumi\.com/);
  });

  it('changes nothing by a rollback that could not be deployed', async () => {
    const env = { ...engine.env, PATH: '/usr/bin:/bin' };
    const settings = clone.read('Pulumi.dev.yaml');
    clone.write('Pulumi.dev.yaml', settings.replace('orrery:gpuMax: 1', 'orrery:gpuMax: 2'));
    const before = clone.git('status', '--porcelain');
    for (const words of [[], ['--wait', 'long']]) {
      const answer = await clone.orrery(['rollback', 'dev', '--to', '1', ...words], { env });
      assert.equal(answer.code, words.length === 0 ? 1 : 2, answer.stderr);
      assert.match(clone.read('Pulumi.dev.yaml'), /gpuMax: 2/);
      assert.equal(clone.git('status', '--porcelain'), before);
    }
    clone.write('Pulumi.dev.yaml', settings);
  });

  it('makes what is pinned, tells every step in the ledger, and keeps the state encrypted', async () => {
    const answer = await orrery('deploy', 'dev', '--json');
    assert.equal(answer.code, 0, answer.stderr);
    const result = answer.json() as { number: number; deployment: number; resources: unknown; state: string };
    assert.deepEqual([result.number, result.deployment], [1, 2]);
    assert.deepEqual(result.resources, {
      ...{ created: 4, updated: 0, replaced: 0, deleted: 0, unchanged: 0, failed: [] },
      done: names.map(urnOf).sort(),
    });
    assert.deepEqual(told(), ['deployment-started', ...whole, 'succeeded, stands on target']);
    assert.deepEqual(engine.takeCalls(), ['preview --stack', 'up --stack', 'stack export']);
    const kept = readFileSync(join(clone.state, `exports/dev/2-${result.state.slice(7, 19)}.json`));
    assert.equal(digestOfBytes(kept), result.state);
    const ended = ledger().at(-1)?.event;
    assert.ok(ended?.kind === 'deployment-ended' && ended.state === result.state);
  });

  it('has nothing to do the second time', async () => {
    const answer = await orrery('deploy', 'dev');
    assert.match(answer.stdout, /created 0, updated 0, replaced 0, deleted 0, unchanged 4/);
    commitRecords();
  });

  for (const [index, name] of names.entries()) {
    it(`tells what stands when ${name} (${index + 1} of ${names.length}) fails, and goes on from there`, async () => {
      engine.forget('made.json');
      engine.behave({ failAt: index });
      const failed = await orrery('deploy', 'dev');
      assert.equal(failed.code, 1);
      assert.match(failed.stderr, /stands between two states \(created 3, /);
      assert.ok(failed.stderr.includes(`${urnOf(name)}: no room for ${name}`), failed.stderr);
      assert.deepEqual(told().slice(-2), ['up failed', 'failed, stands on partial']);
      const step = ledger().at(-2)?.event;
      assert.ok(step?.kind === 'deployment-step');
      const others = names.filter((one) => one !== name);
      assert.deepEqual([step.resources?.failed, step.resources?.done], [[urnOf(name)], others.map(urnOf).sort()]);
      engine.behave({});
      const again = await orrery('deploy', 'dev');
      assert.equal(again.code, 0, again.stderr);
      assert.match(again.stderr, /failed in step up: 3 resources were done, 1 were not\. Going on from there/);
      assert.match(again.stdout, /created 1, updated 0, replaced 0, deleted 0, unchanged 3/);
      assert.deepEqual(Object.keys(engine.made).sort(), [...names].sort());
    });
  }

  it('refuses before anything begins when the file of its settings says something that nobody pinned', async () => {
    clone.write('Pulumi.dev.yaml', clone.read('Pulumi.dev.yaml').replace('orrery:gpuMax: 1', 'orrery:gpuMax: 2'));
    const before = ledger().length;
    const answer = await orrery('deploy', 'dev');
    clone.git('checkout', '--', 'Pulumi.dev.yaml');
    assert.equal(answer.code, 3);
    assert.match(answer.stderr, /gpuMax: pinned 1, configured 2/);
    assert.deepEqual([engine.takeCalls(), ledger().length], [[], before]);
  });

  it('refuses a pin that was edited by hand, one that is not committed, and records that were edited', async () => {
    const file = 'stacks/pins/dev.json';
    const before = clone.read(file);
    clone.write(file, before.replace(releases[0] ?? '', releases[1] ?? ''));
    assert.equal(codeOf(await orrery('deploy', 'dev', '--json')), 'PIN_NOT_IN_LEDGER');
    clone.write(file, before);
    await pin(1);
    const uncommitted = await orrery('deploy', 'dev', '--json');
    assert.deepEqual([uncommitted.code, codeOf(uncommitted)], [3, 'PIN_UNCOMMITTED']);
    await pin(0);
    commitRecords();
    const entry = 'stacks/records/ledger/dev/000001.json';
    const text = clone.read(entry);
    clone.write(`stacks/records/releases/${(releases[1] ?? '').slice(7, 19)}/provenance.json`, '{}');
    assert.equal(codeOf(await orrery('deploy', 'dev', '--json')), 'RECORDS_EDITED');
    clone.git('checkout', '--', 'stacks/records');
    clone.write(entry, text.replace('pinned by hand', 'pinned by hans'));
    assert.equal(codeOf(await orrery('deploy', 'dev', '--json')), 'LEDGER_BROKEN');
    clone.git('checkout', '--', 'stacks/records');
    assert.deepEqual(engine.takeCalls(), []);
  });

  it('finishes a move that was killed between the ledger and the file of the pin', async () => {
    const file = 'stacks/pins/dev.json';
    const [before, moves] = [clone.read(file), movesOf(ledger()).length];
    await pin(1);
    const after = clone.read(file);
    clone.write(file, before);
    await pin(1);
    assert.deepEqual([clone.read(file), movesOf(ledger()).length], [after, moves + 1]);
    await pin(0);
    commitRecords();
  });

  it('ends in order when a person ends it, and says so', async () => {
    const { deployer, answer, pid } = await hanging();
    deployer.kill('SIGINT');
    const ended = await answer;
    assert.deepEqual([ended.code, codeOf(ended)], [1, 'INTERRUPTED']);
    assert.deepEqual(told().slice(-2), ['up failed', 'interrupted, stands on partial']);
    assert.ok(!isRunning(pid));
    engine.behave({});
    assert.equal((await orrery('deploy', 'dev')).code, 0);
  });

  it('keeps out a second deployer, naming the first', async () => {
    const { deployer, answer } = await hanging();
    const second = await orrery('deploy', 'dev');
    assert.equal(second.code, 3);
    assert.match(second.stderr, /dev is held by .*: deploy dev on .* since [^]*--wait 300/);
    deployer.kill('SIGINT');
    await answer;
  });

  it('is finished by the next when its deployer was killed, once its engine is gone, and its lock is removed', async () => {
    const { deployer, pid } = await hanging({ stubborn: true });
    deployer.kill('SIGKILL');
    engine.behave({});
    const next = await orrery('deploy', 'dev', '--wait', '60');
    assert.equal(next.code, 0, next.stderr);
    assert.ok(!isRunning(pid));
    assert.match(next.stderr, /had been interrupted in step up \(started\)/);
    assert.ok(engine.takeCalls().includes('cancel --yes'));
    const ended = ledger().filter(({ event }) => event.kind === 'deployment-ended');
    assert.deepEqual(
      ended.slice(-2).map(({ event }) => event.kind === 'deployment-ended' && [event.outcome, event.standsOn]),
      [
        ['interrupted', 'unknown'],
        ['succeeded', 'target'],
      ],
    );
    assert.deepEqual(Object.keys(engine.made).sort(), [...names].sort());
  });

  it('leaves the engine of its successor alone when it was paused past its lease', async () => {
    const late = await hanging({ stubborn: true });
    late.deployer.kill('SIGSTOP');
    await eventually(() => !isRunning(late.pid), { timeoutMs: 2 * minuteMs, what: 'its engine to be ended' });
    engine.forget('hangs');
    const next = clone.start(['deploy', 'dev', '--wait', '90', '--json'], { env: engine.env });
    begun.push(next);
    const answer = collect(next, 3 * minuteMs);
    await eventually(() => engine.has('hangs'), { timeoutMs: 2 * minuteMs, what: 'the engine of the next' });
    engine.takeCalls();
    late.deployer.kill('SIGCONT');
    assert.equal(codeOf(await late.answer), 'FENCED_OFF');
    assert.deepEqual([engine.takeCalls(), engine.has('lock')], [[], true]);
    next.kill('SIGINT');
    process.kill(Number(engine.read('hangs')), 'SIGKILL');
    await answer;
    engine.behave({});
    assert.equal((await orrery('deploy', 'dev')).code, 0);
  });

  it('says that it does not know what stands when the engine is killed, and goes on', async () => {
    engine.forget('made.json');
    engine.behave({ dieAt: 2 });
    const killed = await orrery('deploy', 'dev');
    assert.equal(killed.code, 1);
    assert.match(killed.stderr, /it was killed/);
    assert.equal(told().at(-1), 'failed, stands on unknown');
    engine.behave({});
    assert.equal((await orrery('deploy', 'dev')).code, 0);
  });

  it('leaves an engine alone that somebody runs by hand', async () => {
    engine.lock();
    const answer = await orrery('deploy', 'dev', '--json');
    assert.deepEqual([answer.code, codeOf(answer)], [3, 'ENGINE_LOCKED']);
    assert.ok(engine.has('lock'));
    assert.ok(!engine.takeCalls().includes('cancel --yes'));
    assert.equal(told().at(-1), 'failed, stands on previous');
    engine.forget('lock');
  });

  it('keeps no export that holds a secret in clear', async () => {
    engine.behave({ inClear: true });
    const answer = await orrery('deploy', 'dev', '--json');
    assert.deepEqual([answer.code, codeOf(answer)], [3, 'STATE_IN_CLEAR']);
    assert.equal(told().at(-1), 'failed, stands on target');
    const folder = join(clone.state, 'exports/dev');
    assert.ok(existsSync(folder));
    for (const name of readdirSync(folder)) assert.doesNotMatch(readFileSync(join(folder, name), 'utf8'), /hunter2/);
  });

  it('rolls back to an earlier number: the same release, binding and render, deployed', async () => {
    const first = readPin(places(), 'dev');
    await pin(1);
    commitRecords();
    assert.equal((await orrery('deploy', 'dev')).code, 0);
    assert.deepEqual(new Set(Object.values(engine.made).map((one) => one.release)), new Set([releases[1]]));
    const back = await orrery('rollback', 'dev', '--to', '1', '--json');
    assert.equal(back.code, 0, back.stderr);
    assert.deepEqual(readPin(places(), 'dev'), first);
    const last = movesOf(ledger()).at(-1);
    assert.deepEqual([last?.entry.event.kind, last?.entry.event.pin], ['rollback', first]);
    assert.deepEqual(new Set(Object.values(engine.made).map((one) => one.release)), new Set([releases[0]]));
    const listed = await orrery('rollback', 'dev', '--list');
    assert.match(listed.stdout, new RegExp(`${last?.ordinal ?? 0} {2}.* rollback `));
    commitRecords();
  });

  it('refuses to return to what does not render as it did', async () => {
    const stands = readPin(places(), 'dev');
    assert.ok(stands);
    const fence = (ledger().at(-1)?.fence ?? 0) + 1;
    const draft = {
      kind: 'pin',
      actor: 'test',
      reason: 'another render',
      at: '2026-01-01T00:00:00.000Z',
      fence,
    } as const;
    movePin(places(), 'dev', { ...draft, pin: { ...stands, render: digestOfBytes('another') } });
    const wrong = movesOf(ledger()).at(-1)?.ordinal ?? 0;
    movePin(places(), 'dev', { ...draft, pin: stands });
    const answer = await orrery('rollback', 'dev', '--to', String(wrong), '--json');
    assert.deepEqual([answer.code, codeOf(answer)], [3, 'RENDER_DIFFERS']);
    assert.deepEqual(readPin(places(), 'dev'), stands);
    assert.deepEqual(engine.takeCalls(), []);
    commitRecords();
  });

  it('leaves records that an audit finds whole', async () => {
    const audit = await orrery('audit', 'verify');
    assert.equal(audit.code, 0, audit.stdout);
  });
});
