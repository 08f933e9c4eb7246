import { readFileSync } from 'node:fs';
import { isRunning } from '../running.ts';

/** A process, told apart from a later one that was given the same number. */
export interface ProcessIdentity {
  readonly name: string;
  readonly pid: number;
  /** When it started, in the kernel's own measure; empty where the system does not tell. */
  readonly started: string;
}

export function identify(name: string, pid: number): ProcessIdentity {
  return { name, pid, started: startOf(pid) ?? '' };
}

export function isAlive(process_: ProcessIdentity): boolean {
  if (!isRunning(process_.pid)) return false;
  const started = startOf(process_.pid);
  return started === undefined || process_.started === '' || started === process_.started;
}

/** Field 22 of /proc/<pid>/stat; a zombie counts as gone, since it holds nothing. */
function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' ? 'gone' : fields[19];
  } catch {
    return undefined;
  }
}
