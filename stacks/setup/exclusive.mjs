import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 200;
const HEARTBEAT_MS = 2_000;
/** A lock whose holder gave no sign for this long belongs to nobody: its process is frozen, or its id was given to another. */
const SILENCE_MAX_MS = 30_000;

/**
 * Runs `work` while no other process runs under the same lock file. A holder that died or fell silent loses the lock, so
 * that a `kill -9` never asks a person to remove a file. Plain JavaScript, because it runs before anything is installed.
 *
 * @template T
 * @param {{ lockFile: string, waitMaxMs: number, onWait?: (holder: number) => void }} options
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function exclusively({ lockFile, waitMaxMs, onWait }, work) {
  mkdirSync(path.dirname(lockFile), { recursive: true });
  await acquire(lockFile, waitMaxMs, onWait ?? (() => {}));
  const heartbeat = setInterval(() => touch(lockFile), HEARTBEAT_MS);
  const release = () => removeOwn(lockFile);
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.off('exit', release);
    release();
  }
}

/**
 * @param {string} lockFile
 * @param {number} waitMaxMs
 * @param {(holder: number) => void} onWait
 */
async function acquire(lockFile, waitMaxMs, onWait) {
  const startedMs = performance.now();
  let seen = { stamp: '', sinceMs: startedMs };
  let told = false;
  while (!create(lockFile)) {
    const holder = read(lockFile);
    if (holder === undefined) continue;
    const nowMs = performance.now();
    if (holder.stamp !== seen.stamp) seen = { stamp: holder.stamp, sinceMs: nowMs };
    if (!isAlive(holder.pid) || nowMs - seen.sinceMs > SILENCE_MAX_MS) {
      takeAway(lockFile, holder.stamp);
      continue;
    }
    if (nowMs - startedMs > waitMaxMs) {
      throw new Error(`process ${holder.pid} has held ${path.basename(lockFile)} for over ${waitMaxMs / 1_000} s`);
    }
    if (!told) onWait(holder.pid);
    told = true;
    await delay(POLL_MS);
  }
}

/** @param {string} lockFile */
function create(lockFile) {
  const own = `${lockFile}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    // A link appears with its content or not at all: nobody ever reads a lock without a holder.
    linkSync(own, lockFile);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * @param {string} lockFile
 * @returns {{ pid: number, stamp: string } | undefined} undefined when the lock is gone.
 */
function read(lockFile) {
  try {
    const { mtimeMs, ino } = statSync(lockFile);
    const pid = Number(readFileSync(lockFile, 'utf8'));
    return { pid, stamp: `${pid} ${ino} ${mtimeMs}` };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * @param {string} lockFile
 * @param {string} stamp
 */
function takeAway(lockFile, stamp) {
  if (read(lockFile)?.stamp !== stamp) return;
  const aside = `${lockFile}.${process.pid}.stale`;
  try {
    renameSync(lockFile, aside);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  rmSync(aside, { force: true });
}

/** @param {string} lockFile */
function removeOwn(lockFile) {
  if (read(lockFile)?.pid === process.pid) rmSync(lockFile, { force: true });
}

/** @param {string} lockFile */
function touch(lockFile) {
  try {
    if (read(lockFile)?.pid === process.pid) utimesSync(lockFile, new Date(), new Date());
  } catch {
    // The lock went with its folder: the work decides for itself whether that matters.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
