import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { CommandError } from '../errors.ts';
import { isRunning } from '../running.ts';

/** How many lines are told of what git and tar said: a full disk makes them say one for each file. */
const saidLinesMax = 3;

export interface BuiltRelease {
  readonly release: Release;
  readonly digest: Digest;
  /** Files named by the hexadecimal digest of their bytes. */
  readonly objectFiles: readonly string[];
}

export interface BuildOptions {
  /** The clone. */
  readonly root: string;
  /** Where temporary folders may be made; inside the clone. */
  readonly state: string;
  readonly commit: string;
  readonly progress: (line: string) => void;
}

/**
 * Computes the release of a commit in an export of exactly that commit, by the commit's own code, and hands the result to `use`
 * before everything temporary is removed. What the working tree holds makes no difference.
 */
export async function withBuiltRelease<T>(options: BuildOptions, use: (built: BuiltRelease) => Promise<T>): Promise<T> {
  const builds = join(options.state, 'build');
  mkdirSync(builds, { recursive: true });
  removeAbandoned(builds);
  const folder = mkdtempSync(join(builds, `${process.pid}-`));
  const tree = join(folder, 'tree');
  const out = join(folder, 'out');
  try {
    await exportCommit(options.root, options.commit, tree);
    providePackages(options, tree);
    await runBuild(tree, out);
    const release = JSON.parse(readFileSync(join(out, 'release.json'), 'utf8')) as Release;
    const objectFiles = readdirSync(join(out, 'objects')).map((name) => join(out, 'objects', name));
    return await use({ release, digest: digestOf('release', release), objectFiles });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Removes what a build left that was killed: its folder begins with the number of its process. */
function removeAbandoned(builds: string): void {
  for (const name of readdirSync(builds)) {
    const pid = Number(name.split('-')[0]);
    if (pid !== process.pid && !isRunning(pid)) rmSync(join(builds, name), { recursive: true, force: true });
  }
}

async function exportCommit(root: string, commit: string, tree: string): Promise<void> {
  mkdirSync(tree, { recursive: true });
  const archive = spawn('git', ['archive', '--format=tar', commit], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const unpack = spawn('tar', ['-xf', '-'], { cwd: tree, stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  for (const child of [archive, unpack]) {
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.on('error', (error) => (said += `${error.message}\n`));
  }
  unpack.stdin.on('error', () => archive.kill());
  archive.stdout.pipe(unpack.stdin);
  const codes = await Promise.all([archive, unpack].map((child) => exitCode(child)));
  if (codes.some((code) => code !== 0)) throw exportFailed(commit, said);
}

/**
 * The commit's packages: a farm of links to the installed ones where the lockfile is the same, with the commit's own workspaces;
 * otherwise an installation of its own.
 */
function providePackages(options: BuildOptions, tree: string): void {
  if (sha256(join(tree, 'package-lock.json')) === sha256(join(options.root, 'package-lock.json'))) {
    linkPackages(options.root, tree);
    return;
  }
  options.progress(`installing the packages of commit ${options.commit.slice(0, 12)}: its lockfile differs`);
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  const result = spawnSync('npm', words, { cwd: tree, encoding: 'utf8' });
  if (result.status === 0) return;
  throw new CommandError({
    code: 'PACKAGES_MISSING',
    message: `npm ci failed for commit ${options.commit.slice(0, 12)}: ${result.stderr.trim().split('\n').at(-1) ?? ''}`,
    hint: 'try again where the package registry can be reached',
  });
}

function linkPackages(root: string, tree: string): void {
  const source = join(root, 'node_modules');
  const target = join(tree, 'node_modules');
  mkdirSync(join(target, '@orrery'), { recursive: true });
  for (const name of readdirSync(source).filter((entry) => !entry.startsWith('.') && entry !== '@orrery')) {
    if (!name.startsWith('@')) {
      symlinkSync(join(source, name), join(target, name));
      continue;
    }
    mkdirSync(join(target, name), { recursive: true });
    for (const inner of readdirSync(join(source, name)))
      symlinkSync(join(source, name, inner), join(target, name, inner));
  }
  for (const service of readdirSync(join(tree, 'services'))) {
    symlinkSync(join(tree, 'services', service), join(target, '@orrery', service));
    const nested = join(root, 'services', service, 'node_modules');
    if (existsSync(nested)) cpSync(nested, join(tree, 'services', service, 'node_modules'), { recursive: true });
  }
}

async function runBuild(tree: string, out: string): Promise<void> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'stacks/release/build.ts', out], {
    cwd: tree,
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { TZ: 'UTC', LANG: 'C.UTF-8' },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await exitCode(child);
  if (code === 0) return;
  throw buildFailed(said);
}

function buildFailed(said: string): CommandError {
  try {
    const known = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { code: string; message: string; hint: string };
    return new CommandError(known);
  } catch {
    const message = `the release could not be computed:\n${said.trim()}`;
    return new CommandError({ code: 'BUILD_FAILED', message, hint: 'the commit is at fault: npm run check' });
  }
}

function exitCode(child: {
  on(event: 'close' | 'error', listener: (value: number | null) => void): unknown;
}): Promise<number> {
  return new Promise((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (code) => resolve(code ?? 1));
  });
}

function sha256(file: string): string {
  return existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : randomUUID();
}

function exportFailed(commit: string, said: string): CommandError {
  const lines = said.trim().split('\n');
  const message = `commit ${commit.slice(0, 12)} can't be exported: ${lines.slice(0, saidLinesMax).join('\n')}`;
  const hint =
    'a shallow clone lacks older commits (git fetch --unshallow); git and tar must be on the PATH, and the disk have room';
  return new CommandError({ code: 'EXPORT_FAILED', message, hint });
}
