import { pino, type Logger, type LoggerOptions } from 'pino';

export type Log = Logger;

/** One JSON line an event, on stdout unless a destination is given. Values under these names never reach a log. */
export function createLog(options: {
  service: string;
  level: string;
  release: string;
  destination?: { write(line: string): void };
}): Log {
  const settings: LoggerOptions = {
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
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

/** For tests and tools that say nothing. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}
