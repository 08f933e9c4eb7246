import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { acquireLock } from '#stacks/promotion/lock.ts';
import { isRunning } from '#stacks/running.ts';
import { eventually } from '#test/support/eventually.ts';

/** Programs that stand for the engine: one that obeys an interrupt, one that has something in flight for ever. */
const obeys = "process.on('SIGINT', () => process.exit(7));";
const stubborn = "process.on('SIGINT', () => console.log('not yet'));";
const tells = "require('fs').writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000);";

describe('an engine under its guard', function () {
  this.timeout(60_000);
  let folder: string;
  let deployers: ChildProcess[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-guard-'));
    deployers = [];
  });
  afterEach(() => {
    for (const deployer of deployers) deployer.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function begin(program: string, leaseMs = 60_000) {
    const pidFile = join(folder, 'engine.pid');
    const words = [folder, join(folder, 'log'), String(leaseMs), process.execPath, '-e', `${program}${tells}`, pidFile];
    const file = join(import.meta.dirname, 'guarded-process.ts');
    const deployer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    deployers.push(deployer);
    const lines = createInterface({ input: deployer.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'held');
    const pid = await eventually(() => existsSync(pidFile) && Number(readFileSync(pidFile, 'utf8')), {
      what: 'the engine to run',
    });
    return { deployer, pid, answer: async () => JSON.parse((await lines.next()).value ?? 'null') as unknown };
  }
  const gone = (pid: number, timeoutMs: number) =>
    eventually(() => !isRunning(pid), { timeoutMs, what: 'the end of the engine' });

  it('is interrupted when its deployer is asked to stop, and its code is told', async () => {
    const { deployer, answer } = await begin(obeys);
    deployer.kill('SIGINT');
    assert.deepEqual(await answer(), { code: 7, reason: '' });
  });

  it('finishes what is in flight when it is interrupted, for as long as the lease is renewed', async () => {
    const { deployer, pid } = await begin(stubborn);
    deployer.kill('SIGINT');
    await eventually(() => readFileSync(join(folder, 'log'), 'utf8').includes('not yet'));
    assert.ok(isRunning(pid));
  });

  it('ends with a deployer that was killed, and nobody takes over before it has', async () => {
    const { deployer, pid } = await begin(stubborn);
    await eventually(() => readFileSync(join(folder, 'locks/local/1.json'), 'utf8').includes(`"pid": ${pid}`), {
      what: 'the lease to name the engine',
    });
    deployer.kill('SIGKILL');
    const lease = await acquireLock({ root: folder, state: folder }, 'local', { holder: 'next', waitMs: 30_000 });
    assert.ok(!isRunning(pid), 'the engine still runs');
    await lease.release();
  });

  it('ends before the lease of a deployer that is paused lapses', async () => {
    const { deployer, pid } = await begin(stubborn, 4000);
    deployer.kill('SIGSTOP');
    await gone(pid, 10_000);
    const lapsed = await acquireLock({ root: folder, state: folder }, 'local', { holder: 'next', waitMs: 0 }).then(
      () => true,
      () => false,
    );
    assert.equal(lapsed, false, 'the lease was over before the engine');
  });

  it('that can not be run is told', async () => {
    const lease = await acquireLock({ root: folder, state: folder }, 'local', { holder: 'here' });
    const { runGuarded } = await import('#stacks/promotion/guarded-engine.ts');
    const ended = await runGuarded({
      root: folder,
      log: join(folder, 'log'),
      program: join(folder, 'nothing'),
      words: [],
      lease,
      signal: new AbortController().signal,
      progress: () => undefined,
      onTick: () => undefined,
    });
    assert.equal(ended.code, 127);
    assert.match(ended.reason, /ENOENT/);
    await lease.release();
  });
});
