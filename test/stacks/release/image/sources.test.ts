import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import { debianEntries, suiteOf } from '#stacks/release/image/debian.ts';
import { writeTar } from '#stacks/release/image/tar.ts';
import { wheelsEntries } from '#stacks/release/image/wheels.ts';
import { currentHost, findProgram } from '#stacks/setup/host.ts';

const sized = { digest: digestOfBytes('not known yet'), size: 1024 };

describe('what layers are made of', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-sources-'));
    mkdirSync(join(folder, 'sources'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function write(path: string, content: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }

  /** Keeps a file under its digest, as if it had been fetched. */
  function keep(path: string, extension: string) {
    const digest = digestOfBytes(readFileSync(join(folder, path)));
    renameSync(join(folder, path), join(folder, 'sources', `${digest.slice('sha256:'.length)}${extension}`));
    return digest;
  }

  const contents = (entries: Awaited<ReturnType<typeof wheelsEntries>>) =>
    entries.map(
      ({ path, mode, target }) => `${mode.toString(8)} ${path}${target === undefined ? '' : ` -> ${target}`}`,
    );

  it('are Debian packages without manuals and translations, with licence and record', async function () {
    if (findProgram(currentHost(), 'dpkg-deb') === undefined) this.skip();
    write(
      'tree/DEBIAN/control',
      'Package: tiny\nVersion: 1\nArchitecture: amd64\nMaintainer: a <a@b>\nDescription: t\n',
    );
    write('tree/usr/lib/libtiny.so.1', '\u007fELF');
    write('tree/usr/share/doc/tiny/copyright', 'free');
    write('tree/usr/share/doc/tiny/changelog.gz', 'left out');
    write('tree/usr/share/man/man1/tiny.1', 'left out');
    write('tree/etc/tiny.conf', 'left out');
    execFileSync('dpkg-deb', ['--root-owner-group', '--build', 'tree', 'tiny.deb'], { cwd: folder, stdio: 'ignore' });
    const packages = { tiny: { version: '1', sha256: keep('tiny.deb', '.deb'), file: 'pool/main/t/tiny.deb' } };
    const entries = await debianEntries(
      { kind: 'debian', suite: 'bookworm', packages, ...sized },
      { host: currentHost(), sources: join(folder, 'sources'), work: join(folder, 'work') },
    );
    assert.deepEqual(contents(entries).sort(), [
      '644 usr/share/doc/tiny/copyright',
      '644 var/lib/dpkg/status.d/tiny',
      '755 usr/lib/libtiny.so.1',
    ]);
    assert.match(entries.at(-1)?.content?.toString() ?? '', /^Package: tiny\nVersion: 1\n/);
  });

  it('are wheels as they are: libraries of .data in place, scripts nowhere', async function () {
    const host = currentHost();
    const python = findProgram(host, 'python3');
    if (python === undefined) this.skip();
    write('tree/tiny/__init__.py', 'x = 1\n');
    write('tree/tiny-1.0.dist-info/METADATA', 'Name: tiny\n');
    write('tree/tiny-1.0.data/platlib/tiny/extension.so', '\u007fELF');
    write('tree/tiny-1.0.data/scripts/tiny', '#!python\n');
    const zip = ['-m', 'zipfile', '-c', '../tiny.whl', 'tiny', 'tiny-1.0.dist-info', 'tiny-1.0.data'];
    assert.equal(spawnSync(python, zip, { cwd: join(folder, 'tree') }).status, 0);
    const files = { 'tiny-1.0-py3-none-any.whl': keep('tiny.whl', '.whl') };
    const entries = await wheelsEntries(
      { kind: 'wheels', lockfile: digestOfBytes('lock'), files, ...sized },
      { host, python, requirements: '/none', sources: join(folder, 'sources'), work: join(folder, 'work') },
    );
    assert.deepEqual(contents(entries).sort(), [
      '644 opt/python/tiny-1.0.dist-info/METADATA',
      '644 opt/python/tiny/__init__.py',
      '755 opt/python/tiny/extension.so',
    ]);
    assert.ok(writeTar(entries.map(({ path, mode }) => ({ path, mode, content: Buffer.from('') }))).length > 0);
  });

  it('name the distribution that the packages are of', () => {
    assert.equal(suiteOf('NAME="Debian"\nVERSION_CODENAME=bookworm\n'), 'bookworm');
    assert.equal(suiteOf(''), 'unknown');
  });
});
