import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import { appendEntry, readLedger } from '#stacks/promotion/ledger.ts';
import { acquireLock, locksFolder, underLock } from '#stacks/promotion/lock.ts';
import { ledgerFolder, type Places } from '#stacks/release/places.ts';
import { eventually } from '#test/support/eventually.ts';
import { LockHolder } from './lock-holder.ts';

const contenders = 50;

function git(cwd: string, ...words: string[]): string {
  const result = spawnSync('git', words, { cwd, encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  return result.stdout;
}

/** A folder of one's own, and a clone in it of a bare repository that others may clone, too. */
class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'orrery-lock-'));
  readonly remote = join(this.folder, 'remote.git');

  constructor() {
    git(this.folder, 'init', '--quiet', '--bare', this.remote);
  }

  clone(name: string): Places {
    const root = join(this.folder, name);
    git(this.folder, 'clone', '--quiet', this.remote, root);
    return { root, state: join(root, '.orrery') };
  }

  refs(): string[] {
    return git(this.remote, 'for-each-ref', '--format=%(refname)')
      .split('\n')
      .filter((line) => line !== '');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

for (const kind of ['a folder', 'a git remote'] as const) {
  describe(`the lock of an environment, kept in ${kind}`, function () {
    this.timeout(90_000);
    const environment = kind === 'a folder' ? 'local' : 'dev';
    let workplace: Workplace;
    let places: Places;
    let holders: LockHolder[];

    beforeEach(() => {
      workplace = new Workplace();
      places = workplace.clone('anna');
      holders = [];
    });
    afterEach(() => {
      for (const holder of holders) holder.end();
      workplace.remove();
    });

    const contend = (from: Places, options?: { leaseMs?: number; waitMs?: number }) => {
      const holder = new LockHolder(from, environment, options);
      holders.push(holder);
      return holder;
    };

    it(`is given to exactly one of ${contenders} processes that ask at once`, async () => {
      // On a remote nothing else keeps them apart: each has a state folder of its own.
      const from = (index: number) =>
        kind === 'a folder' ? places : { ...places, state: join(workplace.folder, `state-${index}`) };
      const asked = Array.from({ length: contenders }, (_, index) => contend(from(index)));
      assert.deepEqual(new Set(await Promise.all(asked.map((one) => one.next()))), new Set(['ready']));
      const answers = await Promise.all(asked.map((one) => one.ask('go')));
      assert.deepEqual(answers.filter((answer) => answer !== 'ENVIRONMENT_LOCKED').length, 1, answers.join(' '));
      assert.equal(answers.filter((answer) => answer === 'held 1').length, 1);
    });

    it('goes to the next when it is given back, with a greater fence', async () => {
      const first = await acquireLock(places, environment, { holder: 'first' });
      await assert.rejects(acquireLock(places, environment, { holder: 'second' }), {
        code: 'ENVIRONMENT_LOCKED',
        exitCode: 3,
        message: /is held by first on .* since 20.* until 20/,
      });
      await first.release();
      await assert.rejects(first.assertHeld(), { code: 'FENCED_OFF' });
      const second = await acquireLock(places, environment, { holder: 'second' });
      assert.deepEqual([first.fence, second.fence], [1, 2]);
      await second.assertHeld();
      await second.release();
    });

    it('is waited for', async () => {
      const first = await acquireLock(places, environment, { holder: 'first' });
      const waiting = acquireLock(places, environment, { holder: 'second', waitMs: 60_000 });
      await first.release();
      const second = await waiting;
      assert.equal(second.fence, 2);
      await second.release();
    });

    it('is kept by renewing while its holder works', async () => {
      const first = await acquireLock(places, environment, { holder: 'first', leaseMs: 1500 });
      const begun = performance.now();
      await eventually(() => performance.now() - begun > 2500, { what: 'more than one lease' });
      await first.assertHeld();
      await assert.rejects(acquireLock(places, environment, { holder: 'second' }), { code: 'ENVIRONMENT_LOCKED' });
      await first.release();
    });

    it('is taken from a holder that was killed, without waiting for its lease', async () => {
      const killed = contend(places);
      await killed.next();
      assert.equal(await killed.ask('go'), 'held 1');
      killed.end();
      await eventually(() => killed.child.exitCode !== null || killed.child.signalCode !== null);
      const next = await acquireLock(places, environment, { holder: 'next' });
      assert.equal(next.fence, 2);
      await next.release();
    });

    it('is lost by a holder that was paused past its lease: its next step and its next entry are refused', async () => {
      const paused = contend(places, { leaseMs: 1500 });
      await paused.next();
      assert.equal(await paused.ask('go'), 'held 1');
      assert.equal(await paused.ask('append'), 'ok');
      paused.child.kill('SIGSTOP');
      const next = await acquireLock(places, environment, { holder: 'next', waitMs: 30_000 });
      assert.equal(next.fence, 2);
      const digest = digestOfBytes('other');
      appendEntry(places, environment, {
        at: '2026-01-01T00:00:00.000Z',
        actor: 'next',
        reason: 'goes on',
        fence: next.fence,
        event: { kind: 'pin', pin: { schema: 2, release: digest, binding: digest, render: digest }, from: null },
      });
      paused.child.kill('SIGCONT');
      assert.equal(await paused.ask('assert'), 'FENCED_OFF');
      assert.equal(await paused.ask('append'), 'FENCED_OFF');
      assert.deepEqual(
        readLedger(places, environment).map((entry) => entry.actor),
        ['a-process', 'next'],
      );
      await next.release();
    });

    it('never gives a fence below one that the ledger has seen, although the leases were lost', async () => {
      const first = await acquireLock(places, environment, { holder: 'first' });
      const digest = digestOfBytes('pin');
      appendEntry(places, environment, {
        at: '2026-01-01T00:00:00.000Z',
        actor: 'somebody',
        reason: 'from elsewhere',
        fence: 41,
        event: { kind: 'pin', pin: { schema: 2, release: digest, binding: digest, render: digest }, from: null },
      });
      await first.release();
      rmSync(locksFolder(places, environment), { recursive: true });
      for (const ref of workplace.refs()) git(workplace.remote, 'update-ref', '-d', ref);
      const next = await acquireLock(places, environment, { holder: 'next' });
      assert.equal(next.fence, 42);
      await next.release();
    });
  });
}

describe('the leases in a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-lock-'));
  const places = { root: folder, state: folder };
  after(() => rmSync(folder, { recursive: true }));

  it('of the past are forgotten but for the last twenty', async () => {
    for (let turn = 0; turn < 25; turn += 1)
      await (await acquireLock(places, 'local', { holder: `turn ${turn}` })).release();
    const fences = readdirSync(locksFolder(places, 'local')).map((name) => Number.parseInt(name));
    assert.deepEqual(
      fences.toSorted((left, right) => left - right),
      Array.from({ length: 21 }, (_, index) => index + 5),
    );
  });

  it('that are no leases are told with their place', async () => {
    const broken = locksFolder(places, 'broken');
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, '7.json'), '{');
    await assert.rejects(acquireLock(places, 'broken', { holder: 'x' }), { code: 'LOCK_UNREACHABLE' });
  });
});

