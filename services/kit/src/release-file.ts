import { readFileSync } from 'node:fs';
import { messageOf, OrreryError } from './errors.ts';
import type { Log } from './log.ts';

export interface ReleaseFollowing {
  /** Whose `release` is kept up to date. */
  readonly identity: { release: string };
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Default 10,000. */
  readonly lookMs?: number;
}

const lookMsDefault = 10_000;

/** The release that a file tells. Throws `RELEASE_UNREADABLE`. */
export function readRelease(file: string): string {
  const hint = 'whoever starts the service writes the digest of the release there';
  let release: string;
  try {
    release = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const message = `the release file ${file} can't be read: ${messageOf(cause)}`;
    throw new OrreryError({ code: 'RELEASE_UNREADABLE', message, hint, cause });
  }
  if (release !== '') return release;
  throw new OrreryError({ code: 'RELEASE_UNREADABLE', message: `the release file ${file} is empty`, hint });
}

/**
 * Follows a release that leaves this service as it is. It looks again and again, because what a cluster mounts is exchanged by links
 * that watchers miss. Holds no process up; the function that it returns ends it.
 */
export function followRelease(file: string, { identity, log, lookMs = lookMsDefault }: ReleaseFollowing): () => void {
  const timer = setInterval(() => {
    try {
      const release = readRelease(file);
      if (release === identity.release) return;
      identity.release = release;
      log.info({ release }, 'this instance is of another release, which leaves it as it is');
    } catch (error) {
      log.warn({ err: error }, 'the release can not be told: the last one known stands');
    }
  }, lookMs).unref();
  return () => clearInterval(timer);
}
