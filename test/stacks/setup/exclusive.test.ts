import { exclusively } from '#stacks/setup/exclusive.mjs';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

describe('exclusively', () => {
  let folder: string;
  let lockFile: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'exclusive-'));
    lockFile = path.join(folder, 'deeper', 'work.lock');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('runs one at a time, and lets every caller in', async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 3 }, () => exclusively({ lockFile, waitMaxMs: 10_000 }, work)));
    assert.equal(most, 1);
    assert.equal(existsSync(lockFile), false);
  });

  it('takes the lock of a process that is dead', async () => {
    await exclusively({ lockFile, waitMaxMs: 1_000 }, async () => undefined);
    const dead = execFileSync('/bin/sh', ['-c', 'echo $$'], { encoding: 'utf8' }).trim();
    writeFileSync(lockFile, dead);
    assert.equal(await exclusively({ lockFile, waitMaxMs: 1_000 }, async () => 'done'), 'done');
    assert.equal(existsSync(lockFile), false);
  });

  it('waits no longer than its bound for a holder that lives, and says who it is', async () => {
    await exclusively({ lockFile, waitMaxMs: 1_000 }, async () => {
      const told: number[] = [];
      const waiting = exclusively({ lockFile, waitMaxMs: 300, onWait: (pid) => told.push(pid) }, async () => undefined);
      await assert.rejects(waiting, new RegExp(`process ${process.pid} has held work\\.lock for over 0\\.3 s`));
      assert.deepEqual(told, [process.pid]);
      assert.equal(existsSync(lockFile), true);
    });
  });

  it('gives the lock back when the work fails', async () => {
    const failing = exclusively({ lockFile, waitMaxMs: 1_000 }, () => Promise.reject(new Error('no space')));
    await assert.rejects(failing, /no space/);
    assert.equal(existsSync(lockFile), false);
  });
});
