import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runMocha } from './mocha.ts';
import type { Outcome } from './reporter.ts';

describe('runMocha', () => {
  let folder: string;
  let runs = 0;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'mocha-run-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function outcomeOf(tests: string, args: readonly string[] = []): Promise<Outcome> {
    runs += 1;
    const file = path.join(folder, `${runs}.mjs`);
    writeFileSync(file, tests);
    return runMocha({
      root: path.join(import.meta.dirname, '..', '..'),
      args: [...args, file],
      env: { ...process.env, NODE_OPTIONS: '' },
      outcomeFile: path.join(folder, `${runs}.json`),
      show: 'nothing',
      lingerMaxMs: 300,
      onStart: () => undefined,
    });
  }

  const MIXED = `
    it('stands', () => {});
    it.skip('lies', () => {});
    describe('planets', () => {
      it('fall', () => { throw new Error('fallen'); });
      it.skip('wait', () => {});
      it('turn', () => {});
    });
    describe('moons [no telescope]', () => { before(function () { this.skip(); }); it('one', () => {}); it('two', () => {}); });`;

  for (const args of [[], ['--parallel', '--jobs=1']]) {
    it(`counts what passed, names what failed and whose tests were skipped ${args.join(' ')}`, async () => {
      assert.deepEqual(await outcomeOf(MIXED, args), {
        passed: 2,
        failed: ['planets › fall'],
        skipped: { lies: 1, planets: 1, 'moons [no telescope]': 2 },
      });
    });
  }

  it('counts without running when asked to', async () => {
    const outcome = await outcomeOf("it('would throw', () => { throw new Error('ran'); });", ['--dry-run']);
    assert.deepEqual(outcome, { passed: 1, failed: [], skipped: {} });
  });

  it('takes a process that leaves in the middle for a failure, whatever its code', async () => {
    const leaving = await outcomeOf("it('leaves', () => process.exit(0)); it('never runs', () => {});");
    assert.deepEqual(leaving.failed, ['mocha ended before its last test']);
    const killed = await outcomeOf("it('dies', (done) => { process.kill(process.pid, 'SIGKILL'); });");
    assert.deepEqual(killed.failed, ['mocha was ended by SIGKILL']);
  });

  it('takes a file that can’t be loaded for a failure', async () => {
    const { failed } = await outcomeOf("import './missing.mjs';");
    assert.deepEqual(failed, ['mocha ended with code 1']);
  });

  it('ends a process that a test keeps alive, and says so', async () => {
    const { passed, failed } = await outcomeOf("it('forgets', () => { setInterval(() => {}, 1000); });");
    assert.equal(passed, 1);
    assert.deepEqual(failed, ['mocha was still alive 0.3 s after its last test: a test left something open']);
  });

  it('takes an error outside every test for a failure', async () => {
    const { failed } = await outcomeOf(
      "it('starts', (done) => { setTimeout(() => { throw new Error('late'); }, 20); setTimeout(done, 200); });",
    );
    assert.equal(failed.length, 1);
  });
});
