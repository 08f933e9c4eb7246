import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CommandError } from '../errors.ts';
import { exclusively } from './exclusive.mjs';
import { execute, lastErrorIn, type Execution } from './execution.ts';
import { asRoot, findProgram, isDebianLike, isExecutable, type Host } from './host.ts';

/** Functions, on which the orchestrator and the bus stand, came with 7.0. */
const REDIS_MAJOR_MIN = 7;
const VERSION_TIMEOUT_MS = 10_000;
const APT_TIMEOUT_MS = 5 * 60_000;
const APT_OPTIONS = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=120', '--no-install-recommends'];

export interface RedisServer {
  readonly binary: string;
  /** For example `7.0.15`. */
  readonly version: string;
}

export interface RedisSetup {
  readonly root: string;
  readonly host: Host;
  readonly progress: (line: string) => void;
}

/**
 * A redis-server of version 7 or later: the host's, the one set up earlier under `.orrery/redis`, or one from the host's
 * own package of Redis tools. That package holds the server's program (it decides by its name what it is) but starts no
 * daemon, so nothing begins to listen on this machine.
 */
export async function ensureRedis(setup: RedisSetup): Promise<RedisServer> {
  const { root, host } = setup;
  const home = path.join(root, '.orrery', 'redis');
  const onPath = await serverAt(findProgram(host, 'redis-server'), host);
  const found = [onPath, await serverAt(ownBinary(home), host)].find(isRecent);
  if (found !== undefined) return found;

  return await exclusively({ lockFile: `${home}.lock`, waitMaxMs: APT_TIMEOUT_MS }, async () => {
    const earlier = await serverAt(ownBinary(home), host);
    if (isRecent(earlier)) return earlier;
    const made = await setUp(setup, home, onPath);
    if (isRecent(made)) return made;
    throw tooOld(host, made);
  });
}

async function setUp(setup: RedisSetup, home: string, onPath?: RedisServer): Promise<RedisServer | undefined> {
  const { host, progress } = setup;
  const tools = findProgram(host, 'redis-check-rdb');
  if (tools !== undefined) return await place(home, host, (folder) => linkServer(folder, tools));
  if (!isDebianLike(host)) {
    if (onPath !== undefined) throw tooOld(host, onPath);
    throw new CommandError({
      code: 'REDIS_MISSING',
      message: 'there is no redis-server here',
      hint: installHint(host),
    });
  }
  progress('installing redis-server (package redis-tools)');
  const startedMs = performance.now();
  const server = host.isRoot ? await installForAll(setup, home) : await unpackForUser(setup, home);
  progress(`redis-server installed (${Math.round((performance.now() - startedMs) / 1_000)} s)`);
  return server;
}

async function installForAll({ host }: RedisSetup, home: string): Promise<RedisServer | undefined> {
  const install = (): Promise<Execution> => apt(host, ['install', ...APT_OPTIONS, 'redis-tools']);
  let installed = await install();
  if (installed.code !== 0) {
    // A bare image has no package lists, and old lists name packages that are gone.
    await apt(host, ['update', '-q']);
    installed = await install();
  }
  const tools = findProgram(host, 'redis-check-rdb');
  if (installed.code !== 0 || tools === undefined) throw installFailed(host, installed);
  return await place(home, host, (folder) => linkServer(folder, tools));
}

/** Without root nothing can be installed, but packages can be fetched and unpacked into a folder of ours. */
async function unpackForUser({ host }: RedisSetup, home: string): Promise<RedisServer | undefined> {
  const simulated = await apt(host, ['install', '--simulate', ...APT_OPTIONS, 'redis-tools']);
  const missing = [...simulated.output.matchAll(/^Inst (\S+)/gm)].flatMap(([, name]) => name ?? []);
  if (simulated.code !== 0 || missing.length === 0) throw installFailed(host, simulated);
  return await place(home, host, async (folder) => {
    const fetched = await apt(host, ['download', '-q', ...missing], folder);
    if (fetched.code !== 0) throw installFailed(host, fetched);
    for (const archive of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
      const unpacked = await execute('dpkg', ['-x', archive, '.'], {
        env: host.env,
        timeoutMs: APT_TIMEOUT_MS,
        cwd: folder,
      });
      if (unpacked.code !== 0) throw installFailed(host, unpacked);
      rmSync(path.join(folder, archive));
    }
    symlinkSync('redis-check-rdb', path.join(folder, 'usr', 'bin', 'redis-server'));
    writeLauncher(folder);
  });
}

