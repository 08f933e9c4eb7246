import { createHash } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { shortDigest, type Digest } from '@orrery/contracts/digest';
import { CommandError } from '#stacks/errors.ts';
import type { Host } from '#stacks/setup/host.ts';
import { isRunning } from '#stacks/running.ts';
import { findPython } from '#stacks/setup/python-base.ts';
import { PYTHON_LOCK } from '#stacks/setup/toolchain.ts';
import { digestOfFile } from '../files.ts';
import type { Lockfile } from '../lockfile.ts';
import { debianEntries, type DebianOptions } from './debian.ts';
import type { Layer } from './image.ts';
import type { LockedLayer, WheelsLayer } from './lock.ts';
import { npmEntries } from './npm.ts';
import { streamTar, type TarEntry } from './tar.ts';
import { resolveWheels, wheelsEntries, type WheelsOptions } from './wheels.ts';

export interface LayerStoreOptions {
  readonly root: string;
  /** Machine state; layers and what they are made of are kept below it and may be deleted at any time. */
  readonly state: string;
  readonly host: Host;
  readonly progress: (line: string) => void;
}

type Unsized<Kind> = Kind extends LockedLayer ? Omit<Kind, 'digest' | 'size'> : never;
/** What a layer is made of, before it is known what comes out. */
export type LayerRecipe = Unsized<LockedLayer>;

/** Layers below a service's own: made on this machine when they are asked for, kept by digest. */
export class LayerStore {
  readonly #options: LayerStoreOptions;
  readonly #folder: string;

  constructor(options: LayerStoreOptions) {
    this.#options = options;
    this.#folder = join(options.state, 'images');
  }

  /** A file that holds the locked layer, byte for byte. Throws `LAYER_DIFFERS` when what is made hashes to something else. */
  async provide(name: string, layer: LockedLayer): Promise<string> {
    const file = this.#fileOf(layer.digest);
    if (existsSync(file) && (await digestOfFile(file)) === layer.digest) return file;
    const made = await this.make(name, layer);
    if (made.digest === layer.digest) return file;
    throw new CommandError({
      code: 'LAYER_DIFFERS',
      message: `layer "${name}" is locked as ${layer.digest} and was made here as ${made.digest}`,
      hint: 'what is installed here was changed: npm ci, then again; where it was meant to change: npx orrery image lock',
      exitCode: 3,
    });
  }

  /** Makes a layer and keeps it. */
  async make(name: string, recipe: LayerRecipe): Promise<Layer> {
    const { progress } = this.#options;
    return this.#inWorkFolder(async (work) => {
      progress(`making layer "${name}"`);
      const layer = await writeLayer(await this.#entriesOf(name, recipe, work), join(work, 'layer.tar'));
      renameSync(join(work, 'layer.tar'), this.#fileOf(layer.digest));
      progress(`layer "${name}" is ${shortDigest(layer.digest)}, ${Math.round(layer.size / 2 ** 20)} MiB`);
      return layer;
    });
  }

  /** The wheels that the lock file admits for the platform of images, fetched and kept. */
  async resolveWheels(): Promise<WheelsLayer['files']> {
    return this.#inWorkFolder(async (work) => resolveWheels(await this.#wheels(work)));
  }

  #debian(work: string): DebianOptions {
    return { host: this.#options.host, sources: join(this.#folder, 'sources'), work };
  }

  async #wheels(work: string): Promise<WheelsOptions> {
    const { host, root } = this.#options;
    const { program } = await findPython(host);
    const sources = join(this.#folder, 'sources');
    return { host, python: program, requirements: join(root, PYTHON_LOCK), sources, work };
  }

  async #entriesOf(name: string, recipe: LayerRecipe, work: string): Promise<TarEntry[]> {
    const measured = { ...recipe, digest: 'sha256:' as Digest, size: 0 };
    switch (measured.kind) {
      case 'debian':
        return debianEntries(measured, this.#debian(work));
      case 'npm':
        return npmEntries(this.#options.root, this.#lockfile(), name, measured);
      case 'wheels':
        return wheelsEntries(measured, await this.#wheels(work));
    }
  }

  /** A folder that goes when the work ends; what a killed process left goes at the next one's beginning. */
  async #inWorkFolder<T>(use: (work: string) => Promise<T>): Promise<T> {
    mkdirSync(this.#folder, { recursive: true });
    for (const name of readdirSync(this.#folder)) {
      const pid = /^\.making-(\d+)-/.exec(name)?.[1];
      if (pid !== undefined && !isRunning(Number(pid)))
        rmSync(join(this.#folder, name), { recursive: true, force: true });
    }
    const work = mkdtempSync(join(this.#folder, `.making-${process.pid}-`));
    try {
      return await use(work);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }

  #lockfile(): Lockfile {
    return JSON.parse(readFileSync(join(this.#options.root, 'package-lock.json'), 'utf8')) as Lockfile;
  }

  #fileOf(digest: Digest): string {
    return join(this.#folder, `${digest.slice('sha256:'.length)}.tar`);
  }
}

/** Writes the archive of entries and says what it is. */
export async function writeLayer(entries: readonly TarEntry[], file: string): Promise<Layer> {
  const hash = createHash('sha256');
  let size = 0;
  async function* measured(): AsyncGenerator<Buffer> {
    for await (const chunk of streamTar(entries)) {
      hash.update(chunk);
      size += chunk.length;
      yield chunk;
    }
  }
  await pipeline(measured, createWriteStream(file, { flags: 'wx' }));
  return { digest: `sha256:${hash.digest('hex')}`, size };
}
