import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@orrery/kit/config';
import { followRelease, readRelease } from '@orrery/kit/release-file';
import Type from 'typebox';
import { eventually } from '#test/support/eventually.ts';

describe('the release that a file tells', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-release-'));
    file = join(folder, 'release');
    writeFileSync(file, 'sha256:one\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is followed while the service runs, and stands where it can not be told', async () => {
    const identity = { release: readRelease(file) };
    const warnings: unknown[] = [];
    const log = { info: () => undefined, warn: (...told: unknown[]) => void warnings.push(told) };
    const end = followRelease(file, { identity, log, lookMs: 5 });
    assert.equal(identity.release, 'sha256:one');
    writeFileSync(file, 'sha256:two');
    await eventually(() => identity.release === 'sha256:two', { timeoutMs: 5000 });
    rmSync(file);
    await eventually(() => warnings.length > 0, { timeoutMs: 5000 });
    assert.equal(identity.release, 'sha256:two');
    end();
  });

  it('stands in the configuration of a service that is told a file instead', () => {
    const config = join(folder, 'config.json');
    const given = {
      service: 'scoring',
      environment: 'dev',
      version: { own: 'a', closure: 'b' },
      port: 1,
      tokenFile: '/t',
    };
    writeFileSync(config, JSON.stringify({ ...given, releaseFile: file }));
    assert.equal(loadConfig(['--config', config], Type.Object({})).release, 'sha256:one');
    writeFileSync(config, JSON.stringify(given));
    assert.throws(() => loadConfig(['--config', config], Type.Object({})), { code: 'CONFIG_INVALID' });
  });

  it('is refused where it is missing or empty', () => {
    writeFileSync(file, ' \n');
    assert.throws(() => readRelease(file), { code: 'RELEASE_UNREADABLE' });
    assert.throws(() => readRelease(join(folder, 'none')), { code: 'RELEASE_UNREADABLE' });
  });
});
