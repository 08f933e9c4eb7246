import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@orrery/contracts/digest';
import type { Provenance, Release } from '@orrery/contracts/release';
import { CommandError } from '#stacks/errors.ts';
import { providePackages } from '#stacks/render/packages.ts';
import { cloudRelease } from '#test/support/cloud-release.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const commit = '0'.repeat(40);

describe('the packages of a release', () => {
  const state = mkdtempSync(join(tmpdir(), 'orrery-packages-'));
  after(() => rmSync(state, { recursive: true, force: true }));

  function provide(toolchain: Partial<Release['toolchain']>): Promise<string> {
    const base = cloudRelease();
    const release: Release = { ...base, toolchain: { ...base.toolchain, ...toolchain } };
    const digest = digestOf('release', release);
    const provenance: Provenance = { schema: 1, release: digest, commit, createdAt: '', actor: '', reason: '' };
    return providePackages({ root, state }, { digest, release, provenance }, () => undefined);
  }

  it('are the installed ones where engine and providers are those that it names', async () => {
    const providers = { '@pulumi/aws': { version: '7.48.0', integrity: '' } };
    assert.equal(realpathSync(await provide({ providers })), realpathSync(join(root, 'node_modules')));
  });

  for (const [what, toolchain] of [
    ['engine', { engine: '3.1.0' }],
    ['provider', { providers: { '@pulumi/aws': { version: '6.0.0', integrity: '' } } }],
  ] as const) {
    it(`are never the installed ones where it names another ${what}: its commit’s are installed, or nothing is rendered`, async () => {
      await assert.rejects(
        provide(toolchain),
        (error) =>
          error instanceof CommandError && error.code === 'PACKAGES_MISSING' && error.message.includes('000000000000'),
      );
    });
  }
});
