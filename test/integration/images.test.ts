import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { cloneRepository, type Clone } from '#test/support/clone.ts';

describe('images of a release', () => {
  let clone: Clone;
  let digest: string;
  let release: Release;

  before(async function () {
    this.timeout(120_000);
    clone = cloneRepository();
    const created = await clone.orrery(['release', 'create', '--json']);
    assert.equal(created.code, 0, created.stderr);
    digest = (created.json() as { release: string }).release;
    release = JSON.parse(clone.read(`stacks/records/releases/${digest.slice(7, 19)}/release.json`)) as Release;
  });
  after(async () => clone.remove());

  it('are refused by name with the nearest one, and without a place to go to', async () => {
    const to = join(clone.state, 'image.tar');
    const unknown = await clone.orrery(['image', 'export', 'scorin', '--release', digest, '--to', to]);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /has no service "scorin"[\s\S]*did you mean "scoring"\?/);
    const placeless = await clone.orrery(['image', 'export', 'scoring', '--release', digest]);
    assert.equal(placeless.code, 2);
    assert.match(placeless.stderr, /--to FILE\.tar is missing/);
    const unpinned = await clone.orrery(['image', 'export', 'scoring', '--to', to]);
    assert.equal(unpinned.code, 2);
    assert.match(unpinned.stderr, /--release R/);
    assert.equal(existsSync(to), false);
  });

  it('are written with every layer as the release names it, and hold a Node that runs on their libraries alone', async function () {
    this.timeout(300_000);
    const to = join(clone.state, 'image.tar');
    const words = ['image', 'export', 'orchestrator', '--release', digest, '--to', to, '--json'];
    const exported = await clone.orrery(words);
    // Layers of the base are fetched from Debian's archive the first time; where it is out of reach, nothing can be shown.
    if (/IMAGE_SOURCE_GONE|IMAGE_HOST_UNSUITABLE/.test(exported.stdout)) this.skip();
    assert.equal(exported.code, 0, exported.stdout + exported.stderr);
    const image = release.services['orchestrator']?.image;
    assert.equal((exported.json() as { image: string }).image, image?.digest);
    const out = join(clone.state, 'image');
    mkdirSync(join(out, 'root'), { recursive: true });
    execFileSync('tar', ['-xf', to, '-C', out]);
    for (const name of readdirSync(join(out, 'blobs/sha256'))) {
      assert.equal(digestOfBytes(readFileSync(join(out, 'blobs/sha256', name))), `sha256:${name}`);
    }
    const read = (of: string) => readFileSync(join(out, 'blobs/sha256', of.slice('sha256:'.length)), 'utf8');
    const { layers } = JSON.parse(read(image?.digest ?? '')) as { layers: { digest: string }[] };
    for (const layer of layers) {
      execFileSync('tar', [
        '-xf',
        join(out, 'blobs/sha256', layer.digest.slice('sha256:'.length)),
        '-C',
        join(out, 'root'),
      ]);
    }
    assert.ok(existsSync(join(out, 'root/opt/orrery/definitions/workflows')));
    const libraries = ['lib', 'usr/lib'].map((folder) => join(out, 'root', folder, 'x86_64-linux-gnu')).join(':');
    const said = execFileSync(
      join(out, 'root/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2'),
      ['--library-path', libraries, join(out, 'root/usr/local/bin/node'), '--version'],
      { encoding: 'utf8' },
    );
    assert.equal(said.trim(), `v${release.toolchain.node}`);
  });
});
