import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '#stacks/errors.ts';
import type { Lockfile } from '../lockfile.ts';
import { readEntries } from './folder-entries.ts';
import type { NpmLayer } from './lock.ts';
import type { TarEntry } from './tar.ts';

/** Where a service lies in its image; its packages lie beside it, as Node looks for them. */
export const serviceFolder = 'opt/orrery';

/** Binaries for other machines, and what only an installation needs. */
const foreign = /^bin\/napi-v\d+\/(?!linux\/x64\/)|(^|\/)node_modules\/|\.map$|^prebuilds\/(?!linux-x64\/)/;
const nodeProgram = /^(bin\/node|LICENSE)$/;

/** The entries of a layer of npm packages: as they are installed here, which their lock file must say too. */
export function npmEntries(root: string, lock: Lockfile, name: string, layer: NpmLayer): TarEntry[] {
  return Object.entries(layer.packages).flatMap(([place, wanted]) => {
    const { version = '', integrity = '' } = lock.packages[place] ?? {};
    const folder = join(root, place);
    if (`${version} ${integrity}` !== wanted || !existsSync(folder)) throw notInstalled(place, wanted);
    if (name === 'node') return placeNode(folder);
    return readEntries(folder, `${serviceFolder}/${withoutWorkspace(place)}`, (path) => !foreign.test(path));
  });
}

function placeNode(folder: string): TarEntry[] {
  return readEntries(folder, '', (path) => nodeProgram.test(path)).map((entry) => ({
    ...entry,
    path: entry.path === 'LICENSE' ? 'usr/local/share/doc/node/LICENSE' : `usr/local/${entry.path}`,
  }));
}

/** A package that npm put below its workspace lies beside the others in an image, which has one workspace only. */
function withoutWorkspace(place: string): string {
  return place.replace(/^services\/[^/]+\//, '');
}

function notInstalled(place: string, wanted: string): CommandError {
  return new CommandError({
    code: 'IMAGE_SOURCE_GONE',
    message: `${place} is not installed here as ${wanted.split(' ')[0] ?? ''}, of which the layer is made`,
    hint: 'layers are made of installed packages: in a clone of the commit, npm ci on Linux of x86-64, then the same command',
  });
}
