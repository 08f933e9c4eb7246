import type { Writable } from 'node:stream';

/**
 * Who stops reading, as `head -1` does, has heard enough: what is written from then on goes nowhere, and that is no error. Resolves when
 * it happens, for what would otherwise go on until Ctrl-C. Every other failure to write ends the process, as it does without this.
 */
export function untilUnread(streams: readonly Pick<Writable, 'on'>[]): Promise<void> {
  return new Promise((resolve) => {
    for (const stream of streams) {
      stream.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPIPE') throw error;
        resolve();
      });
    }
  });
}
