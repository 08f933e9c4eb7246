import { open, readFile, mkdir, truncate, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import { OrreryError } from '@orrery/kit/errors';

/** What happened to a pair, or to what is live. Append-only; `previous` is the digest of the line before. */
export type LogEntry = { readonly number: number; readonly previous: string | null; readonly at: string } & LogEvent;

export type LogEvent =
  | {
      readonly kind: 'registered';
      readonly pair: string;
      readonly tenant: string;
      readonly model: string;
      readonly stage: 'registered' | 'rejected';
      readonly reasons: readonly string[];
      readonly actor: string;
    }
  | {
      readonly kind: 'transition';
      readonly pair: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
      readonly actor: string;
    }
  | {
      readonly kind: 'live';
      readonly release: string;
      readonly live: Readonly<Record<string, string>>;
      readonly actor: string;
    };

/** Where the registry keeps its metadata: locally a file, in a cloud DynamoDB. */
export interface PairLog {
  /** Every entry so far, oldest first. Throws `REGISTRY_LOG_BROKEN` when one does not follow from the one before. */
  open(): Promise<readonly LogEntry[]>;
  /** Durable when it resolves. Calls are taken one after the other. */
  append(event: LogEvent): Promise<LogEntry>;
  close(): Promise<void>;
}

/** The log as one JSONL file, each line flushed to disk before it counts. A half-written last line never counted and is cut off. */
export function createFilePairLog(file: string, now: () => Date): PairLog {
  let handle: FileHandle | undefined;
  let number = 0;
  let previous: string | null = null;
  let last: Promise<unknown> = Promise.resolve();

  const write = async (event: LogEvent): Promise<LogEntry> => {
    if (handle === undefined) throw new TypeError('the log is not open');
    const entry: LogEntry = { number: number + 1, previous, at: now().toISOString(), ...event };
    const line = JSON.stringify(entry);
    await handle.appendFile(`${line}\n`);
    await handle.sync();
    number = entry.number;
    previous = digestOfBytes(line);
    return entry;
  };

  return {
    async open() {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const lines = await readLines(file);
      const entries: LogEntry[] = [];
      for (const line of lines) {
        const entry = parse(file, line, entries.length + 1);
        if (entry.previous !== previous || entry.number !== entries.length + 1) throw broken(file, entries.length + 1);
        entries.push(entry);
        previous = digestOfBytes(line);
        number = entry.number;
      }
      handle = await open(file, 'a', 0o600);
      return entries;
    },
    async append(event) {
      const written = last.then(() => write(event));
      last = written.catch(() => undefined);
      return written;
    },
    async close() {
      await last;
      await handle?.close();
    },
  };
}

async function readLines(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await truncate(file, Buffer.byteLength(whole));
  return whole.split('\n').filter((line) => line !== '');
}

function parse(file: string, line: string, number: number): LogEntry {
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    throw broken(file, number);
  }
}

function broken(file: string, number: number): OrreryError {
  return new OrreryError({
    code: 'REGISTRY_LOG_BROKEN',
    message: `${file}:${number} does not follow from the line before it`,
    hint: 'the log is append-only: restore it from a backup; nothing was changed',
  });
}
