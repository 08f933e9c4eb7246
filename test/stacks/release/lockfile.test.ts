import assert from 'node:assert/strict';
import { lockedClosure, lockedPackage, type Lockfile } from '#stacks/release/lockfile.ts';

const lock: Lockfile = {
  packages: {
    'services/a': { dependencies: { '@orrery/kit': '0.1.0', left: '^1.0.0' }, optionalDependencies: { absent: '1' } },
    'node_modules/@orrery/kit': { link: true, resolved: 'services/kit' },
    'services/kit': { dependencies: { right: '1' } },
    'services/a/node_modules/left': { version: '2.0.0', integrity: 'sha512-inner', dependencies: { right: '1' } },
    'node_modules/left': { version: '1.0.0', integrity: 'sha512-outer' },
    'node_modules/right': {
      version: '1.5.0',
      integrity: 'sha512-right',
      peerDependencies: { maybe: '*' },
      peerDependenciesMeta: { maybe: { optional: true } },
    },
  },
};

describe('the locked closure of a workspace', () => {
  it('names the nearest copy of a package, follows workspaces and leaves out what is optional and absent', () => {
    assert.deepEqual(lockedClosure(lock, 'services/a'), {
      'node_modules/right': '1.5.0 sha512-right',
      'services/a/node_modules/left': '2.0.0 sha512-inner',
    });
  });

  it('refuses a lockfile that lacks what is needed, naming it', () => {
    const broken: Lockfile = { packages: { 'services/a': { dependencies: { gone: '1' } } } };
    assert.throws(() => lockedClosure(broken, 'services/a'), {
      code: 'LOCKFILE_INCOMPLETE',
      message: /gone, which services\/a needs/,
    });
  });

  it('tells version and integrity of one package as the workspace sees it', () => {
    assert.equal(lockedPackage(lock, 'services/a', 'left'), '2.0.0 sha512-inner');
    assert.equal(lockedPackage(lock, '', 'left'), '1.0.0 sha512-outer');
  });
});
