import { accessSync, constants, existsSync, statSync } from 'node:fs';
import path from 'node:path';

/** What setting up may know of the machine; tests pass one of their own. */
export interface Host {
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
}

export function currentHost(): Host {
  return { env: process.env, platform: process.platform, isRoot: process.getuid?.() === 0 };
}

/** The path of a program on the host's PATH, or undefined. */
export function findProgram(host: Host, name: string): string | undefined {
  if (name.includes(path.sep)) return isExecutable(name) ? name : undefined;
  return (host.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, name))
    .find(isExecutable);
}

/** Debian, Ubuntu and their kin: known by their package manager, not by a name. */
export function isDebianLike(host: Host): boolean {
  return host.platform === 'linux' && findProgram(host, 'apt-get') !== undefined;
}

/** The command as a person types it: with `sudo` where they aren't root. */
export function asRoot(host: Host, command: string): string {
  return host.isRoot ? command : `sudo ${command}`;
}

export function isExecutable(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
