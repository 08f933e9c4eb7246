import { ensurePackages } from '#stacks/setup/npm-packages.mjs';
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FakeMachine } from './fake-machine.ts';

const FOREIGN_PLATFORM = process.platform === 'linux' ? 'win32' : 'linux';
const LOCKED = {
  '': { version: '0.1.0' },
  'services/kit': { version: '0.0.0' },
  'node_modules/ioredis': { version: '6.0.0', integrity: 'sha512-a' },
  'node_modules/foreign': { version: '1.0.0', integrity: 'sha512-b', optional: true, os: [FOREIGN_PLATFORM] },
  'node_modules/native': { version: '1.0.0', integrity: 'sha512-c', optional: true, os: [process.platform] },
};

describe('ensurePackages', () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = new FakeMachine();
    writeFileSync(path.join(machine.root, 'package-lock.json'), JSON.stringify({ packages: LOCKED }));
  });
  afterEach(() => machine.remove());

  function ensure(env: NodeJS.ProcessEnv = machine.host().env): Promise<void> {
    return ensurePackages({ root: machine.root, env, progress: machine.tell });
  }
  function installed(packages: Record<string, unknown>): void {
    mkdirSync(path.join(machine.root, 'node_modules'), { recursive: true });
    writeFileSync(path.join(machine.root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }));
  }
  const { '': _root, 'services/kit': _kit, 'node_modules/foreign': _foreign, ...here } = LOCKED;
  const INSTALLS = '/bin/mkdir -p node_modules';

  it('installs what the lock says, with one line before and one after, and nothing at the next call', async () => {
    machine.program('npm', INSTALLS);
    await ensure();
    await ensure();
    assert.deepEqual(machine.calls(), ['npm ci --no-audit --no-fund']);
    assert.equal(machine.progress.length, 2);
    assert.match(String(machine.progress[0]), /^installing the locked npm packages/);
    assert.match(String(machine.progress[1]), /^npm packages installed \(\d+ s\)$/);
    assert.deepEqual(machine.list('.orrery'), []);
  });

  it('installs again when the lock changes', async () => {
    machine.program('npm', INSTALLS);
    await ensure();
    const changed = { ...LOCKED, 'node_modules/ioredis': { version: '6.0.1', integrity: 'sha512-d' } };
    writeFileSync(path.join(machine.root, 'package-lock.json'), JSON.stringify({ packages: changed }));
    await ensure();
    assert.equal(machine.calls().length, 2);
  });

  it('never installs through a link: what it leads to is another installation', async () => {
    machine.program('npm', INSTALLS);
    mkdirSync(path.join(machine.root, 'elsewhere'));
    symlinkSync('elsewhere', path.join(machine.root, 'node_modules'));
    await assert.rejects(ensure(), /node_modules is a link/);
    assert.deepEqual(machine.calls(), []);
  });

  it('leaves alone what a person installed as locked, packages for other platforms aside', async () => {
    installed(here);
    await ensure();
    assert.deepEqual(machine.calls(), []);
  });

  for (const [what, change] of [
    ['has another version', { 'node_modules/ioredis': { version: '5.9.0', integrity: 'sha512-a' } }],
    ['has other bytes', { 'node_modules/ioredis': { version: '6.0.0', integrity: 'sha512-x' } }],
    ['is missing', { 'node_modules/ioredis': undefined }],
    ['is missing though optional, on its platform', { 'node_modules/native': undefined }],
  ] as const) {
    it(`installs when a package ${what}`, async () => {
      machine.program('npm', INSTALLS);
      installed({ ...here, ...change });
      await ensure();
      assert.equal(machine.calls().length, 1);
    });
  }

  it('installs once when two calls come at the same time', async () => {
    machine.program('npm', `/bin/sleep 0.3; ${INSTALLS}`);
    await Promise.all([ensure(), ensure()]);
    assert.equal(machine.calls().length, 1);
    assert.ok(
      machine.progress.some((line) => line === `waiting for process ${process.pid}, which installs the npm packages`),
    );
  });

  it('tells in one line why npm failed, and tries again at the next call', async () => {
    machine.program('npm', 'echo "npm error code ENOTFOUND" >&2; echo "npm error network request failed" >&2; exit 1');
    await assert.rejects(ensure(), {
      message: 'the locked npm packages could not be installed: ENOTFOUND: network request failed',
    });
    await assert.rejects(ensure());
    assert.equal(machine.calls().length, 2);
    assert.deepEqual(machine.list('node_modules'), []);
  });

  it('says so when there is no npm', async () => {
    await assert.rejects(ensure(), { message: /could not be installed: npm did not start \(spawn npm ENOENT\)/ });
  });

  it('never runs npm on the Node inside node_modules, which npm replaces', async () => {
    machine.program('npm', `${INSTALLS}; echo "$PATH" > "$HERE/path-seen"`);
    const own = path.join(machine.root, 'node_modules', '.bin');
    await ensure({ PATH: `${own}:${machine.host().env['PATH'] ?? ''}` });
    assert.equal(readFileSync(path.join(machine.root, 'path-seen'), 'utf8').trim(), machine.host().env['PATH']);
  });
});
