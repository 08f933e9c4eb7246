import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

describe('.ci/run', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'ci-run-'));
    mkdirSync(path.join(folder, 'project', '.ci'), { recursive: true });
    cpSync(path.join(import.meta.dirname, '..', '..', '.ci', 'run'), path.join(folder, 'project', '.ci', 'run'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs it with an npm that does as the script says. */
  function run(script: string): { status: number | null; lastLine: string | undefined } {
    writeFileSync(path.join(folder, 'npm'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const { status, stdout } = spawnSync(path.join(folder, 'project', '.ci', 'run'), {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    return { status, lastLine: stdout.trimEnd().split('\n').at(-1) };
  }

  it('runs `npm test` and ends by its code with the total as last line', () => {
    const green = run('[ "$*" = test ] || exit 9; echo "5 passed, 0 failed, 1 skipped"');
    assert.deepEqual(green, { status: 0, lastLine: '5 passed, 0 failed, 1 skipped' });
    const red = run('echo "3 passed, 1 failed, 0 skipped"; echo "npm error Test failed." >&2; exit 1');
    assert.deepEqual(red, { status: 1, lastLine: '3 passed, 1 failed, 0 skipped' });
  });

  it('counts a run that dies without a total as one failure', () => {
    assert.deepEqual(run('echo boom; exit 7'), { status: 7, lastLine: '0 passed, 1 failed, 0 skipped' });
  });

  it('starts the engines of a machine that offers them', () => {
    const lab = path.join(folder, 'shared', 'lab');
    mkdirSync(lab, { recursive: true });
    writeFileSync(path.join(lab, 'ci.sh'), 'export KAFKA_BROKERS=127.0.0.1:19092\n');
    const given = run('[ "$KAFKA_BROKERS" = 127.0.0.1:19092 ] || exit 8; echo "1 passed, 0 failed, 0 skipped"');
    assert.deepEqual(given, { status: 0, lastLine: '1 passed, 0 failed, 0 skipped' });
  });
});
