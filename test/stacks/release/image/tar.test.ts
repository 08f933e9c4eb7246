import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { streamTar, writeTar, type TarEntry } from '#stacks/release/image/tar.ts';

const file = (path: string, content: string, mode = 0o644): TarEntry => ({ path, mode, content: Buffer.from(content) });
const deep = `${'folder/'.repeat(40)}file with blanks and umlauts äöü.txt`;
const unsplittable = `a/${'n'.repeat(120)}`;

async function collect(entries: readonly TarEntry[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of streamTar(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a layer', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-tar-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read by the tar of the system as it was written: paths, contents, links, permissions, owner 0, time 0', () => {
    const entries = [
      file('b/run', '#!/bin/sh\n', 0o755),
      file('a.txt', 'x'.repeat(513)),
      file(deep, 'deep'),
      file(unsplittable, 'long'),
      { path: 'b/link', mode: 0o777, target: 't'.repeat(150) },
      { path: 'tmp/', mode: 0o1777 },
    ];
    writeFileSync(join(folder, 'layer.tar'), writeTar(entries));
    const listed = execFileSync('tar', ['--numeric-owner', '--utc', '-tvf', 'layer.tar'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const lines = listed.trim().split('\n');
    assert.ok(
      lines.every((line) => /^\S+ 0\/0 +\d+ 1970-01-01 00:00 /.test(line)),
      listed,
    );
    assert.ok(lines.some((line) => line.startsWith('drwxrwxrwt') && line.endsWith(' tmp/')));
    mkdirSync(join(folder, 'out'));
    execFileSync('tar', ['-xf', '../layer.tar'], { cwd: join(folder, 'out') });
    const read = (path: string) => readFileSync(join(folder, 'out', path), 'utf8');
    assert.deepEqual([read('a.txt').length, read(deep), read(unsplittable)], [513, 'deep', 'long']);
    assert.equal(readlinkSync(join(folder, 'out', 'b/link')), 't'.repeat(150));
    assert.equal(statSync(join(folder, 'out', 'b/run')).mode & 0o777, 0o755);
  });

  it('has the same bytes for the same entries in any order, in memory as from files', async () => {
    const content = Buffer.from('content of a file');
    writeFileSync(join(folder, 'source'), content);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', '-', '/', '.', 'ö'), maxLength: 130 }), {
          maxLength: 8,
        }),
        fc.nat(),
        async (drawn, turn) => {
          const paths = drawn.map((path, index) => `${index}${path.replace(/\/+/g, '/').replace(/\/$/, '')}x`);
          const entries = paths.map((path) => ({ path, mode: 0o644, content }));
          const turned = entries.map((_, index) => entries[(index + turn) % entries.length] ?? file('', ''));
          const source = { file: join(folder, 'source'), bytes: content.length };
          const bytes = writeTar(entries);
          assert.deepEqual(writeTar(turned), bytes);
          assert.deepEqual(await collect(paths.map((path) => ({ path, mode: 0o644, source }))), bytes);
          assert.equal(bytes.length % 512, 0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuses two entries in one place, and a file where a folder must be', () => {
    assert.throws(() => writeTar([file('a', '1'), file('a', '2')]), {
      name: 'RangeError',
      message: /two entries lie at a/,
    });
    assert.throws(() => writeTar([file('a', '1'), file('a/b', '2')]), {
      name: 'RangeError',
      message: /below a, which/,
    });
  });

  it('refuses a file that changed while it was read', async () => {
    writeFileSync(join(folder, 'source'), 'longer than said');
    const entry = { path: 'a', mode: 0o644, source: { file: join(folder, 'source'), bytes: 3 } };
    await assert.rejects(collect([entry]), { name: 'RangeError', message: /has 16 bytes and had 3/ });
  });
});
