import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLocalBinding } from '#stacks/local/settings.ts';

describe('the settings of local', () => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-settings-'));
  const whole = readFileSync('Pulumi.local.yaml', 'utf8');
  const write = (text: string) => writeFileSync(join(root, 'Pulumi.local.yaml'), text);
  after(() => rmSync(root, { recursive: true }));

  it('are those of this repository, without their prefix', () => {
    write(whole);
    const { environment, settings } = readLocalBinding(root);
    assert.deepEqual([environment, settings['portBase'], settings['bus']], ['local', 7400, 'redis']);
  });

  it('are refused with every mistake, where it stands and what was meant', () => {
    write(
      whole.replace('orrery:portBase: 7400', 'orrery:portBase: 80').replace('orrery:bus: redis', 'orrery:bus: rabbit'),
    );
    assert.throws(() => readLocalBinding(root), {
      code: 'SETTINGS_INVALID',
      message: /^(?=[^]*Pulumi\.local\.yaml:6:3 .*portBase is 80)(?=[^]*Pulumi\.local\.yaml:8:3 .*"rabbit")/,
    });
    write(whole.replace('orrery:bus:', 'orrery:buss:'));
    assert.throws(() => readLocalBinding(root), { message: /unknown key "orrery:buss"[^]*did you mean "orrery:bus"/ });
    write(whole.replace('orrery:redis:', 'orrery:redis: {'));
    assert.throws(() => readLocalBinding(root), { code: 'SETTINGS_INVALID', message: /Pulumi\.local\.yaml:\d+:\d+ / });
  });

  it('say which command brings the file back when it is gone', () => {
    rmSync(join(root, 'Pulumi.local.yaml'));
    assert.throws(() => readLocalBinding(root), { code: 'SETTINGS_MISSING', hint: /git checkout/ });
  });
});
