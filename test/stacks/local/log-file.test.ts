import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFile, readTail } from '#stacks/local/log-file.ts';

describe('the log of a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-log-'));
  after(() => rmSync(folder, { recursive: true }));

  it('keeps at most its bound and one file before it, and the last lines', () => {
    const log = new LogFile(folder, 'scoring', { bytesMax: 10 });
    for (const line of ['first\n', 'second\n', 'third\n', 'fourth\n']) log.write(Buffer.from(line));
    assert.equal(readFileSync(`${log.path}.1`, 'utf8'), 'first\nsecond\n');
    assert.deepEqual(readTail(log.path, 10), ['third', 'fourth']);
    log.write(Buffer.from('fifth\n'));
    assert.equal(readFileSync(`${log.path}.1`, 'utf8'), 'third\nfourth\n');
    assert.equal(log.lastLines(2), 'fourth fifth');
  });

  it('stays the file to which others append, also once it was turned over', () => {
    const log = new LogFile(folder, 'deployer', { bytesMax: 5 });
    log.write(Buffer.from('before\n'));
    log.write(Buffer.from('after\n'));
    appendFileSync(log.path, 'last words\n');
    assert.deepEqual(readTail(log.path, 10), ['after', 'last words']);
  });
});
