import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrreryError } from '@orrery/kit/errors';
import { tellError } from '#stacks/cli/fault.ts';
import { CommandError } from '#stacks/errors.ts';

describe('telling an error', () => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-fault-'));
  after(() => rmSync(root, { recursive: true }));
  const thrown = (work: () => unknown): unknown => {
    try {
      work();
    } catch (error) {
      return error;
    }
    throw new Error('nothing was thrown');
  };

  it('keeps code, remedy and exit code of what orrery refuses', () => {
    const refused = new CommandError({ code: 'UNSAFE', message: 'no', hint: 'do', exitCode: 3 });
    assert.deepEqual(tellError(refused, root), { code: 'UNSAFE', message: 'no', hint: 'do', exitCode: 3 });
    const failed = new OrreryError({ code: 'FAILED', message: 'no', hint: 'do' });
    assert.deepEqual(tellError(failed, root), { code: 'FAILED', message: 'no', hint: 'do', exitCode: 1 });
  });

  it('names files from the root of the clone, whatever folder that is', () => {
    const message = `${root}/stacks/pins/dev.json is no pin`;
    const told = tellError(new CommandError({ code: 'X', message, hint: `git checkout -- ${root}/stacks` }), root);
    assert.deepEqual([told.message, told.hint], ['stacks/pins/dev.json is no pin', 'git checkout -- stacks']);
  });

  it('takes what the machine refuses for no fault of orrery, and says what to do', () => {
    mkdirSync(join(root, 'folder'));
    writeFileSync(join(root, 'file'), '');
    const told = (work: () => unknown) => {
      const { code, hint, exitCode, stack } = tellError(thrown(work), root);
      assert.deepEqual([exitCode, stack], [1, undefined]);
      assert.notEqual(hint, '');
      return code;
    };
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    const fails = (error: Error) => () => {
      throw error;
    };
    assert.equal(told(fails(full)), 'DISK_FULL');
    assert.equal(
      told(() => readFileSync(join(root, 'folder'))),
      'NO_FILE',
    );
    assert.equal(
      told(() => readFileSync(join(root, 'file', 'x'))),
      'NO_FOLDER',
    );
    // What making a folder and its parents says on a file system that can't be written.
    const absent = Object.assign(new Error('ENOENT: mkdir'), { code: 'ENOENT', syscall: 'mkdir' });
    assert.equal(told(fails(absent)), 'NOT_WRITABLE');
  });

  it('gives the place of what nobody expected, for a report', () => {
    const { code, message, hint, stack } = tellError(new TypeError('x is undefined'), root);
    assert.deepEqual([code, message], ['FAULT', 'x is undefined']);
    assert.match(hint, /report it/);
    assert.match(stack ?? '', /fault\.test\.ts/);
    const denied = Object.assign(new Error('kill EPERM'), { code: 'EPERM', syscall: 'kill' });
    assert.equal(tellError(denied, root).code, 'FAULT');
    assert.equal(tellError('text', root).message, 'text');
  });
});
