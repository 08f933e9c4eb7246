import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertEnvironment } from '#stacks/cli/environment-name.ts';

describe('the word for an environment', () => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-environment-'));
  const places = { root, state: join(root, '.orrery') };
  before(() => {
    mkdirSync(join(root, 'stacks/pins'), { recursive: true });
    writeFileSync(join(root, 'stacks/pins/old.json'), '{}');
    for (const name of ['dev', 'prod']) writeFileSync(join(root, `Pulumi.${name}.yaml`), '');
  });
  after(() => rmSync(root, { recursive: true }));

  it('is that of a file of settings, or of a pin', () => {
    assert.deepEqual(
      ['dev', 'prod', 'old'].map((word) => assertEnvironment(places, word)),
      ['dev', 'prod', 'old'],
    );
  });

  it('is refused with the nearest that there is', () => {
    assert.throws(() => assertEnvironment(places, 'prd'), {
      code: 'ENVIRONMENT_UNKNOWN',
      exitCode: 2,
      message: 'there is no environment "prd"',
      hint: /^did you mean "prod"\? there is: dev, prod\. An environment is a file Pulumi\.<env>\.yaml/,
    });
  });

  it('is no way to another folder', () => {
    for (const word of ['../pins/old', '../../x', '', '-x', 'Dev', 'a/b'])
      assert.throws(() => assertEnvironment(places, word), { code: 'ENVIRONMENT_UNKNOWN' }, word);
  });
});
