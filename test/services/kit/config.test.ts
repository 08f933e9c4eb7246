import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Type from 'typebox';
import { checkConfig, loadConfig } from '@orrery/kit/config';

const settings = Type.Object({
  decimals: Type.Integer({ default: 2 }),
  rowsMax: Type.Integer({ minimum: 1, default: 10 }),
});
const given = {
  service: 'scoring',
  environment: 'local',
  release: 'working-tree',
  version: { own: 'a', closure: 'b' },
  port: 7414,
  tokenFile: '/run/token',
};

describe('the configuration of a service', () => {
  it('fills in defaults and can not be changed afterwards', () => {
    const config = checkConfig(given, settings, 'x.json');
    assert.deepEqual(
      [config.settings.decimals, config.settings.rowsMax, config.host, config.drainMs],
      [2, 10, '127.0.0.1', 10_000],
    );
    assert.throws(() => Object.assign(config.settings, { decimals: 3 }), TypeError);
  });

  it('tells every problem at once, with the nearest known key', () => {
    const wrong = { ...given, port: 'high', settings: { decimal: 1, rowsMax: 0 } };
    assert.throws(
      () => checkConfig(wrong, settings, 'x.json'),
      (error: { code: string; message: string }) => {
        assert.equal(error.code, 'CONFIG_INVALID');
        assert.match(error.message, /port: must be integer/);
        assert.match(error.message, /unknown key "decimal", did you mean "decimals"\?/);
        assert.match(error.message, /settings\.rowsMax: must be >= 1/);
        return true;
      },
    );
  });

  it('is read from the file that --config names', () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-config-'));
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ ...given, settings: { decimals: 4 } }));
    assert.equal(loadConfig(['node', 'main.mjs', '--config', file], settings).settings.decimals, 4);
    writeFileSync(file, '{"service": ');
    assert.throws(() => loadConfig(['--config', file], settings), { code: 'CONFIG_UNREADABLE' });
    assert.throws(() => loadConfig([], settings), { code: 'CONFIG_MISSING' });
    rmSync(folder, { recursive: true });
  });
});
