import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes, type Digest } from '@orrery/contracts/digest';
import { PYTHON_LOCK } from '#stacks/setup/toolchain.ts';
import type { Lockfile } from '../lockfile.ts';
import { readManifests } from '../manifests.ts';
import { readOsRelease, resolvePackages, suiteOf } from './debian.ts';
import { describeBase, type Layer } from './image.ts';
import { LayerStore, type LayerRecipe, type LayerStoreOptions } from './layer-store.ts';
import { imageLockFile, parseImageLock, type ImageLock, type LockedLayer } from './lock.ts';
import { debianPackages, wantedLayers } from './recipes.ts';

/**
 * Makes every layer that images stand on, from what this machine's lock files and package lists say, and writes what came out
 * into the lock of images. The only thing that ever hashes them all.
 */
export async function makeImageLock(options: LayerStoreOptions): Promise<ImageLock> {
  const store = new LayerStore(options);
  const layers: Record<string, LockedLayer> = {};
  for (const [name, recipe] of await recipesOf(store, options)) {
    layers[name] = sized(recipe, await store.make(name, recipe));
  }
  const base = (runtime: 'node' | 'python') => {
    const { config, digest } = describeBase({ layers }, runtime);
    return { manifest: digest, config: digestOfBytes(config) };
  };
  const lock = { schema: 1, platform: 'linux/amd64', layers, bases: { node: base('node'), python: base('python') } };
  const text = `${JSON.stringify(lock, null, 2)}\n`;
  const checked = parseImageLock(text);
  writeFileSync(join(options.root, imageLockFile), text);
  return checked;
}

async function recipesOf(store: LayerStore, options: LayerStoreOptions): Promise<[string, LayerRecipe][]> {
  const { root, host } = options;
  const suite = suiteOf(readOsRelease());
  const debian = await Promise.all(
    Object.entries(debianPackages).map(async ([name, names]): Promise<[string, LayerRecipe]> => {
      return [name, { kind: 'debian', suite, packages: await resolvePackages(names, host) }];
    }),
  );
  const lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile;
  const wanted = wantedLayers(lockfile, pythonLockDigest(root), readManifests(root));
  const npm = Object.entries(wanted.npm).map(([name, packages]): [string, LayerRecipe] => [
    name,
    { kind: 'npm', packages: { ...packages } },
  ]);
  const wheels: LayerRecipe = { kind: 'wheels', lockfile: wanted.wheels, files: await store.resolveWheels() };
  const all: [string, LayerRecipe][] = [...debian, ...npm, ['wheels', wheels]];
  return all.sort(([left], [right]) => (left < right ? -1 : 1));
}

function sized(recipe: LayerRecipe, { digest, size }: Layer): LockedLayer {
  return { ...recipe, digest, size };
}

function pythonLockDigest(root: string): Digest {
  return digestOfBytes(readFileSync(join(root, PYTHON_LOCK)));
}
