import { existsSync } from 'node:fs';
import path from 'node:path';

/** The Node with which the bootstrap itself still works. */
const BOOTSTRAP_MAJOR_MIN = 20;
/** Node 24 runs TypeScript by stripping its types. */
const PLATFORM_MAJOR_MIN = 24;

/** @param {string} version as in `process.version` */
export function assertBootstrapNode(version) {
  if (majorOf(version) >= BOOTSTRAP_MAJOR_MIN) return;
  throw problem(
    `orrery starts with Node ${BOOTSTRAP_MAJOR_MIN} or later; this is ${version}`,
    `install Node ${PLATFORM_MAJOR_MIN} (https://nodejs.org/en/download), then run the same command again`,
  );
}

/**
 * The Node that runs the platform: the one that package-lock.json pins where there is one for this platform, otherwise the
 * host's when it is recent enough.
 *
 * @param {{ root: string, platform: NodeJS.Platform, arch: string, version: string, execPath: string }} host
 * @returns {string} the program's path
 */
export function pinnedNode({ root, platform, arch, version, execPath }) {
  const pinned = path.join(root, 'node_modules', `node-${platform}-${arch}`, 'bin', 'node');
  if (existsSync(pinned)) return pinned;
  if (majorOf(version) >= PLATFORM_MAJOR_MIN) return execPath;
  throw problem(
    `there is no pinned Node for ${platform} ${arch}, and this Node is ${version}`,
    `install Node ${PLATFORM_MAJOR_MIN} or later (https://nodejs.org/en/download), then run the same command again`,
  );
}

/**
 * @param {string} message
 * @param {string} hint
 */
function problem(message, hint) {
  return Object.assign(new Error(message), { hint });
}

/** @param {string} version */
function majorOf(version) {
  return Number(/^v?(\d+)\./.exec(version)?.[1] ?? Number.NaN);
}
