import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '#stacks/errors.ts';
import { execute, lastErrorIn } from '#stacks/setup/execution.ts';
import { isDebianLike, type Host } from '#stacks/setup/host.ts';
import { digestOfFile } from '../files.ts';
import { readEntries } from './folder-entries.ts';
import type { DebianLayer } from './lock.ts';
import type { TarEntry } from './tar.ts';

export interface DebianOptions {
  readonly host: Host;
  /** Where packages are kept by digest: a mirror forgets a version when the next one comes. */
  readonly sources: string;
  /** An empty folder for the work, removed by the caller. */
  readonly work: string;
}

const timeoutMs = 5 * 60_000;

/** What a container has no use for; copyright files stay. */
const leftOut =
  /^usr\/share\/(man|info|lintian|locale|bug|bash-completion|binfmts|gdb|gcc)\/|^usr\/share\/doc\/[^/]+\/(?!copyright$)|^usr\/lib\/x86_64-linux-gnu\/(gconv|audit)\/|^usr\/bin\/(?!python)|^usr\/lib\/binfmt\.d\/|^usr\/sbin\/|^sbin\/|^etc\/(?!debian_version$|python3)|^usr\/lib\/python3\.11\/(?:idlelib|lib2to3|pydoc_data)\//;
/** Of base-files only what names the distribution, and the texts of licences. */
const keptOfBaseFiles =
  /^(etc\/debian_version|usr\/lib\/os-release|usr\/share\/common-licenses\/.*|usr\/share\/doc\/base-files\/copyright)$/;

/** Users, name services and a folder for temporary files: what a base needs beside packages. 10001 runs every service. */
const furniture: readonly TarEntry[] = [
  text('etc/passwd', 'root:x:0:0:root:/root:/sbin/nologin\norrery:x:10001:10001:orrery:/tmp:/sbin/nologin\n'),
  text('etc/group', 'root:x:0:\norrery:x:10001:\n'),
  text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  { path: 'etc/os-release', mode: 0o777, target: '../usr/lib/os-release' },
  { path: 'tmp/', mode: 0o1777 },
];

/** The present versions of packages, as this machine's package lists say. */
export async function resolvePackages(names: readonly string[], host: Host): Promise<DebianLayer['packages']> {
  if (!isDebianLike(host)) {
    throw new CommandError({
      code: 'IMAGE_HOST_UNSUITABLE',
      message: 'the base of images is made of Debian packages, and there is no apt-get here',
      hint: 'run it on Debian 12 of x86-64, for example in a container',
    });
  }
  const found = await Promise.all(names.map(async (name) => [name, await resolvePackage(name, host)] as const));
  return Object.fromEntries(found);
}

export function suiteOf(osRelease: string): string {
  return /^VERSION_CODENAME=(\w+)$/m.exec(osRelease)?.[1] ?? 'unknown';
}

/** The entries of a layer of packages: their files, and what of dpkg's records lets a scanner name them. */
export async function debianEntries(layer: DebianLayer, options: DebianOptions): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for (const [name, locked] of Object.entries(layer.packages)) {
    const archive = await providePackage(name, locked, options);
    const folder = join(options.work, name);
    mkdirSync(folder, { recursive: true });
    await run('dpkg-deb', ['-x', archive, folder], options);
    const control = await run('dpkg-deb', ['-f', archive], options);
    const keep = (path: string) => (name === 'base-files' ? keptOfBaseFiles.test(path) : !leftOut.test(path));
    entries.push(...readEntries(folder, '', keep), text(`var/lib/dpkg/status.d/${name}`, `${control.trim()}\n`));
  }
  return 'base-files' in layer.packages ? [...entries, ...furniture] : entries;
}

async function resolvePackage(name: string, host: Host): Promise<DebianLayer['packages'][string]> {
  const shown = await execute('apt-cache', ['show', '--no-all-versions', name], { env: plain(host), timeoutMs });
  const field = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(shown.output)?.[1];
  const [version, sha256, file] = [field('Version'), field('SHA256'), field('Filename')];
  if (version !== undefined && sha256 !== undefined && file !== undefined)
    return { version, sha256: `sha256:${sha256}`, file };
  throw new CommandError({
    code: 'IMAGE_PACKAGE_UNKNOWN',
    message: `apt-cache knows no package ${name}: ${lastErrorIn(shown.output)}`,
    hint: 'bring the package lists up to date: apt-get update',
  });
}

async function providePackage(
  name: string,
  { version, sha256, file }: DebianLayer['packages'][string],
  options: DebianOptions,
): Promise<string> {
  const kept = join(options.sources, `${sha256.slice('sha256:'.length)}.deb`);
  if (existsSync(kept) && (await digestOfFile(kept)) === sha256) return kept;
  mkdirSync(options.sources, { recursive: true });
  const folder = join(options.work, `fetching-${name}`);
  mkdirSync(folder, { recursive: true });
  const fetched = await execute('apt-get', ['download', '-q', `${name}=${version}`], {
    env: plain(options.host),
    timeoutMs,
    cwd: folder,
  });
  const archive = readdirSync(folder).find((entry) => entry.endsWith('.deb'));
  if (fetched.code !== 0 || archive === undefined) throw gone(name, version, file, kept, lastErrorIn(fetched.output));
  const found = await digestOfFile(join(folder, archive));
  if (found !== sha256) throw gone(name, version, file, kept, `what came hashes to ${found}, not to ${sha256}`);
  renameSync(join(folder, archive), kept);
  return kept;
}

async function run(program: string, args: readonly string[], { host }: DebianOptions): Promise<string> {
  const ended = await execute(program, args, { env: plain(host), timeoutMs });
  if (ended.code === 0) return ended.output;
  throw new CommandError({
    code: 'IMAGE_PACKAGE_UNREADABLE',
    message: `${program} ${args.join(' ')} failed: ${lastErrorIn(ended.output)}`,
    hint: 'layers are made on Debian, where dpkg-deb is',
  });
}

function gone(...[name, version, file, kept, reason]: [string, string, string, string, string]): CommandError {
  return new CommandError({
    code: 'IMAGE_SOURCE_GONE',
    message: `package ${name} ${version} can't be had: ${reason}`,
    hint: `put ${file} (snapshot.debian.org keeps every version) at ${kept}, or lock the present versions: npx orrery image lock`,
  });
}

function plain(host: Host): NodeJS.ProcessEnv {
  return { ...host.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
}

function text(path: string, content: string): TarEntry {
  return { path, mode: 0o644, content: Buffer.from(content) };
}

export function readOsRelease(): string {
  return existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
}
