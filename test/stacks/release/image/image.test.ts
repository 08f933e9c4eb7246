import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes, type Digest } from '@orrery/contracts/digest';
import { createFolderStore } from '@orrery/kit/store';
import { exportImage } from '#stacks/release/image/export.ts';
import { composeImage, type ImageManifest } from '#stacks/release/image/image.ts';
import type { ImageLock } from '#stacks/release/image/lock.ts';
import { ReleaseObjects } from '#stacks/release/objects.ts';
import { foreignLayer, tinyManifest, TinyTree } from './tiny-tree.ts';

const files = [
  { path: 'src/main.mjs', content: Buffer.from('console.log(1);\n') },
  { path: 'sql/select_one.sql', content: Buffer.from('SELECT 1\n') },
];
const definitions = [{ path: 'models/a.yaml', content: Buffer.from('kind: Model\n') }];

interface ImageConfig {
  readonly created: string;
  readonly config: Record<string, unknown>;
  readonly rootfs: { readonly diff_ids: readonly Digest[] };
}

describe('the image of a service', () => {
  let tree: TinyTree;
  let lock: ImageLock;

  before(async () => {
    tree = new TinyTree();
    lock = await tree.lock();
  });
  after(() => tree.remove());

  function compose(from: ImageLock = lock, manifest = tinyManifest()) {
    const objects = new ReleaseObjects();
    const image = composeImage(objects, from, { manifest, files, definitions });
    const read = (digest: Digest): unknown => {
      const found = objects.contents.find((content) => digestOfBytes(content) === digest);
      return JSON.parse(found?.toString('utf8') ?? 'null');
    };
    const manifestOfImage = read(image.digest) as ImageManifest;
    return { image, objects, manifest: manifestOfImage, config: read(manifestOfImage.config.digest) as ImageConfig };
  }

  it('stands on the layers of its base and its native packages, with its own on top; layers and diff ids are one', () => {
    const { manifest, config } = compose();
    const locked = ['debian', 'node', 'npm:native'].map((name) => lock.layers[name]?.digest);
    assert.deepEqual(
      manifest.layers.slice(0, 3).map(({ digest }) => digest),
      locked,
    );
    assert.equal(manifest.layers.length, 4);
    assert.deepEqual(
      config.rootfs.diff_ids,
      manifest.layers.map(({ digest }) => digest),
    );
  });

  it('says how it is run, by whom and where it listens, and nothing of when it was made or of its version', () => {
    const { config, image } = compose();
    assert.equal(config.created, '1970-01-01T00:00:00Z');
    assert.deepEqual(config.config, {
      User: '10001:10001',
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'LANG=C.UTF-8', 'TZ=UTC', 'NODE_ENV=production'],
      WorkingDir: '/opt/orrery',
      Entrypoint: ['/usr/local/bin/node', '/opt/orrery/src/main.mjs'],
      ExposedPorts: { '8080/tcp': {} },
      StopSignal: 'SIGTERM',
      Labels: {
        'org.opencontainers.image.title': 'orrery/tiny',
        'org.opencontainers.image.vendor': 'Orrery',
        'org.opencontainers.image.licenses': 'Apache-2.0',
        'org.opencontainers.image.base.name': 'orrery/base-node',
        'org.opencontainers.image.base.digest': image.base,
      },
    });
  });

  it('runs a Python program with the locked wheels, and listens nowhere', () => {
    const { manifest, config } = compose(lock, tinyManifest({ runtime: 'python', native: [], ports: {} }));
    assert.deepEqual(config.config['Entrypoint'], ['/usr/bin/python3.11', '-m', 'orrery_tiny']);
    assert.equal(config.config['ExposedPorts'], undefined);
    assert.equal(manifest.layers[2]?.digest, lock.layers['wheels']?.digest);
  });

  it('is the same for the same files, another for another file, definition, base or native layer', () => {
    const { image } = compose();
    assert.deepEqual(compose().image, image);
    const changed = (name: string) => {
      const layer = lock.layers[name];
      assert.ok(layer !== undefined);
      return { ...lock, layers: { ...lock.layers, [name]: { ...layer, digest: digestOfBytes('other') } } };
    };
    assert.notEqual(compose(changed('npm:native')).image.digest, image.digest);
    assert.equal(compose(changed('npm:native')).image.base, image.base);
    const more = [...definitions, { path: 'models/b.yaml', content: Buffer.from('') }];
    const another = composeImage(new ReleaseObjects(), lock, { manifest: tinyManifest(), files, definitions: more });
    assert.notEqual(another.digest, image.digest);
    assert.throws(() => compose(changed('node')), { code: 'IMAGE_LOCK_STALE', message: /node base is another one/ });
    assert.throws(() => compose(lock, tinyManifest({ native: ['unknown'] })), {
      code: 'IMAGE_LOCK_STALE',
      message: /no layer "npm:unknown"/,
      hint: /npx orrery image lock/,
    });
  });

  describe('in one archive', () => {
    async function write(from: ImageLock = lock): Promise<string> {
      const { image, objects } = compose();
      const store = createFolderStore(join(tree.root, 'store'));
      for (const content of objects.contents) await store.put(content);
      await store.put(foreignLayer('debian'));
      const to = join(tree.root, 'image.tar');
      await exportImage({ service: 'tiny', image, store, layers: tree.layers, lock: from, to });
      return to;
    }

    /** The lowest layer comes from the store here, as if it were the service's own: making it needs Debian's archive. */
    function withoutDebian(): ImageLock {
      const { debian: _, ...layers } = lock.layers;
      return { ...lock, layers };
    }

    it('is an OCI layout whose every blob hashes to its name, the same bytes each time', async () => {
      const first = readFileSync(await write(withoutDebian()));
      assert.deepEqual(readFileSync(await write(withoutDebian())), first);
      const out = join(tree.root, 'out');
      mkdirSync(out);
      execFileSync('tar', ['-xf', '../image.tar'], { cwd: out });
      const blobs = readdirSync(join(out, 'blobs/sha256'));
      assert.equal(blobs.length, 6);
      for (const name of blobs) {
        assert.equal(digestOfBytes(readFileSync(join(out, 'blobs/sha256', name))), `sha256:${name}`);
      }
      const layer = lock.layers['npm:native']?.digest.slice('sha256:'.length) ?? '';
      const listed = execFileSync('tar', ['-tf', join(out, 'blobs/sha256', layer)], { encoding: 'utf8' });
      assert.deepEqual(
        listed.split('\n').filter((path) => /[^/]$/.test(path)),
        ['opt/orrery/node_modules/native/bin/napi-v6/linux/x64/native.node', 'opt/orrery/node_modules/native/index.js'],
      );
      const index = JSON.parse(readFileSync(join(out, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
      assert.equal(index.manifests[0]?.digest, compose().image.digest);
    });

    it('is refused when what is installed is not what was locked, whether a byte or a version', async () => {
      rmSync(join(tree.state, 'images'), { recursive: true });
      tree.write('node_modules/native/index.js', 'module.exports = 2;\n');
      await assert.rejects(write(withoutDebian()), {
        code: 'LAYER_DIFFERS',
        message: /layer "npm:native"/,
        exitCode: 3,
      });
      tree.write('node_modules/native/index.js', 'module.exports = 1;\n');
      await write(withoutDebian());
      rmSync(join(tree.state, 'images'), { recursive: true });
      const locked = readFileSync(join(tree.root, 'package-lock.json'), 'utf8');
      writeFileSync(join(tree.root, 'package-lock.json'), locked.replace('1.0.0', '1.0.1'));
      await assert.rejects(write(withoutDebian()), { code: 'IMAGE_SOURCE_GONE', message: /node_modules\/native/ });
      writeFileSync(join(tree.root, 'package-lock.json'), locked);
    });

    it('is made anew where a kept layer was changed', async () => {
      await write(withoutDebian());
      const kept = join(tree.state, 'images', `${lock.layers['node']?.digest.slice('sha256:'.length) ?? ''}.tar`);
      chmodSync(kept, 0o644);
      writeFileSync(kept, 'tampered');
      await write(withoutDebian());
      assert.equal(digestOfBytes(readFileSync(kept)), lock.layers['node']?.digest);
    });
  });
});