describe('the leases on a remote', function () {
  this.timeout(60_000);
  let workplace: Workplace;
  let [anna, bert]: Places[] = [];

  beforeEach(() => {
    workplace = new Workplace();
    [anna, bert] = [workplace.clone('anna'), workplace.clone('bert')];
  });
  afterEach(() => workplace.remove());

  const pinned = (places: Places, fence: number) => {
    const digest = digestOfBytes('pin');
    appendEntry(places, 'dev', {
      at: '2026-01-01T00:00:00.000Z',
      actor: 'anna',
      reason: 'deployed',
      fence,
      event: { kind: 'pin', pin: { schema: 2, release: digest, binding: digest, render: digest }, from: null },
    });
  };

  it('keep out another clone, but not what is for one clone alone', async () => {
    assert.ok(anna && bert);
    const first = await acquireLock(anna, 'dev', { holder: 'anna' });
    assert.deepEqual(workplace.refs(), ['refs/orrery/locks/dev/1']);
    await assert.rejects(acquireLock(bert, 'dev', { holder: 'bert' }), { code: 'ENVIRONMENT_LOCKED' });
    const own = await acquireLock(bert, 'dev', { holder: 'bert', scope: 'clone' });
    await own.release();
    await assert.rejects(acquireLock(anna, 'dev', { holder: 'anna again', scope: 'clone' }), {
      code: 'ENVIRONMENT_LOCKED',
    });
    await first.release();
    const second = await acquireLock(bert, 'dev', { holder: 'bert' });
    assert.equal(second.fence, 2);
    await second.release();
  });

  it('refuse who lacks the entries of the last holder, unless these are lost', async () => {
    assert.ok(anna && bert);
    const first = await acquireLock(anna, 'dev', { holder: 'anna' });
    pinned(anna, first.fence);
    await first.release();
    await assert.rejects(acquireLock(bert, 'dev', { holder: 'bert' }), {
      code: 'LEDGER_STALE',
      exitCode: 3,
      message: /ends at entry 0 here, anna on .* went on to entry 1/,
    });
    const lost = await acquireLock(bert, 'dev', { holder: 'bert', acceptsLostEntries: true });
    await lost.release();
    mkdirSync(ledgerFolder(bert, 'dev'), { recursive: true });
    pinned(bert, first.fence);
    await (await acquireLock(bert, 'dev', { holder: 'bert' })).release();
  });

  it('are told as unreachable when the remote is gone', async () => {
    assert.ok(anna);
    rmSync(workplace.remote, { recursive: true });
    await assert.rejects(acquireLock(anna, 'dev', { holder: 'anna' }), { code: 'LOCK_UNREACHABLE' });
    await (await acquireLock(anna, 'dev', { holder: 'anna', scope: 'clone' })).release();
  });

  it('are given although the remote lets nobody forget those of the past', async () => {
    assert.ok(anna);
    await (await acquireLock(anna, 'dev', { holder: 'anna' })).release();
    const first = 'refs/orrery/locks/dev/1';
    const record = JSON.parse(git(workplace.remote, 'log', '-1', '--format=%B', first)) as object;
    const message = JSON.stringify({ ...record, fence: 25 });
    const author = ['-c', 'user.name=anna', '-c', 'user.email=anna@orrery.invalid'];
    const lease = git(workplace.remote, ...author, 'commit-tree', `${first}^{tree}`, '-m', message).trim();
    git(workplace.remote, 'update-ref', 'refs/orrery/locks/dev/25', lease);
    const keeping = '#!/bin/sh\ncase "$3" in *[!0]*) exit 0;; esac\nexit 1\n';
    writeFileSync(join(workplace.remote, 'hooks', 'update'), keeping, { mode: 0o755 });
    const next = await acquireLock(anna, 'dev', { holder: 'next' });
    assert.equal(next.fence, 26);
    await next.assertHeld();
    assert.ok(workplace.refs().includes(first));
    await next.release();
  });

  it('give back what can be given back when the remote is gone', async () => {
    assert.ok(anna);
    const lease = await acquireLock(anna, 'dev', { holder: 'anna' });
    rmSync(workplace.remote, { recursive: true });
    await assert.rejects(lease.release(), { code: 'LOCK_UNREACHABLE' });
    await (await acquireLock(anna, 'dev', { holder: 'anna', scope: 'clone' })).release();
  });

  it('hide neither what was done under them nor why it failed when they can not be given back', async () => {
    assert.ok(anna);
    const told: string[] = [];
    const options = { holder: 'anna', progress: (line: string) => void told.push(line) };
    const loseRemote = (outcome: Promise<string>) => {
      renameSync(workplace.remote, `${workplace.remote}.away`);
      return outcome;
    };
    assert.equal(await underLock(anna, 'dev', options, () => loseRemote(Promise.resolve('done'))), 'done');
    assert.match(told.join('\n'), /the lock of dev was not given back, its lease ends by itself/);
    renameSync(`${workplace.remote}.away`, workplace.remote);
    const later = { ...options, now: () => Date.now() + 3_600_000 };
    const failing = underLock(anna, 'dev', later, () => loseRemote(Promise.reject(new Error('no room'))));
    await assert.rejects(failing, /no room/);
  });

  it('stay with a holder whose renewal arrived although the remote went away before it could say so', async () => {
    assert.ok(anna);
    const lease = await acquireLock(anna, 'dev', { holder: 'anna', leaseMs: 4000 });
    const head = join(workplace.remote, 'HEAD');
    const away = '#!/bin/sh\nrm "$0"\nmv HEAD HEAD.away\nkill -9 $PPID\n';
    writeFileSync(join(workplace.remote, 'hooks', 'post-receive'), away, { mode: 0o755 });
    await lease.include(process.ppid).catch(() => undefined);
    const begun = performance.now();
    await eventually(() => existsSync(`${head}.away`));
    renameSync(`${head}.away`, head);
    await eventually(() => performance.now() - begun > 4500, { what: 'more than one lease' });
    await lease.assertHeld();
    const kept = git(workplace.remote, 'log', '-1', '--format=%B', 'refs/orrery/locks/dev/1');
    const { processes } = JSON.parse(kept) as { processes: { pid: number }[] };
    assert.deepEqual(
      processes.map(({ pid }) => pid),
      [process.pid, process.ppid],
    );
    await lease.release();
  });
});
