import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '@orrery/contracts/digest';
import { CommandError } from '#stacks/errors.ts';
import { execute, lastErrorIn } from '#stacks/setup/execution.ts';
import type { Host } from '#stacks/setup/host.ts';
import { digestOfFile } from '../files.ts';
import { readEntries } from './folder-entries.ts';
import type { WheelsLayer } from './lock.ts';
import type { TarEntry } from './tar.ts';

export interface WheelsOptions {
  readonly host: Host;
  /** A Python with pip; which one makes no difference to what is fetched. */
  readonly python: string;
  /** The hash-locked requirements. */
  readonly requirements: string;
  /** Where wheels are kept by digest. */
  readonly sources: string;
  /** An empty folder for the work, removed by the caller. */
  readonly work: string;
}

/** Where packages lie in an image: on Python's path, away from those of the distribution. */
export const wheelsFolder = 'opt/python';

/** What the wheels are chosen for: the Python and the C library of the base. */
const target = [
  '--python-version',
  '3.11',
  '--implementation',
  'cp',
  '--abi',
  'cp311',
  '--abi',
  'abi3',
  '--abi',
  'none',
];
const platforms = [
  'manylinux_2_34_x86_64',
  'manylinux_2_28_x86_64',
  'manylinux_2_27_x86_64',
  'manylinux_2_17_x86_64',
  'manylinux2014_x86_64',
  'any',
];
const timeoutMs = 10 * 60_000;

/** Chooses and fetches the wheels that the lock file admits for the platform of images. */
export async function resolveWheels(options: WheelsOptions): Promise<WheelsLayer['files']> {
  const folder = join(options.work, 'wheels');
  mkdirSync(folder, { recursive: true });
  await download(options, folder, ['-r', options.requirements]);
  mkdirSync(options.sources, { recursive: true });
  const files: [string, Digest][] = [];
  for (const name of readdirSync(folder).sort()) {
    const digest = await digestOfFile(join(folder, name));
    renameSync(join(folder, name), sourceOf(options, digest));
    files.push([name, digest]);
  }
  return Object.fromEntries(files);
}

/** The entries of the layer: every wheel unpacked as it is; nothing is compiled and no script is made. */
export async function wheelsEntries(layer: WheelsLayer, options: WheelsOptions): Promise<TarEntry[]> {
  if (Object.values(layer.files).some((digest) => !existsSync(sourceOf(options, digest)))) {
    const fetched = await resolveWheels(options);
    const missing = Object.entries(layer.files).find(([name, digest]) => fetched[name] !== digest);
    if (missing !== undefined) throw gone(missing[0], options);
  }
  const entries: TarEntry[] = [];
  for (const [name, digest] of Object.entries(layer.files)) {
    const source = sourceOf(options, digest);
    if ((await digestOfFile(source)) !== digest) throw gone(name, options);
    const folder = join(options.work, 'unpacked', name);
    await python(options, ['-m', 'zipfile', '-e', source, folder]);
    entries.push(...placeWheel(folder));
  }
  return entries;
}

/** A wheel's files; what it keeps in `.data` for its libraries goes where they would be installed, its scripts nowhere. */
function placeWheel(folder: string): TarEntry[] {
  return readEntries(folder, '', (path) => !/\.data\/(scripts|data|headers)\//.test(path)).map((entry) => ({
    ...entry,
    path: `${wheelsFolder}/${entry.path.replace(/^[^/]+\.data\/(?:purelib|platlib)\//, '')}`,
  }));
}

async function download(options: WheelsOptions, folder: string, what: readonly string[]): Promise<void> {
  const words = ['-m', 'pip', '--no-input', '--disable-pip-version-check', 'download', '--progress-bar=off'];
  const locked = ['--require-hashes', '--no-deps', '--only-binary=:all:', '--dest', folder, ...target];
  await python(options, [...words, ...locked, ...platforms.flatMap((name) => ['--platform', name]), ...what]);
}

async function python({ host, python: program }: WheelsOptions, args: readonly string[]): Promise<void> {
  const env = { ...host.env, PYTHONPATH: '', PYTHONNOUSERSITE: '1' };
  const ended = await execute(program, args, { env, timeoutMs });
  if (ended.code === 0) return;
  throw new CommandError({
    code: 'IMAGE_WHEELS_FAILED',
    message: `the wheels of the training image could not be had: ${lastErrorIn(ended.output)}`,
    hint: 'check that pip reaches its package index (python3 -m pip download numpy), then run the same command again',
  });
}

function sourceOf({ sources }: WheelsOptions, digest: Digest): string {
  return join(sources, `${digest.slice('sha256:'.length)}.whl`);
}

function gone(name: string, { requirements }: WheelsOptions): CommandError {
  return new CommandError({
    code: 'IMAGE_SOURCE_GONE',
    message: `the wheel ${name} can't be had as the image lock names it`,
    hint: `the index no longer has what ${requirements} locks: lock again, npx orrery image lock`,
  });
}
