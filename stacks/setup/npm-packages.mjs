import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { exclusively } from './exclusive.mjs';

const INSTALL_MAX_MS = 20 * 60_000;
const STILL_EVERY_MS = 20_000;
const ERROR_TAIL_CHARS = 8_000;
export const INSTALL_COMMAND = 'npm ci --no-audit --no-fund';

/**
 * Makes node_modules hold exactly what package-lock.json says, and does nothing when it already does. Calls at the same
 * time wait for the one that installs.
 *
 * @param {{ root: string, env: NodeJS.ProcessEnv, progress: (line: string) => void }} options
 */
export async function ensurePackages({ root, env, progress }) {
  const lock = readFileSync(path.join(root, 'package-lock.json'));
  const stampFile = path.join(root, 'node_modules', '.orrery-lock');
  const digest = createHash('sha256').update(lock).digest('hex');
  const stamped = () => readIfThere(stampFile) === digest;
  if (stamped()) return;

  const lockFile = path.join(root, '.orrery', 'packages.lock');
  const onWait = (/** @type {number} */ pid) => progress(`waiting for process ${pid}, which installs the npm packages`);
  await exclusively({ lockFile, waitMaxMs: INSTALL_MAX_MS, onWait }, async () => {
    if (stamped()) return;
    if (!installedAsLocked(root, JSON.parse(lock.toString('utf8')))) await install({ root, env, progress });
    writeFileSync(stampFile, digest);
  });
}

/**
 * Whether npm's own record of what it installed agrees with the lock file: true after a person's `npm ci` or `npm install`.
 *
 * @param {string} root
 * @param {{ packages: Record<string, LockedPackage> }} lock
 */
function installedAsLocked(root, lock) {
  const record = readIfThere(path.join(root, 'node_modules', '.package-lock.json'));
  if (record === undefined) return false;
  /** @type {Record<string, LockedPackage>} */
  const installed = JSON.parse(record).packages;
  return Object.entries(lock.packages)
    .filter(([place]) => place.includes('node_modules/'))
    .every(([place, locked]) => {
      const found = installed[place];
      if (found === undefined) return locked.optional === true && !isForThisPlatform(locked);
      return found.version === locked.version && found.integrity === locked.integrity;
    });
}

/**
 * An optional package that names no platform comes with one that does, and a C library can't be told cheaply: neither is
 * known to be for this platform.
 *
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} LockedPackage
 * @param {LockedPackage} locked
 */
function isForThisPlatform({ os, cpu, libc }) {
  if (libc !== undefined || (os === undefined && cpu === undefined)) return false;
  return (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true);
}

/** @param {{ root: string, env: NodeJS.ProcessEnv, progress: (line: string) => void }} options */
async function install({ root, env, progress }) {
  refuseLink(path.join(root, 'node_modules'));
  const startedMs = performance.now();
  const seconds = () => `${Math.round((performance.now() - startedMs) / 1_000)} s`;
  progress(`installing the locked npm packages (${INSTALL_COMMAND}); the first time this takes a minute or two`);
  const still = setInterval(() => progress(`still installing npm packages (${seconds()})`), STILL_EVERY_MS);
  try {
    await runNpm(root, env);
  } finally {
    clearInterval(still);
  }
  progress(`npm packages installed (${seconds()})`);
}

/**
 * npm empties what a link leads to, which is somebody else's installation.
 *
 * @param {string} folder
 */
function refuseLink(folder) {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw new Error(
    'node_modules is a link, and what it leads to is not what package-lock.json says: remove the link, or install where it leads',
  );
}

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<void>}
 */
function runNpm(root, env) {
  const [command, ...args] = INSTALL_COMMAND.split(' ');
  return new Promise((resolve, reject) => {
    const child = spawn(String(command), args, {
      cwd: root,
      env: { ...env, PATH: withoutOwnBin(root, env['PATH'] ?? '') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let tail = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      tail = (tail + text).slice(-ERROR_TAIL_CHARS);
    });
    // Node's own time limit goes on ticking after a program that could not be started, and holds the process.
    const limit = setTimeout(() => child.kill(), INSTALL_MAX_MS);
    const stop = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
    const stopping = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
    stopping.forEach((signal) => process.on(signal, stop));
    const settle = (/** @type {string | undefined} */ reason) => {
      clearTimeout(limit);
      stopping.forEach((signal) => process.off(signal, stop));
      if (reason === undefined) resolve();
      else reject(new Error(`the locked npm packages could not be installed: ${reason}`));
    };
    child.once('error', (error) => settle(`npm did not start (${error.message})`));
    child.once('close', (code, signal) =>
      settle(code === 0 ? undefined : (reasonIn(tail) ?? `npm ended by ${code ?? signal}`)),
    );
  });
}

/**
 * The first thing npm says about a failure that is not its own bookkeeping.
 *
 * @param {string} output
 */
function reasonIn(output) {
  const lines = output.split('\n').flatMap((line) => /^npm (?:error|ERR!) (.+)$/.exec(line)?.[1] ?? []);
  const code = lines.find((line) => line.startsWith('code '))?.slice('code '.length);
  const said = lines.find((line) => !/^(code|syscall|errno|path|dest|A complete log)\b/.test(line));
  return said === undefined ? code : [code, said].filter((part) => part !== undefined).join(': ');
}

/**
 * npm replaces node_modules, so it must not run on the Node that lies in there.
 *
 * @param {string} root
 * @param {string} searchPath
 */
function withoutOwnBin(root, searchPath) {
  const own = path.join(root, 'node_modules', '.bin');
  return searchPath
    .split(path.delimiter)
    .filter((folder) => folder !== own)
    .join(path.delimiter);
}

/** @param {string} file */
function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
