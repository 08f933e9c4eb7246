import { pino, type Logger } from 'pino';

export type Log = Logger;

/** One JSON line an event on stdout. Values under these names never reach a log. */
export function createLog(options: { service: string; level: string; release: string }): Log {
  return pino({
    level: options.level,
    base: { service: options.service, release: options.release },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: [
      'token',
      'password',
      'authorization',
      '*.token',
      '*.password',
      '*.authorization',
      'req.headers.authorization',
    ],
  });
}

/** For tests and tools that say nothing. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}