/** Starts the unpacked server with the libraries that were unpacked beside it, wherever the folder stands. */
function writeLauncher(folder: string): void {
  const libraries = readdirSync(path.join(folder, 'usr', 'lib')).find((name) => name.endsWith('-linux-gnu')) ?? '';
  const lines = [
    '#!/bin/sh',
    'here=$(cd "${0%/*}/.." && pwd)',
    `export LD_LIBRARY_PATH="$here/usr/lib/${libraries}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`,
    'exec "$here/usr/bin/redis-server" "$@"',
  ];
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(path.join(folder, 'bin', 'redis-server'), `${lines.join('\n')}\n`, { mode: 0o755 });
}

function linkServer(folder: string, tools: string): void {
  mkdirSync(path.join(folder, 'bin'));
  symlinkSync(tools, path.join(folder, 'bin', 'redis-server'));
}

/** Builds the folder aside and moves it to its place only when its server answers: a half-made one is never seen. */
async function place(
  home: string,
  host: Host,
  build: (folder: string) => void | Promise<void>,
): Promise<RedisServer | undefined> {
  const aside = `${home}.${process.pid}`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    await build(aside);
    const made = await serverAt(ownBinary(aside), host);
    if (!isRecent(made)) return made;
    rmSync(home, { recursive: true, force: true });
    renameSync(aside, home);
    return await serverAt(ownBinary(home), host);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function ownBinary(home: string): string | undefined {
  const binary = path.join(home, 'bin', 'redis-server');
  return existsSync(binary) && isExecutable(binary) ? binary : undefined;
}

/** Undefined when there is no such program, or none that answers as a Redis server. */
async function serverAt(binary: string | undefined, { env }: Host): Promise<RedisServer | undefined> {
  if (binary === undefined) return undefined;
  const { output } = await execute(binary, ['--version'], { env, timeoutMs: VERSION_TIMEOUT_MS });
  const version = /\bv=(\d+\.\d+\.\d+)/.exec(output)?.[1];
  return version === undefined ? undefined : { binary, version };
}

function isRecent(server: RedisServer | undefined): server is RedisServer {
  return server !== undefined && Number.parseInt(server.version, 10) >= REDIS_MAJOR_MIN;
}

function tooOld(host: Host, server: RedisServer | undefined): CommandError {
  const found =
    server === undefined ? 'what was installed does not start' : `the one to be had here is ${server.version}`;
  return new CommandError({
    code: 'REDIS_TOO_OLD',
    message: `Redis ${REDIS_MAJOR_MIN}.0 or later is needed for its functions; ${found}`,
    hint:
      host.platform === 'darwin'
        ? 'type: brew upgrade redis'
        : 'put a redis-server of version 7 or later first on the PATH (packages for each system: https://redis.io/downloads)',
  });
}

function apt(host: Host, args: readonly string[], cwd?: string): Promise<Execution> {
  const env = { ...host.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  return execute('apt-get', args, { env, timeoutMs: APT_TIMEOUT_MS, ...(cwd === undefined ? {} : { cwd }) });
}

function installFailed(host: Host, { code, output }: Execution): CommandError {
  return new CommandError({
    code: 'REDIS_INSTALL_FAILED',
    message: `redis-server could not be installed: apt-get ended by ${code ?? 'its time limit'} (${lastErrorIn(output)})`,
    hint: installHint(host),
  });
}

function installHint(host: Host): string {
  if (host.platform === 'darwin') return 'type: brew install redis';
  const commands = { 'apt-get': 'apt-get install -y redis-tools', dnf: 'dnf install -y redis', apk: 'apk add redis' };
  const known = Object.entries(commands).find(([manager]) => findProgram(host, manager) !== undefined);
  if (known === undefined) return 'install Redis 7 or later, so that redis-server is on the PATH';
  const update = known[0] === 'apt-get' ? `${asRoot(host, 'apt-get update')} && ` : '';
  return `type: ${update}${asRoot(host, known[1])}`;
}
