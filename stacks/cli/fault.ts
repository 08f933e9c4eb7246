import { OrreryError } from '@orrery/kit/errors';
import { CommandError, messageOf } from '../errors.ts';

/** What a person and a program are told of an error, and how the command ends. */
export interface Told {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly exitCode: 1 | 2 | 3;
  /** Of what nobody expected: where it happened, for a report. */
  readonly stack?: string;
}

/** What the machine refuses, by the codes of its errors: not a fault of orrery, and mended by whoever runs it. */
const refusals: Readonly<Record<string, readonly [code: string, hint: string]>> = {
  ENOSPC: ['DISK_FULL', 'make room (df -h), then run the same command again'],
  EDQUOT: ['DISK_FULL', 'make room within the quota, then run the same command again'],
  EROFS: ['NOT_WRITABLE', 'what it names must be writable: mount it so, then run the same command again'],
  EACCES: ['NOT_PERMITTED', 'see who owns what it names (ls -ld) and run as that user'],
  EPERM: ['NOT_PERMITTED', 'see who owns what it names (ls -ld) and run as that user'],
  EISDIR: ['NO_FILE', 'what it names is a folder where a file is needed: move it away'],
  ENOTDIR: ['NO_FOLDER', 'what it names is a file where a folder is needed: move it away'],
  EMFILE: ['FILES_EXHAUSTED', 'allow more open files (ulimit -n 4096), then run the same command again'],
  ENFILE: ['FILES_EXHAUSTED', 'the machine has too many open files: end something, then run the same command again'],
};

/** What files have nothing to do with. */
const others = new Set(['kill', 'listen', 'bind', 'connect']);

/** Paths of the clone are told from its root: where a clone lies is nobody's business but its owner's. */
export function tellError(error: unknown, root: string): Told {
  const told = tell(error);
  const fromRoot = (text: string) => text.replaceAll(`${root}/`, '');
  return { ...told, message: fromRoot(told.message), hint: fromRoot(told.hint) };
}

function tell(error: unknown): Told {
  if (error instanceof CommandError || error instanceof OrreryError) {
    const { code, message, hint } = error;
    return { code, message, hint, exitCode: error instanceof CommandError ? error.exitCode : 1 };
  }
  const [code, hint] = refusals[refusalOf(error)] ?? [];
  const message = messageOf(error);
  if (code !== undefined && hint !== undefined) return { code, message, hint, exitCode: 1 };
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  return { code: 'FAULT', message, hint: 'this is a fault of orrery itself, please report it', exitCode: 1, stack };
}

function refusalOf(error: unknown): string {
  const { code = '', syscall } = (error ?? {}) as NodeJS.ErrnoException;
  // Making a folder and its parents on what can't be written ends as if nothing were there.
  if (code === 'ENOENT' && syscall === 'mkdir') return 'EROFS';
  return syscall !== undefined && others.has(syscall) ? '' : code;
}
