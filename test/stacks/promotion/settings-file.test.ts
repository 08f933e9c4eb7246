import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '#stacks/errors.ts';
import { freezeSettings, thawSettings } from '#stacks/promotion/settings-file.ts';

const repository = join(import.meta.dirname, '..', '..', '..');

describe('freezing the settings of an environment', () => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-settings-'));
  const file = join(root, 'Pulumi.dev.yaml');
  beforeEach(() => copyFileSync(join(repository, 'Pulumi.dev.yaml'), file));
  after(() => rmSync(root, { recursive: true }));

  const edit = (from: string, to: string) => {
    const text = readFileSync(file, 'utf8');
    assert.ok(text.includes(from), from);
    writeFileSync(file, text.replace(from, to));
  };

  it('gives the same binding for the file as Pulumi writes it again', () => {
    const before = freezeSettings(root, 'dev');
    edit('orrery:gpuMax: 1', 'orrery:gpuMax: "1"');
    writeFileSync(file, `${readFileSync(file, 'utf8')}encryptionsalt: v1:abc\n`);
    assert.deepEqual(freezeSettings(root, 'dev'), before);
  });

  it('refuses a key that stands twice, with its place', () => {
    edit('  orrery:region: eu-west-1\n', '  orrery:region: eu-west-1\n  orrery:region: eu-west-2\n');
    const line = readFileSync(file, 'utf8').split('\n').indexOf('  orrery:region: eu-west-2') + 1;
    assert.throws(() => freezeSettings(root, 'dev'), {
      code: 'SETTINGS_INVALID',
      message: `Pulumi.dev.yaml:${line}:3 the key orrery:region stands twice`,
    });
    edit('  orrery:region: eu-west-2\n', '');
    edit('    nat: single\n', '    nat: single\n    nat: perAz\n');
    assert.throws(() => freezeSettings(root, 'dev'), { message: /Pulumi\.dev\.yaml:\d+:5 the key nat stands twice/ });
  });

  it('is undone by writing a binding back, which keeps comments and what belongs to others', () => {
    const frozen = freezeSettings(root, 'dev');
    const before = readFileSync(file, 'utf8');
    edit('nat: single', 'nat: perAz');
    edit('orrery:gpuMax: 1', 'orrery:gpuMax: 3');
    edit('zones: [eu-west-1a, eu-west-1b, eu-west-1c]', 'zones: [eu-west-1a, eu-west-1b]');
    writeFileSync(file, `${readFileSync(file, 'utf8')}encryptionsalt: v1:abc\n`);
    assert.deepEqual(
      thawSettings(root, frozen).map(({ path, pinned }) => [path, pinned]),
      [
        ['gpuMax', 1],
        ['network.nat', 'single'],
        ['network.zones', ['eu-west-1a', 'eu-west-1b', 'eu-west-1c']],
      ],
    );
    assert.deepEqual(freezeSettings(root, 'dev'), frozen);
    const comments = (text: string) => text.split('\n').filter((line) => line.trim().startsWith('#'));
    assert.deepEqual(comments(readFileSync(file, 'utf8')), comments(before));
    assert.match(readFileSync(file, 'utf8'), /^encryptionsalt: v1:abc$/m);
    assert.deepEqual(thawSettings(root, frozen), []);
  });

  it('names every setting that is wrong', () => {
    edit('orrery:gpuMax: 1', 'orrery:gpuMax: many');
    assert.throws(() => freezeSettings(root, 'dev'), { code: 'SETTINGS_INVALID', message: /gpuMax: "many"/ });
  });

  it('tells a file that says nothing once, and what to copy into it', () => {
    for (const text of ['', '# nothing yet\n', 'config:\n', 'config:\n  aws:region: eu-west-1\n', 'config: {}\n']) {
      writeFileSync(file, text);
      assert.throws(() => freezeSettings(root, 'dev'), {
        code: 'SETTINGS_INVALID',
        message: /^Pulumi\.dev\.yaml has a problem:\n {2}config: is empty; copy .*Pulumi\.kubernetes\.yaml[^\n]*$/,
      });
    }
  });

  it('says what an environment is when there is no file', () => {
    assert.throws(
      () => freezeSettings(root, 'staging'),
      (error) =>
        error instanceof CommandError &&
        error.code === 'ENVIRONMENT_UNKNOWN' &&
        error.exitCode === 2 &&
        error.hint.includes('copy Pulumi.dev.yaml'),
    );
  });
});
